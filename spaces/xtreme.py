"""The benchmark `xtreme`: intermediate tasks of Phang et al. 2020 and targets of XTREME (Hu et al. 2020).

Recipes are those that jiant released for the paper (epochs, effective batch size, longest input, stride of windows; its
learning rate is 1e-5 everywhere, with 10 % warm-up, weight decay 0.01 and gradients clipped at 1). Intermediate tasks
that are no target's training set follow jiant's guide: three epochs. docs/xtreme.md compares them with XTREME's scripts.

Test sets are translations of the same items in XNLI (Conneau et al. 2018), PAWS-X (Yang et al. 2019) and XQuAD (Artetxe
et al. 2020), and in MLQA (Lewis et al. 2020) for the questions that two languages share.
"""

from spaces.foreign_data import AMERICASNLI_LANGUAGES, LOCAL_MNLI_LANGUAGES, XNLI_LANGUAGES
from spaces.shifted_targets import mix_languages, perturb_target
from spaces.table import Table
from spaces.task import Recipe, Task
from spaces.xtreme_languages import LANGUAGES

__all__ = ["INTERMEDIATES", "LANGUAGES", "TARGETS"]

NLI_LABELS = ("entailment", "neutral", "contradiction")
UPOS_TAGS = (
    "ADJ",
    "ADP",
    "ADV",
    "AUX",
    "CCONJ",
    "DET",
    "INTJ",
    "NOUN",
    "NUM",
    "PART",
    "PRON",
    "PROPN",
    "PUNCT",
    "SCONJ",
    "SYM",
    "VERB",
    "X",
)
ENTITY_TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")

_NLI_RECIPE = Recipe(epochs=2, batch_size=32, max_length=256)
_SQUAD_RECIPE = Recipe(epochs=2, batch_size=16, max_length=384, stride=128)
_TAGGING_RECIPE = Recipe(epochs=10, batch_size=32, max_length=256)
_CHOICE_RECIPE = Recipe(epochs=3, batch_size=16, max_length=256)
_MLM_RECIPE = Recipe(epochs=1, batch_size=32, max_length=256)
_GUIDE_RECIPE = Recipe(epochs=3, batch_size=32, max_length=256)


def _languages_without(names: str) -> tuple[str, ...]:
    """Every language of XTREME but these, given with blanks between them."""
    return tuple(name for name in LANGUAGES if name not in names.split())


