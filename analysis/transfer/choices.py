"""The best intermediate task for each target: the choice of a user who may train another one for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analysis.statistics.interval import MIN_SEEDS
from analysis.statistics.moments import BoolArray, IntArray
from analysis.statistics.significance import ALPHA
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, build_mean_columns, column_of
from analysis.transfer.estimate import Estimate, EstimateKey, estimate_table
from analysis.transfer.uncertainty import Uncertainty


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetChoice:
    """Targets for which one task is the best, and what it brings there; or those that no task is expected to help."""

    targets: tuple[str, ...]
    task: str | None  # None: no intermediate training
    gain: Estimate | None  # of `task`, the mean over `targets`; None without a task
    rivals: tuple[str, ...] | None  # not told apart from `task` on these targets, best first; None: too few seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetChoices:
    """The choices for all targets, and what choosing like this brings on a seed that it has not seen."""

    choices: tuple[TargetChoice, ...]  # in the order of the benchmark; targets without any gain are in none
    honest: float | None  # mean gain over the targets of the first mean; None with too few seeds


def choose_by_target(transfer: Transfer, uncertainty: Uncertainty) -> TargetChoices:
    """Return the task with the largest gain for choosing on each target, targets of one choice together.

    Controls and chains that a race decided early are no candidates. Targets with the same task are one choice, and so
    are those whose tasks are not told apart on any of them. Targets on which the task is shown to help stand apart from
    those on which it is not.
    """
    is_candidate = uncertainty.is_candidate
    columns = [column_of(target) for target in transfer.targets]
    best = [_choose(uncertainty, column, t, is_candidate) for t, column in enumerate(columns)]
    names = {transfer.intermediates[each.task] for each in best if each}
    estimates = estimate_table(transfer, transfer.gains, transfer.intermediates, columns, {}, uncertainty, wanted=names)
    groups: list[_Group] = []
    for column, each in zip(columns, best, strict=True):
        if each:
            shown = each.helps and estimates[transfer.intermediates[each.task], column.name].excludes_zero
            rivals = _find_rivals(uncertainty, column, each.task, is_candidate)
            _add_target(groups, column.name, each.task if each.helps else None, shown, rivals)
    choices = tuple(_build_choice(transfer, uncertainty, group, is_candidate, estimates) for group in groups)
    mean = build_mean_columns(transfer)[0]
    counted = {t: column for t, column in enumerate(columns) if column.name in mean.targets}
    return TargetChoices(choices=choices, honest=_measure_honestly(uncertainty, counted, is_candidate))


@dataclass(slots=True)
class _Group:
    """Targets with one choice, while it grows."""

    targets: list[str]
    tasks: set[int]  # best on one of the targets
    possible: set[int]  # on every target the best or not told apart from it
    shown: bool


def _add_target(groups: list[_Group], target: str, task: int | None, shown: bool, rivals: IntArray | None) -> None:
    """Add a target to the first group of which no best task is told apart, or else as a group of its own."""
    tasks = set() if task is None else {task}
    possible = tasks | set(() if rivals is None or task is None else rivals.tolist())
    for group in groups:
        is_same = group.tasks == tasks
        is_near = shown and tasks <= group.possible and group.tasks <= possible
        if group.shown == shown and (is_same or is_near):
            group.targets.append(target)
            group.tasks |= tasks
            group.possible &= possible
            return
    groups.append(_Group([target], tasks, possible, shown))


def _find_rivals(
    uncertainty: Uncertainty, column: TransferColumn, task: int, is_candidate: BoolArray
) -> IntArray | None:
    """Return the candidates that are not told apart from `task` on a column, best first; None with too few seeds.

    The truly best task is `task` or among these in all but ALPHA of tables: it is compared with each other task.
    """
    criterion = np.where(is_candidate, uncertainty.choose_by(column), np.nan)
    ordered = np.argsort(-criterion)[: int(np.isfinite(criterion).sum())]  # NaN is sorted last
    others = ordered[ordered != task]
    values = uncertainty.find_values(column)
    p = uncertainty.compute_contrast_p(values, column, np.full(len(others), task), others)
    tested = np.isfinite(p)
    return others[tested & (p * len(others) >= ALPHA)] if tested.any() else None


class _Best(NamedTuple):
    """The index of the best task on a target, and whether it is expected to gain."""

    task: int
    helps: bool


def _choose(uncertainty: Uncertainty, column: TransferColumn, t: int, is_candidate: BoolArray) -> _Best | None:
    """Return the best candidate on the `t`-th target; None without a candidate.

    If any candidate has enough seeds for a verdict, only such tasks are candidates.
    """
    enough = is_candidate & (np.isfinite(uncertainty.gains[:, t]).sum(axis=-1) >= MIN_SEEDS)
    criterion = np.where(enough if enough.any() else is_candidate, uncertainty.choose_by(column), np.nan)
    if not np.isfinite(criterion).any():
        return None
    best = int(np.nanargmax(criterion))
    return _Best(best, bool(criterion[best] > 0))


def _build_choice(
    transfer: Transfer,
    uncertainty: Uncertainty,
    group: _Group,
    is_candidate: BoolArray,
    estimates: Mapping[EstimateKey, Estimate],
) -> TargetChoice:
    names, targets = transfer.intermediates, tuple(group.targets)
    if not group.tasks:
        return TargetChoice(targets=targets, task=None, gain=None, rivals=None)
    column = column_of(*targets)
    criterion = uncertainty.choose_by(column)
    task = max(group.tasks, key=lambda row: (np.nan_to_num(criterion[row], nan=-np.inf), -row))
    rivals = _find_rivals(uncertainty, column, task, is_candidate)
    gains = estimates
    if len(targets) > 1:
        gains = estimate_table(transfer, transfer.gains, names, [column], {}, uncertainty, wanted={names[task]})
    return TargetChoice(
        targets=targets,
        task=names[task],
        gain=gains[names[task], column.name],
        rivals=None if rivals is None else tuple(names[row] for row in rivals),
    )


def _measure_honestly(
    uncertainty: Uncertainty, columns: Mapping[int, TransferColumn], is_candidate: BoolArray
) -> float | None:
    """Return the mean gain of tasks chosen for each target without one seed and measured on it; no task gains 0.

    `columns` are those of the targets that count, by their index.
    """
    counts = np.isfinite(uncertainty.gains[is_candidate][:, list(columns)]).sum(axis=0)  # targets x seeds
    has_gains = (2 * counts >= max(1, is_candidate.sum())).all(axis=0)
    seeds = np.flatnonzero(np.atleast_1d(has_gains))
    if len(seeds) < MIN_SEEDS:
        return None
    gains = []
    for seed in seeds:
        without = uncertainty.restrict(np.arange(uncertainty.gains.shape[-1]) != seed)
        for t, column in columns.items():
            held_out = uncertainty.gains[:, t, seed]
            best = _choose(without, column, t, is_candidate & np.isfinite(held_out))
            gains.append(float(held_out[best.task]) if best and best.helps else 0.0)
    return float(np.mean(gains))
