"""The columns of a table: which targets and languages each is a mean over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array
from analysis.transfer.array import Transfer
from spaces.benchmark import BENCHMARKS
from spaces.language import ENGLISH, Language

GroupBy = Literal["target", "language", "family", "script", "resource"]
GROUP_BY: tuple[GroupBy, ...] = get_args(GroupBy)
MEAN_ALL = "mean"  # over all targets
MEAN_TRAINED = "mean without retrieval"  # over the targets that have a training set
UNKNOWN_GROUP = "unknown"  # what a language is grouped under that the benchmark does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferColumn:
    """The mean over `targets` of the mean over a target's languages.

    `languages` restricts these to some; None means all that the target is scored in, as its official score does.
    """

    name: str
    targets: tuple[str, ...]
    languages: frozenset[str] | None = None
    is_mean: bool = False  # one of the means over all targets, which stand apart at the end


def build_columns(found: Transfer, by: GroupBy = "target") -> tuple[TransferColumn, ...]:
    """The columns of a table: one per target, or one per (group of) language, and then the means over the targets.

    English has a column of its own among families, scripts and levels of resources: a zero-shot score it is not. A
    column of languages holds the targets that are scored in one of them.
    """
    if by == "target":
        parts = tuple(TransferColumn(name=target, targets=(target,)) for target in found.targets)
    else:
        parts = tuple(
            TransferColumn(name=name, targets=_targets_in(found, members), languages=members)
            for name, members in group_languages(found, by).items()
        )
    return (*parts, *build_mean_columns(found))


def build_mean_columns(found: Transfer) -> tuple[TransferColumn, ...]:
    """The mean over all targets and, where some are retrieval, the mean over the others."""
    trained = tuple(target for target in found.targets if target not in found.loaded_scores.retrieval_targets)
    whole = TransferColumn(name=MEAN_ALL, targets=found.targets, is_mean=True)
    if not trained or trained == found.targets:
        return (whole,)
    return whole, TransferColumn(name=MEAN_TRAINED, targets=trained, is_mean=True)


def group_languages(found: Transfer, by: GroupBy) -> dict[str, frozenset[str]]:
    """The languages by name, family, script or level of resources: English first, the others by name."""
    known = languages_of(found)
    groups: dict[str, set[str]] = {}
    for language in sorted(found.languages, key=lambda one: (one != ENGLISH, one)):
        row = known.get(language)
        name = language if by == "language" or language == ENGLISH else getattr(row, by) if row else UNKNOWN_GROUP
        groups.setdefault(name, set()).add(language)
    english = {ENGLISH: groups.pop(ENGLISH)} if ENGLISH in groups else {}
    last = {UNKNOWN_GROUP: groups.pop(UNKNOWN_GROUP)} if UNKNOWN_GROUP in groups else {}
    ordered = english | dict(sorted(groups.items())) | last
    return {name: frozenset(members) for name, members in ordered.items()}


def languages_of(found: Transfer) -> Mapping[str, Language]:
    """What the benchmark knows of its languages; of a file that names no benchmark: what any benchmark knows."""
    benchmark = found.loaded_scores.benchmark
    if benchmark is not None and benchmark in BENCHMARKS:
        return BENCHMARKS[benchmark].languages
    return {name: row for one in BENCHMARKS.values() for name, row in one.languages.items()}


def _targets_in(found: Transfer, members: frozenset[str]) -> tuple[str, ...]:
    there = np.array([language in members for language in found.languages], np.bool_)
    return tuple(
        target for target, asked in zip(found.targets, found.scored_mask, strict=True) if (asked & there).any()
    )


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """A column at every seed: points [chains x seeds], and how many of its parts are in them.

    A part is a language where the column has one target, else a target that has all its languages. Where a target is
    missing altogether the points are NaN, and `parts` counts the targets that are there: a mean over fewer targets
    would be another quantity.
    """

    values: Array
    parts: npt.NDArray[np.int64]
    of_parts: int


def compute_column(found: Transfer, column: TransferColumn, array: Array) -> ColumnValues:
    """One column of `array` (chains x targets x languages x seeds, as the scores or the gains)."""
    wanted = np.array([column.languages is None or name in column.languages for name in found.languages], np.bool_)
    places = [found.targets.index(target) for target in column.targets]
    asked = found.scored_mask[places] & wanted  # targets x languages
    cells = np.where(asked[None, :, :, None], array[:, places], np.nan)
    there = np.isfinite(cells).sum(axis=2)  # chains x targets x seeds
    total = np.nansum(cells, axis=2)
    means = np.divide(total, there, out=np.full(total.shape, np.nan), where=there > 0)
    if len(places) == 1:
        return ColumnValues(means[:, 0], there[:, 0], int(asked.sum()))
    whole = (there == asked.sum(axis=1)[None, :, None]).sum(axis=1)
    complete = (there > 0).all(axis=1)
    parts = np.where(complete, whole, (there > 0).sum(axis=1))
    return ColumnValues(_mean_if_complete(means, complete), parts, len(places))


def _mean_if_complete(values: Array, complete: npt.NDArray[np.bool_]) -> Array:
    """The mean over the second axis where it is complete."""
    return np.where(complete, np.where(complete[:, None], values, 0.0).sum(axis=1) / max(1, values.shape[1]), np.nan)
