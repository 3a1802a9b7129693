"""The benchmark `xtreme`: intermediate tasks of Phang et al. 2020 and targets of XTREME (Hu et al. 2020).

Test sets are translations of the same items in XNLI (Conneau et al. 2018), PAWS-X (Yang et al. 2019) and XQuAD (Artetxe
et al. 2020), and in MLQA (Lewis et al. 2020) for the questions that two languages share. So are those of two targets
that XTREME does not have and that are opt-in: SIB-200 (Adelani et al. 2024) and NusaX (Winata et al. 2023).

Within a test set items share texts: XNLI has three hypotheses for each premise, PAWS-X up to seven pairs around one
sentence, and question answering several questions about one passage.
"""

from functools import partial

from spaces.shifted_targets import mix_languages, perturb_target
from spaces.table import Table
from spaces.task import NLI_LABELS, Recipe, Task
from spaces.xtreme_intermediates import INTERMEDIATES, NLI_RECIPE, build_span_task, languages_without
from spaces.xtreme_languages import LANGUAGES

__all__ = ["ENTITY_TAGS", "INTERMEDIATES", "LANGUAGES", "NLI_LABELS", "SHIFTED_TARGETS", "TARGETS", "UPOS_TAGS"]

UPOS_TAGS = tuple("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split())
TOPICS = tuple("science/technology travel politics sports health entertainment geography".split())
SENTIMENTS = ("negative", "neutral", "positive")
ENTITY_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")

_build_tagging_task = partial(
    Task,
    kind="tagging",
    official_metrics=("f1",),
    other_metrics=("accuracy",),
    recipe=Recipe(epochs=10, batch_size=32, max_length=256),
)

# As in SIB-200's own script for zero-shot transfer, whose batches are 16 rows twice.
_build_text_task = partial(
    Task,
    kind="text",
    other_metrics=("macro_f1",),
    recipe=Recipe(epochs=20, batch_size=32, max_length=164),
    is_translated=True,
    is_parallel=True,
    is_opt_in=True,
)

_PLAIN_TARGETS = Table(
    "target of xtreme",
    (
        Task(
            name="xnli",
            kind="pair",
            about="XNLI: MultiNLI's question in 15 languages.",
            languages=("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"),
            labels=NLI_LABELS,
            training_set="mnli",
            recipe=NLI_RECIPE,
            is_translated=True,
            is_parallel=True,
            cluster_text="premise",
        ),
        Task(
            name="pawsx",
            kind="pair",
            about="PAWS-X: do two sentences of nearly the same words mean the same? 7 languages.",
            languages=("de", "en", "es", "fr", "ja", "ko", "zh"),
            labels=("different", "paraphrase"),
            training_set="pawsx",
            recipe=Recipe(epochs=5, batch_size=32, max_length=256),
            is_translated=True,
            is_parallel=True,
            cluster_text="sentence",
        ),
        _build_text_task(
            name="sib200",
            about="SIB-200: which of seven topics is a sentence of FLORES-200 about? Trained on 701 rows.",
            languages=tuple(LANGUAGES),
            labels=TOPICS,
            training_set="sib200",
        ),
        _build_text_task(
            name="nusax",
            about="NusaX: is a comment negative, neutral or positive? XTREME has 3 of its 12 languages.",
            languages=("en", "id", "jv"),
            labels=SENTIMENTS,
            training_set="nusax",
        ),
        _build_tagging_task(
            name="udpos",
            about="Parts of speech of Universal Dependencies 2.5, 33 languages.",
            languages=languages_without("bn jv ka ml ms my sw"),
            labels=UPOS_TAGS,
            training_set="udpos",
        ),
        _build_tagging_task(
            name="panx",
            about="PAN-X (WikiANN): names of people, places and organisations, 40 languages.",
            languages=tuple(LANGUAGES),
            labels=ENTITY_TAGS,
            training_set="panx",
        ),
        build_span_task(
            name="xquad",
            about="XQuAD: SQuAD's questions and paragraphs, translated into 11 languages.",
            languages=("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"),
            training_set="squad",
            is_parallel=True,
            cluster_text="passage",
        ),
        build_span_task(
            name="mlqa",
            about="MLQA: questions on parallel Wikipedia sentences in 7 languages.",
            languages=("ar", "de", "en", "es", "hi", "vi", "zh"),
            training_set="squad",
            answer_script="mlqa",
            is_parallel=True,
            cluster_text="passage",
        ),
        build_span_task(
            name="tydiqa",
            about="TyDiQA (gold passage): questions that people asked in 9 languages, without translation.",
            languages=("ar", "bn", "en", "fi", "id", "ko", "ru", "sw", "te"),
            training_set="tydiqa",
            cluster_text="passage",
        ),
        Task(
            name="bucc",
            kind="retrieval",
            about="BUCC 2018: mine translation pairs from two large sets of sentences, 4 languages with English.",
            languages=("de", "fr", "ru", "zh"),
            official_metrics=("f1",),
            retrieval_mode="mine",
        ),
        Task(
            name="tatoeba",
            kind="retrieval",
            about="Tatoeba: find the translation of an English sentence among up to 1,000, in 36 languages.",
            languages=languages_without("en ms my yo"),
        ),
    ),
)

_MISSPELT = "with two neighbouring letters swapped in one word of five."
SHIFTED_TARGETS = (
    mix_languages(_PLAIN_TARGETS["xnli"], is_parallel=True),
    mix_languages(_PLAIN_TARGETS["pawsx"], is_parallel=False),  # labels of PAWS-X differ between languages
    *(perturb_target(_PLAIN_TARGETS[name], _MISSPELT) for name in ("xnli", "pawsx")),
)
TARGETS = Table("target of xtreme", (*_PLAIN_TARGETS.values(), *SHIFTED_TARGETS))
