"""The benchmark `xtreme-r` (Ruder et al. 2021): XTREME without PAWS-X and BUCC, three more tasks, ten more languages.

It differs from the published baselines in two ways. Social IQa and COPA are one training set for XCOPA instead of two
in sequence. LAReQA and Mewsli-X use the encoder as it is (mean of one layer, as Tatoeba) instead of a trained dual
encoder.

XCOPA (Ponti et al. 2020) translates COPA's test set, and LAReQA's questions are those of XQuAD: their items are
the same in every language.
"""

from dataclasses import replace

from spaces.table import Table
from spaces.task import Recipe, Task
from spaces.xtreme import SHIFTED_TARGETS
from spaces.xtreme import TARGETS as XTREME_TARGETS
from spaces.xtreme_languages import XTREME_R_LANGUAGES as LANGUAGES

__all__ = ["LANGUAGES", "TARGETS"]


def _add_languages(name: str, languages: str, about: str) -> Task:
    """Return XTREME's task with more languages, which are separated by blanks."""
    task = XTREME_TARGETS[name]
    return replace(task, about=about, languages=tuple(sorted((*task.languages, *languages.split()))))


TARGETS = Table(
    "target of xtreme-r",
    (
        XTREME_TARGETS["xnli"],
        Task(
            name="xcopa",
            kind="choice",
            about="XCOPA: which of two events is the cause, or the effect, of a third? 11 languages without English.",
            languages=("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh"),
            training_set="siqa+copa",
            option_count=3,
            recipe=Recipe(epochs=5, batch_size=32, max_length=128),
            is_parallel=True,
            cluster_text="premise",
        ),
        _add_languages("udpos", "lt pl ro uk wo", "Parts of speech of Universal Dependencies, 38 languages."),
        _add_languages(
            "panx",
            "az gu lt pa pl qu ro uk",
            "PAN-X (WikiANN): names of people, places and organisations, 48 languages.",
        ),
        _add_languages("xquad", "ro", "XQuAD: SQuAD's questions and paragraphs, translated into 12 languages."),
        XTREME_TARGETS["mlqa"],
        XTREME_TARGETS["tydiqa"],
        Task(
            name="lareqa",
            kind="retrieval",
            about="LAReQA: find the sentences that answer a question among those of all 11 languages (XQuAD-R).",
            languages=("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"),
            official_metrics=("map_at_20",),
            retrieval_mode="rank",
            is_parallel=True,
            cluster_text="passage",
        ),
        Task(
            name="mewslix",
            kind="retrieval",
            about="Mewsli-X: find the entity that a mention in a text means, 11 languages.",
            languages=("ar", "de", "en", "es", "fa", "ja", "pl", "ro", "ta", "tr", "uk"),
            official_metrics=("map_at_20",),
            retrieval_mode="rank",
            cluster_text="entity",
        ),
        _add_languages(
            "tatoeba",
            "az lt pl ro uk",
            "Tatoeba: find the translation of an English sentence among up to 1,000, in 41 languages.",
        ),
        *(task for task in SHIFTED_TARGETS if task.clean_target == "xnli"),
    ),
)
