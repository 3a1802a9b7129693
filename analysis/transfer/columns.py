"""The columns of a table: which targets and languages each is a mean over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from analysis.scores.choose import ENGLISH
from analysis.statistics.moments import Array
from analysis.transfer.array import Transfer
from spaces.benchmark import BENCHMARKS
from spaces.language import Language

By = Literal["target", "language", "family", "script", "resource"]
BY: tuple[By, ...] = get_args(By)
ALL = "mean"  # over all targets
TRAINED = "mean without retrieval"  # over the targets that have a training set
UNKNOWN = "unknown"  # what a language is grouped under that the benchmark does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The mean over `targets` of the mean over a target's languages.

    `languages` restricts these to some; None means all that the target is scored in, as its official score does.
    """

    name: str
    targets: tuple[str, ...]
    languages: frozenset[str] | None = None
    mean: bool = False  # one of the means over all targets, which stand apart at the end


def columns(found: Transfer, by: By = "target") -> tuple[Column, ...]:
    """The columns of a table: one per target, or one per (group of) language, and then the means over the targets.

    English has a column of its own among families, scripts and levels of resources: a zero-shot score it is not. A
    column of languages holds the targets that are scored in one of them.
    """
    if by == "target":
        parts = tuple(Column(name=target, targets=(target,)) for target in found.targets)
    else:
        parts = tuple(
            Column(name=name, targets=_spoken(found, members), languages=members)
            for name, members in language_groups(found, by).items()
        )
    return (*parts, *means(found))


def means(found: Transfer) -> tuple[Column, ...]:
    """The mean over all targets and, where some are retrieval, the mean over the others."""
    trained = tuple(target for target in found.targets if target not in found.read.retrieval)
    whole = Column(name=ALL, targets=found.targets, mean=True)
    if not trained or trained == found.targets:
        return (whole,)
    return whole, Column(name=TRAINED, targets=trained, mean=True)


def language_groups(found: Transfer, by: By) -> dict[str, frozenset[str]]:
    """The languages by name, family, script or level of resources: English first, the others by name."""
    known = languages_of(found)
    groups: dict[str, set[str]] = {}
    for language in sorted(found.languages, key=lambda one: (one != ENGLISH, one)):
        row = known.get(language)
        name = language if by == "language" or language == ENGLISH else getattr(row, by) if row else UNKNOWN
        groups.setdefault(name, set()).add(language)
    english = {ENGLISH: groups.pop(ENGLISH)} if ENGLISH in groups else {}
    last = {UNKNOWN: groups.pop(UNKNOWN)} if UNKNOWN in groups else {}
    ordered = english | dict(sorted(groups.items())) | last
    return {name: frozenset(members) for name, members in ordered.items()}


def languages_of(found: Transfer) -> Mapping[str, Language]:
    """What the benchmark knows of its languages; of a file that names no benchmark: what any benchmark knows."""
    benchmark = found.read.benchmark
    if benchmark is not None and benchmark in BENCHMARKS:
        return BENCHMARKS[benchmark].languages
    return {name: row for one in BENCHMARKS.values() for name, row in one.languages.items()}


def _spoken(found: Transfer, members: frozenset[str]) -> tuple[str, ...]:
    there = np.array([language in members for language in found.languages], np.bool_)
    return tuple(target for target, asked in zip(found.targets, found.asked, strict=True) if (asked & there).any())


@dataclass(frozen=True, slots=True)
class Points:
    """A column at every seed: points [chains x seeds], and how many of its parts are in them.

    A part is a language where the column has one target, else a target that has all its languages. Where a target is
    missing altogether the points are NaN, and `parts` counts the targets that are there: a mean over fewer targets
    would be another quantity.
    """

    values: Array
    parts: npt.NDArray[np.int64]
    of_parts: int


def points(found: Transfer, column: Column, array: Array) -> Points:
    """One column of `array` (chains x targets x languages x seeds, as the scores or the gains)."""
    wanted = np.array([column.languages is None or name in column.languages for name in found.languages], np.bool_)
    places = [found.targets.index(target) for target in column.targets]
    asked = found.asked[places] & wanted  # targets x languages
    cells = np.where(asked[None, :, :, None], array[:, places], np.nan)
    there = np.isfinite(cells).sum(axis=2)  # chains x targets x seeds
    total = np.nansum(cells, axis=2)
    means = np.divide(total, there, out=np.full(total.shape, np.nan), where=there > 0)
    if len(places) == 1:
        return Points(means[:, 0], there[:, 0], int(asked.sum()))
    whole = (there == asked.sum(axis=1)[None, :, None]).sum(axis=1)
    complete = (there > 0).all(axis=1)
    parts = np.where(complete, whole, (there > 0).sum(axis=1))
    return Points(_mean(means, complete), parts, len(places))


def _mean(values: Array, complete: npt.NDArray[np.bool_]) -> Array:
    """The mean over the second axis where it is complete."""
    return np.where(complete, np.where(complete[:, None], values, 0.0).sum(axis=1) / max(1, values.shape[1]), np.nan)
