"""The ranking of intermediate tasks: an estimate per task and column, the contests, the costs and what is missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.scores.scores import Scores
from analysis.statistics.draws import DEFAULT_DRAWS
from analysis.statistics.gain_errors import ErrorKind
from analysis.statistics.winner import find_pareto_front
from analysis.transfer.array import Transfer
from analysis.transfer.choices import TargetChoices, choose_by_target
from analysis.transfer.columns import (
    MEAN_ALL,
    MEAN_TRAINED,
    GroupBy,
    TransferColumn,
    build_columns,
    build_group_columns,
)
from analysis.transfer.contest import Contest, build_contest
from analysis.transfer.cost import TaskCost, compute_costs, list_devices
from analysis.transfer.counted_failures import CountedFailures, rank_with_failures
from analysis.transfer.estimate import Estimate, EstimateKey, estimate_table, find_holm_threshold
from analysis.transfer.failure_rates import FailureRates, count_failure_rates
from analysis.transfer.holes import Cell, Hole
from analysis.transfer.item_level import ItemLevel, compute_item_level
from analysis.transfer.matched_tuning import MatchedTuning, compare_matched_tuning
from analysis.transfer.new_samples import NewSamples, estimate_new_samples, find_foreign_column
from analysis.transfer.other_baselines import BaselineComparison, compare_baselines
from analysis.transfer.phases import PhaseScores, measure_phases
from analysis.transfer.planned import PlannedComparison, PlannedPair, compare_planned
from analysis.transfer.same_data import SameDataCells, SameDataComparison, compare_without_same_data, find_same_data
from analysis.transfer.uncertainty import build_uncertainty
from spaces.chain import RANDOM_ENCODER, phase_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Everything that `rank.py` prints. Intermediates: best mean over all targets first, those without one last."""

    transfer: Transfer
    by: GroupBy
    intermediates: tuple[str, ...]
    columns: tuple[TransferColumn, ...]  # as shown; the means are last
    gains: Mapping[EstimateKey, Estimate]  # (intermediate, column): points over the baseline
    group_columns: tuple[TransferColumn, ...]  # means over the targets of each group; none where groups are unknown
    group_gains: Mapping[EstimateKey, Estimate]  # (intermediate, group)
    new_samples: NewSamples  # gains with intervals over other languages and other targets
    reference_scores: Mapping[EstimateKey, Estimate]  # (baseline, floor or ceiling, column): points
    cell_estimates: Mapping[EstimateKey, Estimate]  # (baseline or intermediate, target): its holes and languages
    contests: Mapping[str, Contest]  # by the name of a mean
    target_choices: TargetChoices
    planned: tuple[PlannedComparison, ...]
    holm_threshold: float | None  # smallest significant gain of a typical cell, in points; None without a test
    item_level: ItemLevel  # present if the intervals are also over new test items
    errors: ErrorKind  # of the intervals over seeds
    costs: Mapping[str, TaskCost]
    devices: tuple[str, ...]  # that the costs come from
    phases: PhaseScores  # English dev of the intermediate phases, beside the trivial answer
    pareto_front: tuple[str, ...]  # of hours and mean gain, cheapest first
    same_data: SameDataCells  # (chain, target) whose chain trains on the target's own rows
    without_same_data: tuple[SameDataComparison, ...]  # by each mean over targets that has such cells
    baseline_comparisons: tuple[BaselineComparison, ...]  # of the best task by the mean over all targets
    matched_tuning: MatchedTuning | None
    cell_counts: Mapping[str, int]  # status -> cells of one seed (baseline included, floors and ceilings not)
    run_counts: Mapping[str, int]  # status -> runs, i.e. learning rates of cells
    degenerate_intermediates: tuple[tuple[str, int, str | None], ...]  # (intermediate, seed, reason)
    failure_rates: FailureRates
    counted_failures: CountedFailures | None  # the means with failed runs in them; None if no run was degenerate
    top: int | None = None  # the first tasks of the order that tables and figures show; None: all of them

    @property
    def loaded_scores(self) -> Scores:
        """The scores that were loaded."""
        return self.transfer.loaded_scores

    @property
    def baseline(self) -> str:
        """The chain that gains are measured against."""
        return self.transfer.baseline

    @property
    def shown(self) -> tuple[str, ...]:
        """The intermediates that tables and figures show. Sentences and exports are about all of them."""
        return self.intermediates[: self.top]

    @property
    def mean_columns(self) -> tuple[TransferColumn, ...]:
        """The means over the targets, those of groups not counted."""
        return tuple(column for column in self.columns if column.is_mean and not column.is_group)