INTERMEDIATES = Table(
    "intermediate task of xtreme",
    (
        Task(
            name="anli",
            kind="pair",
            about="ANLI+: the three adversarial rounds of ANLI with MultiNLI and SNLI, one head for all.",
            labels=NLI_LABELS,
            official_metrics=("accuracy",),
            training_set="anli",
            recipe=_NLI_RECIPE,
        ),
        Task(
            name="mnli",
            kind="pair",
            about="MultiNLI: does the first sentence entail the second, contradict it, or neither?",
            training_languages=("en", *XNLI_LANGUAGES, *LOCAL_MNLI_LANGUAGES),
            labels=NLI_LABELS,
            official_metrics=("accuracy",),
            training_set="mnli",
            recipe=_NLI_RECIPE,
        ),
        Task(
            name="qqp",
            kind="pair",
            about="Quora question pairs: do two questions ask the same?",
            labels=("not_duplicate", "duplicate"),
            official_metrics=("accuracy",),
            training_set="qqp",
            recipe=_GUIDE_RECIPE,
        ),
        Task(
            name="squad2",
            kind="span",
            about="SQuAD 2.0: mark the answer, or say that the paragraph has none.",
            official_metrics=("exact_match", "f1"),
            answer_script="squad2",
            training_set="squad2",
            recipe=_SQUAD_RECIPE,
        ),
        Task(
            name="squad",
            kind="span",
            about="SQuAD 1.1: mark the answer to a question in a Wikipedia paragraph.",
            official_metrics=("exact_match", "f1"),
            training_set="squad",
            recipe=_SQUAD_RECIPE,
        ),
        Task(
            name="hellaswag",
            kind="choice",
            about="HellaSwag: which of four endings continues the description of a scene?",
            official_metrics=("accuracy",),
            training_set="hellaswag",
            option_count=4,
            recipe=_CHOICE_RECIPE,
        ),
        Task(
            name="ccg",
            kind="tagging",
            about="CCG supertagging: the syntactic category of every word (CCGbank, licensed).",
            labels=(),  # the data say which there are
            official_metrics=("accuracy",),
            training_set="ccg",
            recipe=_GUIDE_RECIPE,
        ),
        Task(
            name="cosmosqa",
            kind="choice",
            about="Cosmos QA: four answers to a question about what a blog post leaves unsaid.",
            official_metrics=("accuracy",),
            training_set="cosmosqa",
            option_count=4,
            recipe=_CHOICE_RECIPE,
        ),
        Task(
            name="csqa",
            kind="choice",
            about="CommonsenseQA: five short answers to a question about everyday things.",
            official_metrics=("accuracy",),
            training_set="csqa",
            option_count=5,
            recipe=_CHOICE_RECIPE,
        ),
        Task(
            name="ocnli",
            kind="pair",
            about="OCNLI: MultiNLI's question, written in Chinese.",
            training_languages=("zh",),
            labels=NLI_LABELS,
            official_metrics=("accuracy",),
            training_set="ocnli",
            recipe=_NLI_RECIPE,
            is_opt_in=True,
        ),
        Task(
            name="indonli",
            kind="pair",
            about="IndoNLI: MultiNLI's question, written in Indonesian.",
            training_languages=("id",),
            labels=NLI_LABELS,
            official_metrics=("accuracy",),
            training_set="indonli",
            recipe=_NLI_RECIPE,
            is_opt_in=True,
        ),
        Task(
            name="americasnli",
            kind="pair",
            about="AmericasNLI: XNLI's question in ten languages of the Americas, of which Aymara is the first.",
            training_languages=AMERICASNLI_LANGUAGES,
            labels=NLI_LABELS,
            official_metrics=("accuracy",),
            training_set="americasnli",
            recipe=_NLI_RECIPE,
            is_opt_in=True,
        ),
        Task(
            name="random",
            kind="pair",
            about="The negative control: the pairs of MultiNLI with random labels. It should help nothing.",
            labels=NLI_LABELS,
            official_metrics=("accuracy",),
            training_set="random",
            recipe=_NLI_RECIPE,
            is_control=True,
            is_opt_in=True,
        ),
        Task(
            name="mlm",
            kind="mlm",
            about="Guess masked words in Wikipedia's articles, in every language of XTREME.",
            training_languages=("en", *_languages_without("en")),
            official_metrics=("accuracy",),
            training_set="mlm",
            recipe=_MLM_RECIPE,
            is_opt_in=True,
        ),
    ),
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
            official_metrics=("accuracy",),
            training_set="mnli",
            recipe=_NLI_RECIPE,
            is_parallel=True,
        ),
        Task(
            name="pawsx",
            kind="pair",
            about="PAWS-X: do two sentences of nearly the same words mean the same? 7 languages.",
            languages=("de", "en", "es", "fr", "ja", "ko", "zh"),
            labels=("different", "paraphrase"),
            official_metrics=("accuracy",),
            training_set="pawsx",
            recipe=Recipe(epochs=5, batch_size=32, max_length=256),
            is_parallel=True,
        ),
        Task(
            name="udpos",
            kind="tagging",
            about="Parts of speech of Universal Dependencies 2.5, 33 languages.",
            languages=_languages_without("bn jv ka ml ms my sw"),
            labels=UPOS_TAGS,
            official_metrics=("f1",),
            other_metrics=("accuracy",),
            training_set="udpos",
            recipe=_TAGGING_RECIPE,
        ),
        Task(
            name="panx",
            kind="tagging",
            about="PAN-X (WikiANN): names of people, places and organisations, 40 languages.",
            languages=tuple(LANGUAGES),
            labels=ENTITY_TAGS,
            official_metrics=("f1",),
            other_metrics=("accuracy",),
            training_set="panx",
            recipe=_TAGGING_RECIPE,
        ),
        Task(
            name="xquad",
            kind="span",
            about="XQuAD: SQuAD's questions and paragraphs, translated into 11 languages.",
            languages=("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"),
            official_metrics=("exact_match", "f1"),
            training_set="squad",
            recipe=_SQUAD_RECIPE,
            is_parallel=True,
        ),
        Task(
            name="mlqa",
            kind="span",
            about="MLQA: questions on parallel Wikipedia sentences in 7 languages.",
            languages=("ar", "de", "en", "es", "hi", "vi", "zh"),
            official_metrics=("exact_match", "f1"),
            training_set="squad",
            recipe=_SQUAD_RECIPE,
            answer_script="mlqa",
            is_parallel=True,
        ),
        Task(
            name="tydiqa",
            kind="span",
            about="TyDiQA (gold passage): questions that people asked in 9 languages, without translation.",
            languages=("ar", "bn", "en", "fi", "id", "ko", "ru", "sw", "te"),
            official_metrics=("exact_match", "f1"),
            training_set="tydiqa",
            recipe=_SQUAD_RECIPE,
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
            languages=_languages_without("en ms my yo"),
            official_metrics=("accuracy",),
        ),
    ),
)

_MISSPELT_HOW = "with two neighbouring letters swapped in one word of five."
SHIFTED_TARGETS = (
    mix_languages(_PLAIN_TARGETS["xnli"], parallel=True),
    mix_languages(_PLAIN_TARGETS["pawsx"], parallel=False),  # labels of PAWS-X differ between languages
    *(perturb_target(_PLAIN_TARGETS[name], _MISSPELT_HOW) for name in ("xnli", "pawsx")),
)
TARGETS = Table("target of xtreme", (*_PLAIN_TARGETS.values(), *SHIFTED_TARGETS))
