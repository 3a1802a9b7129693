"""The columns of a table: the targets and languages that each is a mean over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analysis.statistics.moments import Array, BoolArray, IntArray
from analysis.transfer.array import Transfer
from spaces.benchmark import BENCHMARKS, Benchmark
from spaces.errors import UsageError
from spaces.language import ENGLISH, Language
from spaces.table import shorten_list
from spaces.task import GROUP_OF_KIND, RETRIEVAL

GroupBy = Literal["target", "group", "language", "family", "script", "resource"]
GROUP_BY: tuple[GroupBy, ...] = get_args(GroupBy)
MEAN_ALL = "mean"  # over all targets but wide ones
MEAN_TRAINED = "mean without retrieval"  # over those of them that have a training set
MEAN_WIDE = "mean in further languages"  # over the wide targets
UNKNOWN_GROUP = "unknown"  # the group of a language or target that the benchmark does not know
SHIFTED = "shifted targets"  # a group of their own, which XTREME does not have


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferColumn:
    """The mean over `targets` of the mean over a target's languages.

    `languages` restricts these to some; None means all that the target is scored in, as in its official score.
    """

    name: str
    targets: tuple[str, ...]
    languages: frozenset[str] | None = None
    is_mean: bool = False  # a mean over whole targets, with a contest of its own
    is_group: bool = False  # a mean over the targets of one group; the other means stand apart at the end

    def language_mask(self, languages: Sequence[str]) -> BoolArray:
        """Return the mask of the `languages` that the column includes."""
        return np.array([self.languages is None or name in self.languages for name in languages], np.bool_)


def column_of(*targets: str) -> TransferColumn:
    """Return the column of one target in all its languages, or of the mean over several."""
    return TransferColumn(name=", ".join(targets), targets=targets, is_mean=len(targets) > 1)


def build_columns(transfer: Transfer, by: GroupBy = "target") -> tuple[TransferColumn, ...]:
    """Return the columns of a table: one per target, group of targets or group of languages, then the means.

    English has a column of its own among families, scripts and levels of resources, because it is not a zero-shot
    score. A column of languages includes the targets that are scored in one of them. Raise UsageError for groups of
    targets where no target's kind is known.
    """
    if by == "target":
        parts = tuple(column_of(target) for target in transfer.targets)
    elif by == "group":
        parts = build_group_columns(transfer)
        if not parts:
            names = shorten_list(transfer.targets)
            raise UsageError(f"--by group: no benchmark says which kind of task {names} are. Use --by target.")
    else:
        parts = tuple(
            TransferColumn(name=name, targets=_targets_in(transfer, members), languages=members)
            for name, members in group_languages(transfer, by).items()
        )
    return (*parts, *build_mean_columns(transfer))


def build_mean_columns(transfer: Transfer) -> tuple[TransferColumn, ...]:
    """Return the mean over all targets, that without retrieval where some are, and that of wide targets where some are.

    Wide targets ask again what others ask, in further languages. Among these they would give one question several
    votes. Without any other target they are all there is, and the first mean is theirs.
    """
    wide = list_wide_targets(transfer)
    counted = tuple(target for target in transfer.targets if target not in wide) or transfer.targets
    trained = tuple(target for target in counted if target not in transfer.loaded_scores.retrieval_targets)
    means = {MEAN_ALL: counted}
    if trained and trained != counted:
        means[MEAN_TRAINED] = trained
    if wide and wide != counted:
        means[MEAN_WIDE] = wide
    return tuple(TransferColumn(name=name, targets=targets, is_mean=True) for name, targets in means.items())


def list_wide_targets(transfer: Transfer) -> tuple[str, ...]:
    """Return the targets that ask in further languages what another one asks."""
    wide = {name for benchmark in benchmarks_of(transfer) for name, task in benchmark.targets.items() if task.wide_of}
    return tuple(target for target in transfer.targets if target in wide)


def build_group_columns(transfer: Transfer) -> tuple[TransferColumn, ...]:
    """Return the means over the targets of each kind of task, as XTREME groups them; none where no kind is known.

    A target that no benchmark knows is in the last group, UNKNOWN_GROUP. Wide targets are in none: they have a mean.
    """
    kinds = {name: task for benchmark in benchmarks_of(transfer) for name, task in benchmark.targets.items()}
    groups: dict[str, list[str]] = {name: [] for name in (*GROUP_OF_KIND.values(), SHIFTED, UNKNOWN_GROUP)}
    for target in transfer.targets:
        task = kinds.get(target)
        if task is not None and task.wide_of:
            continue
        if task is not None:
            group = SHIFTED if task.clean_target else GROUP_OF_KIND[task.kind]
        else:
            group = RETRIEVAL if target in transfer.loaded_scores.retrieval_targets else UNKNOWN_GROUP
        groups[group].append(target)
    filled = {name: tuple(targets) for name, targets in groups.items() if targets}
    if filled.keys() <= {UNKNOWN_GROUP, RETRIEVAL}:
        return ()
    return tuple(
        TransferColumn(name=name, targets=targets, is_mean=True, is_group=True) for name, targets in filled.items()
    )


def group_languages(transfer: Transfer, by: GroupBy) -> dict[str, frozenset[str]]:
    """Return the languages by name, family, script or level of resources: English first, unknown ones last."""
    table = languages_of(transfer)
    groups: dict[str, set[str]] = {}
    for language in sorted(transfer.languages, key=lambda name: (name != ENGLISH, name)):
        row = table.get(language)
        name = language if by == "language" or language == ENGLISH else getattr(row, by) if row else UNKNOWN_GROUP
        groups.setdefault(name, set()).add(language)
    first = {ENGLISH: groups.pop(ENGLISH)} if ENGLISH in groups else {}
    last = {UNKNOWN_GROUP: groups.pop(UNKNOWN_GROUP)} if UNKNOWN_GROUP in groups else {}
    ordered = first | dict(sorted(groups.items())) | last
    return {name: frozenset(members) for name, members in ordered.items()}


def benchmarks_of(transfer: Transfer) -> tuple[Benchmark, ...]:
    """Return the benchmark of the scores; for a file that names none, every benchmark."""
    benchmark = BENCHMARKS.get(transfer.loaded_scores.benchmark or "")
    return (benchmark,) if benchmark else tuple(BENCHMARKS.values())


def languages_of(transfer: Transfer) -> Mapping[str, Language]:
    """Return the table of languages of `benchmarks_of`."""
    return {name: row for benchmark in benchmarks_of(transfer) for name, row in benchmark.languages.items()}


def _targets_in(transfer: Transfer, members: frozenset[str]) -> tuple[str, ...]:
    mask = np.array([language in members for language in transfer.languages], np.bool_)
    return tuple(transfer.targets[t] for t in np.flatnonzero((transfer.scored_mask & mask).any(axis=1)))


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """A column at every seed: points [chains x seeds], and how many of its parts are in them.

    A part is a language where the column has one target, else a target that has all its languages. Where a target has
    no score at all the points are NaN, because a mean over fewer targets is another quantity; `parts` then counts the
    targets that have one.
    """

    values: Array
    parts: IntArray
    of_parts: int


def compute_column(transfer: Transfer, column: TransferColumn, array: Array) -> ColumnValues:
    """Return one column of `array` (chains x targets x languages x seeds, like the scores or the gains)."""
    targets = [transfer.targets.index(target) for target in column.targets]
    expected = transfer.scored_mask[targets] & column.language_mask(transfer.languages)  # targets x languages
    cells = np.where(expected[None, :, :, None], array[:, targets], np.nan)
    count = np.isfinite(cells).sum(axis=2)  # chains x targets x seeds
    total = np.nansum(cells, axis=2)
    means = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    if len(targets) == 1:
        return ColumnValues(means[:, 0], count[:, 0], int(expected.sum()))
    complete_targets = (count == expected.sum(axis=1)[None, :, None]).sum(axis=1)
    has_all_targets = (count > 0).all(axis=1)
    sums = np.where(has_all_targets[:, None], means, 0.0).sum(axis=1)
    values = np.where(has_all_targets, sums / max(1, len(targets)), np.nan)
    return ColumnValues(values, np.where(has_all_targets, complete_targets, (count > 0).sum(axis=1)), len(targets))
