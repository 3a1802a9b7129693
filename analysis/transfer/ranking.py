"""The transfer matrix: one estimate per intermediate task and column, who leads, and how sure that is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.scores.load import Scores
from analysis.statistics.pareto import front
from analysis.transfer.array import Cell, Hole, Transfer
from analysis.transfer.columns import ALL, By, Column, columns
from analysis.transfer.contest import Contest, contest
from analysis.transfer.cost import Cost, costs
from analysis.transfer.drawing import drawing
from analysis.transfer.estimate import Estimate, Key, estimates
from analysis.transfer.items import ItemLevel, item_level
from spaces.chain import NONE, RANDOM_ENCODER, phase_of

DRAWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Everything that `rank.py` prints. Intermediates: best mean over all targets first, those without one last."""

    transfer: Transfer
    by: By
    intermediates: tuple[str, ...]
    columns: tuple[Column, ...]  # as shown; the means stand at the end
    gains: Mapping[Key, Estimate]  # (intermediate, column): points over the baseline
    levels: Mapping[Key, Estimate]  # (baseline or floor, column): points
    cells: Mapping[Key, Estimate]  # every chain but the floors x target: what holes and languages it has
    contests: Mapping[str, Contest]  # by the name of a mean
    items: ItemLevel  # whether the intervals are over new test items, too
    costs: Mapping[str, Cost]
    worth: tuple[str, ...]  # the Pareto front of hours and mean gain, the cheapest first
    counts: Mapping[str, int]  # status -> cells of one seed (baseline included, floors not)
    runs: Mapping[str, int]  # status -> runs, i.e. learning rates of cells
    doubtful: tuple[tuple[str, int, str | None], ...]  # (intermediate, seed, reason) of degenerate intermediate runs

    @property
    def read(self) -> Scores:
        """What was read."""
        return self.transfer.read

    @property
    def means(self) -> tuple[Column, ...]:
        """The means over the targets."""
        return tuple(column for column in self.columns if column.mean)


def ranking(found: Transfer, rng: np.random.Generator, by: By = "target", draws: int = DRAWS) -> Ranking:
    """Rank the intermediate tasks; `draws` of the means over seeds make the probabilities."""
    shown = columns(found, by)
    unpaired = _unpaired(found)
    targets = columns(found)[: len(found.targets)]
    every = tuple(dict.fromkeys((*shown, *targets)))
    level = item_level(found, every)
    drawn = drawing(level, every, rng, draws)
    gains = estimates(found, found.gains, found.intermediates, shown, {**found.holes, **unpaired}, drawn)
    apart = (NONE, *found.floors)
    places = [found.chains.index(name) for name in apart]
    levels = estimates(found, found.scores[places], apart, shown, found.holes)
    cells = {
        **estimates(found, found.scores[:1], (NONE,), targets, found.holes),
        **estimates(found, found.gains, found.intermediates, targets, {**found.holes, **unpaired}),
    }
    contests = {column.name: contest(found, column, drawn) for column in shown if column.mean}
    paid = costs(found)
    hours = [paid[name].run if name in paid else np.nan for name in found.intermediates]
    means = [np.nan if (mean := gains[name, ALL].mean) is None else mean for name in found.intermediates]
    place = {name: number for number, name in enumerate(contests[ALL].order)}
    return Ranking(
        transfer=found,
        by=by,
        intermediates=tuple(sorted(found.intermediates, key=lambda name: (place.get(name, len(place)), name))),
        columns=shown,
        gains=gains,
        levels=levels,
        cells=cells,
        contests=contests,
        items=level,
        costs=paid,
        worth=tuple(found.intermediates[place] for place in front(hours, means)),
        counts=_counts(found),
        runs=_runs(found),
        doubtful=_doubtful(found),
    )


def _unpaired(found: Transfer) -> dict[Cell, Hole]:
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


def _counts(found: Transfer) -> dict[str, int]:
    planned = (1 + len(found.intermediates)) * len(found.targets) * len(found.seeds)
    statuses = Counter(sorted(hole.status for hole in found.holes.values()))
    return {"finished": planned - len(found.holes), **statuses}


def _runs(found: Transfer) -> dict[str, int]:
    return Counter(found.runs.filter(found.runs["intermediate"] != RANDOM_ENCODER)["status"])


def _doubtful(found: Transfer) -> tuple[tuple[str, int, str | None], ...]:
    there = np.asarray(np.isfinite(found.scores).any(axis=(1, 2)))  # chains x seeds
    return tuple(
        (name, seed, ends["degenerate"])
        for row, name in sorted(enumerate(found.chains), key=lambda item: item[1])
        for place, seed in enumerate(found.seeds)
        if there[row, place]
        if "degenerate" in (ends := found.upstream.get((phase_of(name), seed), {})) and "finished" not in ends
    )
