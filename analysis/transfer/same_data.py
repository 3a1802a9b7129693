"""The ranking without same-data cells: those whose chain trains on the target's own training rows.

Such a cell holds more epochs on the same rows, not transfer (`spaces/same_data.py`). Tasks have seen the rows of
different targets. So there are two means without these cells. The mean over the targets whose rows no ranked task has
seen is the same quantity for all tasks, and ranks them. The mean over all targets whose rows a task has not seen uses
more scores, but over other targets for other tasks, always against the baseline on the same ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn
from analysis.transfer.contest import Contest, build_contest
from analysis.transfer.estimate import Estimate, estimate_table
from analysis.transfer.uncertainty import Uncertainty
from spaces.benchmark import BENCHMARKS
from spaces.chain import MULTITASK
from spaces.same_data import shares_training_rows

MIN_COMMON_TARGETS = 2  # with fewer, a mean over targets that no ranked task has seen ranks nothing

SameDataCells = frozenset[tuple[str, str]]  # chain, target


@dataclass(frozen=True, slots=True, kw_only=True)
class SameDataComparison:
    """One mean over targets, without same-data cells.

    `contest` ranks by `common`, the targets whose rows no ranked task has seen; it is None where these are too few.
    """

    mean: str  # the name of the mean
    common: tuple[str, ...]
    contest: Contest | None
    gains: Mapping[str, Estimate]  # intermediate -> gain on `common`; empty without a contest
    unseen: Mapping[str, tuple[str, ...]]  # intermediate -> the targets whose rows it has not seen
    unseen_gains: Mapping[str, Estimate]  # intermediate -> gain on these; not of those that have seen all


def find_same_data(transfer: Transfer) -> SameDataCells:
    """Return the same-data cells: those that the user named, and those that a known benchmark's tables tell.

    The baseline is among the chains, because it may have a phase (`--against`).
    """
    named = transfer.loaded_scores.same_data
    benchmark = BENCHMARKS.get(transfer.loaded_scores.benchmark or "")
    if benchmark is None:
        return named
    mixture = read_multitask_mix(transfer)
    return named | {
        (chain, target)
        for chain in (transfer.baseline, *transfer.intermediates)
        for target in transfer.targets
        if shares_training_rows(benchmark, chain, target, mixture)
    }


def read_multitask_mix(transfer: Transfer) -> tuple[str, ...]:
    """Return the tasks of `multitask`: those that the sweeps record, else the benchmark's; empty if neither tells."""
    mixtures = {tuple(spec.get("mixture", {}).get(MULTITASK, ())) for spec in transfer.loaded_scores.specs} - {()}
    if len(mixtures) == 1:
        return tuple(str(task) for task in mixtures.pop())
    benchmark = BENCHMARKS.get(transfer.loaded_scores.benchmark or "")
    return () if mixtures or benchmark is None else tuple(task.name for task in benchmark.multitask_tasks())


def compare_without_same_data(
    transfer: Transfer, uncertainty: Uncertainty, cells: SameDataCells, column: TransferColumn
) -> SameDataComparison | None:
    """Return the mean over targets without same-data cells; None where it has none.

    Where the baseline has seen a target's rows, no gain there is about new rows, and all tasks lack the target.
    """
    shared = {target for chain, target in cells if chain == transfer.baseline}
    unseen = {
        name: tuple(each for each in column.targets if each not in shared and (name, each) not in cells)
        for name in transfer.intermediates
    }
    if all(targets == column.targets for targets in unseen.values()):
        return None
    ranked = [name for name in transfer.intermediates if name not in transfer.loaded_scores.controls]
    common = tuple(target for target in column.targets if all(target in unseen[name] for name in ranked))
    contest, gains = None, dict[str, Estimate]()
    if len(common) >= MIN_COMMON_TARGETS:
        contest = build_contest(transfer, _column_of(common), uncertainty)
        gains = _estimate_gains(transfer, uncertainty, common, transfer.intermediates)
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, targets in unseen.items():
        groups.setdefault(targets, []).append(name)
    unseen_gains: dict[str, Estimate] = {}
    for targets, names in groups.items():
        if targets:
            unseen_gains |= _estimate_gains(transfer, uncertainty, targets, names)
    return SameDataComparison(
        mean=column.name, common=common, contest=contest, gains=gains, unseen=unseen, unseen_gains=unseen_gains
    )


def _column_of(targets: tuple[str, ...]) -> TransferColumn:
    return TransferColumn(name="mean without same-data cells", targets=targets, is_mean=True)


def _estimate_gains(
    transfer: Transfer, uncertainty: Uncertainty, targets: tuple[str, ...], names: list[str] | tuple[str, ...]
) -> dict[str, Estimate]:
    column = _column_of(targets)
    table = estimate_table(
        transfer, transfer.gains, transfer.intermediates, [column], {}, uncertainty, wanted=frozenset(names)
    )
    return {name: table[name, column.name] for name in names}
