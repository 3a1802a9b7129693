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

from collections.abc import Iterable
from dataclasses import replace

from spaces.flores_codes import FLORES_CODES
from spaces.table import Table
from spaces.task import Task
from spaces.wide_data import WIDE_DATASETS
from spaces.wide_languages import LANGUAGES
from spaces.xtreme import SHIFTED_TARGETS
from spaces.xtreme import TARGETS as XTREME_TARGETS

__all__ = ["LANGUAGES", "TARGETS", "WIDE_TARGETS"]


def _widen(
    target: str,
    name: str,
    about: str,
    *,
    languages: Iterable[str],
    is_parallel: bool = False,
    is_opt_in: bool = False,
) -> Task:
    """Return the wide target that asks what `target` asks in further languages."""
    return replace(
        XTREME_TARGETS[target],
        name=name,
        about=about,
        languages=tuple(sorted(languages)),
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
        languages=WIDE_DATASETS["afrixnli"].codes,
        is_parallel=True,
    ),
    _widen(
        "xnli",
        "indicxnli",
        "IndicXNLI: XNLI in machine translation into 11 languages of India.",
        languages=WIDE_DATASETS["indicxnli"].codes,
        is_parallel=True,
    ),
    # Rows are missing in nah and in another order in oto, so that a row number names no item.
    _widen(
        "xnli",
        "americasnli-test",
        "AmericasNLI: 750 pairs of XNLI, translated by people into 10 languages of the Americas.",
        languages=WIDE_DATASETS["americasnli_test"].codes,
    ),
    _widen(
        "udpos",
        "masakhapos",
        "MasakhaPOS: parts of speech of news in 20 languages of Africa.",
        languages=WIDE_DATASETS["masakhapos"].codes,
    ),
    _widen(
        "panx",
        "masakhaner",
        "MasakhaNER 2: names of people, places and organisations in news, 20 languages of Africa.",
        languages=WIDE_DATASETS["masakhaner"].codes,
    ),
    _widen(
        "xquad",
        "indicqa",
        "IndicQA: questions on Wikipedia's paragraphs that have an answer there, in 11 languages of India.",
        languages=WIDE_DATASETS["indicqa"].codes,
    ),
    _widen(
        "xquad",
        "afriqa",
        "AfriQA: questions in 10 languages of Africa on passages in English or French.",
        languages=WIDE_DATASETS["afriqa"].codes,
        is_opt_in=True,  # the languages of question and passage differ: another question than XQuAD's
    ),
    _widen(
        "sib200",
        "sib200-wide",
        "SIB-200: the same topics and sentences in further languages.",
        languages=(LANGUAGES.keys() & FLORES_CODES.keys()) - {*XTREME_TARGETS["sib200"].languages},
        is_parallel=True,
        is_opt_in=True,  # as sib200 itself
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
