"""Ceilings: chains without an intermediate phase whose targets are also trained on rows of other languages.

    translate-train     English rows and their translations; every language gets the same share of the steps
    few-shot-N          English rows for half of the steps, N rows of every other language for the other half

They place a result, as floors do, and never compete with it: zero-shot transfer sees no row in another language.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from spaces.task import Split

TRANSLATE_TRAIN = "translate-train"
ENGLISH_SHARE = 0.5  # of the steps of a few-shot ceiling
MAX_SHOTS = 99_999  # rows of each language
_FEW_SHOT = re.compile(r"few-shot-[1-9][0-9]{0,4}")

RowSplits = Mapping[str, Split]  # language -> the split whose rows are trained on


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """A ceiling, and the rows in other languages that the data have for each of its training sets.

    A training set without such rows gets no stage.
    """

    name: str
    shots: int | None = None  # rows of each language; None: all of them
    rows: Mapping[str, RowSplits] = field(default_factory=dict)  # by training set

    def build_entry(self, training_set: str) -> dict[str, Any]:
        """Return what a recipe says about the rows in other languages: part of a stage's key."""
        return {"foreign_rows": {"shots": self.shots, "splits": dict(self.rows[training_set])}}


def build_ceilings(*, translate_train: bool, target_shots: int | None) -> tuple[Ceiling, ...]:
    """Return the ceilings of a space, still without the rows that the data have."""
    ceilings = [Ceiling(name=TRANSLATE_TRAIN)] if translate_train else []
    return (
        *ceilings,
        *([] if target_shots is None else [Ceiling(name=name_few_shot(target_shots), shots=target_shots)]),
    )


def name_few_shot(shots: int) -> str:
    """Return the name of the ceiling with so many rows of each language."""
    return f"few-shot-{shots}"


def is_ceiling(chain: str) -> bool:
    """Return True for the name of a ceiling. Accepts any text."""
    return chain == TRANSLATE_TRAIN or _FEW_SHOT.fullmatch(chain) is not None


def count_shots(chain: str) -> int:
    """Return the rows of each language in a few-shot ceiling, from its name."""
    return int(chain.rpartition("-")[2])


def explain_gap(chain: str) -> str:
    """Return why a ceiling has no score of a target, or does not train on a language."""
    return "no translated training rows" if chain == TRANSLATE_TRAIN else "no training or dev rows"


def list_ceilings(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of ceilings among `names`, each once, in their order."""
    return tuple(dict.fromkeys(name for name in names if is_ceiling(name)))
