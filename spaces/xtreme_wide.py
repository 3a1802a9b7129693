"""The benchmark `xtreme-wide`: XTREME, and its questions in further languages at no cost of training.

A wide target asks what a target of XTREME asks, in further languages: it has the training set of that target, and is
evaluated in the same stage. So the stages are those of XTREME, some of them with more to evaluate. XTREME's means do
not count wide targets, which have a mean of their own: three of them would be inference once more.

Languages that XTREME's own target has are left out where the items are the same (English and French of AfriXNLI), and
stay where they are others (Swahili of AfriXNLI, Hindi of IndicXNLI).

AfriXNLI: Adelani et al. 2024 (IrokoBench). IndicXNLI: Aggarwal et al. 2022. AmericasNLI: Ebrahimi et al. 2022.
MasakhaPOS: Dione et al. 2023. MasakhaNER 2: Adelani et al. 2022. IndicQA: Doddapaneni et al. 2023. AfriQA: Ogundepo et
al. 2023.
"""

from dataclasses import replace

from spaces.dataset import DatasetSpec
from spaces.table import Table
from spaces.task import Task
from spaces.wide_data import WIDE_DATASETS
from spaces.wide_languages import LANGUAGES
from spaces.xtreme import SHIFTED_TARGETS
from spaces.xtreme import TARGETS as XTREME_TARGETS

__all__ = ["LANGUAGES", "TARGETS", "WIDE_TARGETS"]


def _widen(
    target: str, name: str, about: str, *, dataset: DatasetSpec, is_parallel: bool = False, is_opt_in: bool = False
) -> Task:
    """Return the wide target that asks what `target` asks in the languages of a dataset."""
    return replace(
        XTREME_TARGETS[target],
        name=name,
        about=about,
        languages=tuple(sorted(dataset.codes)),
        is_translated=False,
        is_parallel=is_parallel,
        is_opt_in=is_opt_in,
        wide_of=target,
    )


WIDE_TARGETS = (
    _widen(
        "xnli",
        "afrixnli",
        "AfriXNLI: 600 pairs of XNLI, translated by people into 16 languages of Africa.",
        dataset=WIDE_DATASETS["afrixnli"],
        is_parallel=True,
    ),
    _widen(
        "xnli",
        "indicxnli",
        "IndicXNLI: XNLI in machine translation into 11 languages of India.",
        dataset=WIDE_DATASETS["indicxnli"],
        is_parallel=True,
    ),
    # Rows are missing in nah and in another order in oto, so that a row number names no item.
    _widen(
        "xnli",
        "americasnli-test",
        "AmericasNLI: 750 pairs of XNLI, translated by people into 10 languages of the Americas.",
        dataset=WIDE_DATASETS["americasnli_test"],
    ),
    _widen(
        "udpos",
        "masakhapos",
        "MasakhaPOS: parts of speech of news in 20 languages of Africa.",
        dataset=WIDE_DATASETS["masakhapos"],
    ),
    _widen(
        "panx",
        "masakhaner",
        "MasakhaNER 2: names of people, places and organisations in news, 20 languages of Africa.",
        dataset=WIDE_DATASETS["masakhaner"],
    ),
    _widen(
        "xquad",
        "indicqa",
        "IndicQA: questions on Wikipedia's paragraphs that have an answer there, in 11 languages of India.",
        dataset=WIDE_DATASETS["indicqa"],
    ),
    _widen(
        "xquad",
        "afriqa",
        "AfriQA: questions in 10 languages of Africa on passages in English or French.",
        dataset=WIDE_DATASETS["afriqa"],
        is_opt_in=True,  # the languages of question and passage differ: another question than XQuAD's
    ),
)

TARGETS = Table(
    "target of xtreme-wide",
    (
        *(task for task in XTREME_TARGETS.values() if task not in SHIFTED_TARGETS),
        *WIDE_TARGETS,
        *SHIFTED_TARGETS,
    ),
)
