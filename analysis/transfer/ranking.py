"""The transfer matrix: one estimate per intermediate task and column, who leads, and how sure that is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.scores.load import Scores
from analysis.statistics.winner import find_pareto_front
from analysis.transfer.array import Cell, Hole, Transfer
from analysis.transfer.columns import MEAN_ALL, GroupBy, TransferColumn, build_columns
from analysis.transfer.contest import Contest, build_contest
from analysis.transfer.cost import TaskCost, compute_costs
from analysis.transfer.estimate import Estimate, EstimateKey, estimate_table
from analysis.transfer.item_level import ItemLevel, compute_item_level
from analysis.transfer.mean_sampler import build_mean_sampler
from spaces.chain import NONE, RANDOM_ENCODER, phase_of

DEFAULT_DRAWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Everything that `rank.py` prints. Intermediates: best mean over all targets first, those without one last."""

    transfer: Transfer
    by: GroupBy
    intermediates: tuple[str, ...]
    columns: tuple[TransferColumn, ...]  # as shown; the means stand at the end
    gains: Mapping[EstimateKey, Estimate]  # (intermediate, column): points over the baseline
    reference_scores: Mapping[EstimateKey, Estimate]  # (baseline or floor, column): points
    cell_estimates: Mapping[
        EstimateKey, Estimate
    ]  # every chain but the floors x target: what holes and languages it has
    contests: Mapping[str, Contest]  # by the name of a mean
    item_level: ItemLevel  # whether the intervals are over new test items, too
    costs: Mapping[str, TaskCost]
    pareto_front: tuple[str, ...]  # the Pareto front of hours and mean gain, the cheapest first
    cell_counts: Mapping[str, int]  # status -> cells of one seed (baseline included, floors not)
    run_counts: Mapping[str, int]  # status -> runs, i.e. learning rates of cells
    degenerate_intermediates: tuple[
        tuple[str, int, str | None], ...
    ]  # (intermediate, seed, reason) of degenerate intermediate runs

    @property
    def loaded_scores(self) -> Scores:
        """What was read."""
        return self.transfer.loaded_scores

    @property
    def mean_columns(self) -> tuple[TransferColumn, ...]:
        """The means over the targets."""
        return tuple(column for column in self.columns if column.is_mean)


def rank_tasks(
    found: Transfer, rng: np.random.Generator, by: GroupBy = "target", draws: int = DEFAULT_DRAWS
) -> Ranking:
    """Rank the intermediate tasks; `draws` of the means over seeds make the probabilities."""
    shown = build_columns(found, by)
    unpaired = _find_unpaired(found)
    targets = build_columns(found)[: len(found.targets)]
    every = tuple(dict.fromkeys((*shown, *targets)))
    level = compute_item_level(found, every)
    drawn = build_mean_sampler(level, every, rng, draws)
    gains = estimate_table(found, found.gains, found.intermediates, shown, {**found.holes, **unpaired}, drawn)
    apart = (NONE, *found.floors)
    places = [found.chains.index(name) for name in apart]
    levels = estimate_table(found, found.scores[places], apart, shown, found.holes)
    cells = {
        **estimate_table(found, found.scores[:1], (NONE,), targets, found.holes),
        **estimate_table(found, found.gains, found.intermediates, targets, {**found.holes, **unpaired}),
    }
    contests = {column.name: build_contest(found, column, drawn) for column in shown if column.is_mean}
    paid = compute_costs(found)
    hours = [paid[name].run if name in paid else np.nan for name in found.intermediates]
    means = [np.nan if (mean := gains[name, MEAN_ALL].mean) is None else mean for name in found.intermediates]
    place = {name: number for number, name in enumerate(contests[MEAN_ALL].order)}
    return Ranking(
        transfer=found,
        by=by,
        intermediates=tuple(sorted(found.intermediates, key=lambda name: (place.get(name, len(place)), name))),
        columns=shown,
        gains=gains,
        reference_scores=levels,
        cell_estimates=cells,
        contests=contests,
        item_level=level,
        costs=paid,
        pareto_front=tuple(found.intermediates[place] for place in find_pareto_front(hours, means)),
        cell_counts=_count_cells(found),
        run_counts=_count_runs(found),
        degenerate_intermediates=_find_degenerate_intermediates(found),
    )


def _find_unpaired(found: Transfer) -> dict[Cell, Hole]:
    """Cells with a score but without a gain."""
    there = np.asarray(np.isfinite(found.gains).any(axis=2))
    holes = {}
    for i, t, s in np.argwhere(~there):
        name, target, seed = found.intermediates[i], found.targets[t], found.seeds[s]
        if (name, target, seed) not in found.holes:
            base = found.holes.get((NONE, target, seed))
            reason = f"`{NONE}` is {base.status}" if base else "no common language"
            holes[name, target, seed] = Hole(seed, "unpaired", reason)
    return holes


def _count_cells(found: Transfer) -> dict[str, int]:
    planned = (1 + len(found.intermediates)) * len(found.targets) * len(found.seeds)
    statuses = Counter(sorted(hole.status for hole in found.holes.values()))
    return {"finished": planned - len(found.holes), **statuses}


def _count_runs(found: Transfer) -> dict[str, int]:
    return Counter(found.runs.filter(found.runs["intermediate"] != RANDOM_ENCODER)["status"])


def _find_degenerate_intermediates(found: Transfer) -> tuple[tuple[str, int, str | None], ...]:
    there = np.asarray(np.isfinite(found.scores).any(axis=(1, 2)))  # chains x seeds
    return tuple(
        (name, seed, ends["degenerate"])
        for row, name in sorted(enumerate(found.chains), key=lambda item: item[1])
        for place, seed in enumerate(found.seeds)
        if there[row, place]
        if "degenerate" in (ends := found.intermediate_statuses.get((phase_of(name), seed), {}))
        and "finished" not in ends
    )