def rank_tasks(
    transfer: Transfer,
    rng: np.random.Generator,
    by: GroupBy = "target",
    draws: int = DEFAULT_DRAWS,
    *,
    errors: ErrorKind | None = None,
    planned: Sequence[PlannedPair] = (),
) -> Ranking:
    """Rank the intermediate tasks, with probabilities from `draws` draws of the true gains.

    Errors over seeds are moderated where enough tasks allow it, or of the kind `errors`. Raise UsageError if that is
    not possible, or for a pair of task and column in `planned` that does not exist.
    """
    columns = build_columns(transfer, by)
    gain_holes = {**transfer.holes, **_find_unpaired(transfer)}
    target_columns = build_columns(transfer)[: len(transfer.targets)]
    group_columns = build_group_columns(transfer)
    foreign = find_foreign_column(transfer)
    all_columns = tuple(dict.fromkeys((*columns, *target_columns, *group_columns, *([foreign] if foreign else ()))))
    item_level = compute_item_level(transfer, all_columns)
    uncertainty = build_uncertainty(transfer, item_level, all_columns, errors, rng, draws)
    gains = estimate_table(transfer, transfer.gains, transfer.intermediates, columns, gain_holes, uncertainty)
    references = (transfer.baseline, *transfer.references)
    reference_array = transfer.scores[[transfer.chains.index(name) for name in references]]
    means = sorted((column for column in columns if column.is_mean), key=lambda column: column.is_group)
    contests = {column.name: build_contest(transfer, column, uncertainty) for column in means}
    leaders = {name: contest.leader for name, contest in contests.items()}
    same_data = find_same_data(transfer)
    costs = compute_costs(transfer)
    hours = [costs[name].run if name in costs else np.nan for name in transfer.intermediates]
    mean_gains = np.array([gains[name, MEAN_ALL].mean for name in transfer.intermediates], np.float64)  # None is NaN
    target_choices = choose_by_target(transfer, uncertainty)
    overall = [column for column in columns if column.name in (MEAN_ALL, MEAN_TRAINED)]
    comparisons = (compare_without_same_data(transfer, uncertainty, same_data, column) for column in overall)
    not_counted = [RANDOM_ENCODER, *transfer.loaded_scores.ceilings]
    position = {name: i for i, name in enumerate(contests[MEAN_ALL].order)}
    return Ranking(
        transfer=transfer,
        by=by,
        intermediates=tuple(sorted(transfer.intermediates, key=lambda name: (position.get(name, len(position)), name))),
        columns=columns,
        gains=gains,
        group_columns=group_columns,
        group_gains=estimate_table(
            transfer, transfer.gains, transfer.intermediates, group_columns, gain_holes, uncertainty
        )
        if group_columns
        else {},
        new_samples=estimate_new_samples(transfer, uncertainty),
        reference_scores=estimate_table(transfer, reference_array, references, columns, transfer.holes),
        cell_estimates={
            **estimate_table(transfer, transfer.scores[:1], (transfer.baseline,), target_columns, transfer.holes),
            **(
                {key: each for key, each in gains.items() if key[1] not in contests}
                if by == "target"
                else estimate_table(transfer, transfer.gains, transfer.intermediates, target_columns, gain_holes)
            ),
        },
        contests=contests,
        target_choices=target_choices,
        planned=compare_planned(gains, planned),
        holm_threshold=find_holm_threshold(transfer, columns, uncertainty),
        item_level=item_level,
        errors=uncertainty.kind,
        costs=costs,
        devices=tuple(list_devices(transfer)),
        phases=measure_phases(transfer),
        pareto_front=tuple(transfer.intermediates[i] for i in find_pareto_front(hours, mean_gains)),
        same_data=same_data,
        without_same_data=tuple(each for each in comparisons if each is not None),
        baseline_comparisons=compare_baselines(transfer, uncertainty, gains, overall[0], leaders[MEAN_ALL]),
        matched_tuning=compare_matched_tuning(transfer, overall, leaders),
        cell_counts=_count_cells(transfer),
        run_counts=Counter(transfer.runs.filter(~pl.col("intermediate").is_in(not_counted))["status"]),
        degenerate_intermediates=_find_degenerate_intermediates(transfer),
        failure_rates=count_failure_rates(transfer),
        counted_failures=rank_with_failures(transfer, uncertainty.kind, rng.spawn(1)[0]),
    )


def _find_unpaired(transfer: Transfer) -> dict[Cell, Hole]:
    """Return the cells with a score but without a gain."""
    has_gain = np.asarray(np.isfinite(transfer.gains).any(axis=2))
    holes = {}
    for i, t, s in np.argwhere(~has_gain & transfer.planned[1 : 1 + len(transfer.intermediates), None]):
        name, target, seed = transfer.intermediates[i], transfer.targets[t], transfer.seeds[s]
        if (name, target, seed) not in transfer.holes:
            baseline = transfer.holes.get((transfer.baseline, target, seed))
            is_planned = transfer.planned[0, s]
            reason = "no common language" if is_planned else f"`{transfer.baseline}` was not to get this seed"
            reason = f"`{transfer.baseline}` is {baseline.status}" if baseline else reason
            holes[name, target, seed] = Hole(seed, "unpaired", reason)
    return holes


def _count_cells(transfer: Transfer) -> dict[str, int]:
    planned = int(transfer.planned[: 1 + len(transfer.intermediates)].sum()) * len(transfer.targets)
    statuses = Counter(sorted(hole.status for hole in transfer.holes.values()))
    return {"finished": planned - len(transfer.holes), **statuses}


def _find_degenerate_intermediates(transfer: Transfer) -> tuple[tuple[str, int, str | None], ...]:
    """Return the chains and seeds with a score whose only usable intermediate run is degenerate, with its reason."""
    has_score = np.asarray(np.isfinite(transfer.scores).any(axis=(1, 2)))  # chains x seeds
    return tuple(
        (name, seed, statuses["degenerate"])
        for i, name in sorted(enumerate(transfer.chains), key=lambda item: item[1])
        for s, seed in enumerate(transfer.seeds)
        if has_score[i, s]
        if "degenerate" in (statuses := transfer.intermediate_statuses.get((phase_of(name), seed), {}))
        and "finished" not in statuses
    )
