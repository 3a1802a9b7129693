"""The transfer matrix: from scores to one estimate per intermediate task and target, with what is missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import polars as pl

from analysis.scores.choose import (
    MAJORITY,
    Metrics,
    at_rate,
    official,
    runs_of,
    scores,
    under_winners,
    winners,
    with_picked,
)
from analysis.scores.load import Scores
from analysis.scores.tidy import ARM, CELL, without_duplicates
from analysis.statistics.gains import Cells, Estimate, Hole, Point, absolute, estimate, over_targets, paired
from spaces.benchmark import NONE, RANDOM_ENCODER

Cell = tuple[str, str, int]  # intermediate, target, seed
Upstream = Mapping[tuple[str, int], Mapping[str, str | None]]  # intermediate, seed -> status -> reason

ALL = "mean"  # over all targets
TRAINED = "mean without retrieval"  # over the targets that have a training set
SEVERITY = ("failed", "degenerate", "stopped")  # what a cell without a finished run is called, the first that applies


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Everything that `rank.py` prints. Rows and order: best mean over all targets first, those without one last."""

    read: Scores
    intermediates: tuple[str, ...]
    targets: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]  # name of a mean -> its targets
    gains: Mapping[tuple[str, str], Estimate]  # (intermediate, target or group): points over the baseline
    levels: Mapping[tuple[str, str], Estimate]  # (baseline or floor, target or group): points
    floors: tuple[str, ...]
    cells: Mapping[str, int]  # status -> cells of one seed (baseline included, floors not)
    runs: Mapping[str, int]  # status -> runs, i.e. learning rates of cells
    metrics: Metrics
    doubtful: tuple[tuple[str, int, str | None], ...]  # (intermediate, seed, reason) of degenerate intermediate runs

    def order(self, group: str) -> tuple[str, ...]:
        """The intermediates that have a mean over the group's targets, best first."""
        means = {name: self.gains[name, group].mean for name in self.intermediates}
        ranked = {name: mean for name, mean in means.items() if mean is not None}
        return tuple(sorted(ranked, key=lambda name: (-ranked[name], name)))


def matrix(read: Scores, picked: Metrics | None = None, learning_rate: float | None = None) -> Matrix:
    """The transfer matrix of what was read.

    `picked` replaces the official metrics of its targets in the scores shown, never in the choice of the run.

    Raises:
        UsageError: nothing tells which metric or which run counts, or rows contradict each other.
    """
    picked = picked or {}
    rows = without_duplicates(under_winners(read.rows))
    if learning_rate is not None:
        rows = at_rate(rows, learning_rate)
    metrics = with_picked(rows, official(rows, "test", picked), picked)
    runs = runs_of(rows, official(rows, "dev", picked))

    test = rows.filter(pl.col("split") == "test")
    chosen = test.join(winners(runs).select(ARM), on=ARM, how="semi", nulls_equal=True)
    languages = scores(chosen, metrics, [*CELL, "language"]).drop_nulls("score")
    gains, levels = paired(languages), absolute(pl.concat([languages, _majority(test)]))
    upstream = _upstream(read.rows)
    holes = _holes(read, runs, upstream, levels)
    unpaired = {
        cell: Hole(cell[2], "unpaired", f"`{NONE}` is {holes[base].status}" if base in holes else "no common language")
        for cell in product(read.intermediates, read.targets, read.seeds)
        if cell not in holes and cell[2] not in gains.get(cell[:2], {})
        for base in [(NONE, *cell[1:])]
    }

    spoken = test.drop_nulls("language").group_by("target").agg(pl.col("language").n_unique())
    widest = dict.fromkeys(read.targets, 0) | dict(spoken.iter_rows())
    rowed = partial(_row, targets=read.targets, groups=_groups(read), seeds=read.seeds, widest=widest)
    floors = tuple(name for name in (MAJORITY, RANDOM_ENCODER) if any(name == row for row, _ in levels))
    table = {name: rowed(name, gains, holes | unpaired) for name in read.intermediates}
    return Matrix(
        read=read,
        intermediates=tuple(sorted(table, key=lambda name: _place(table[name][name, ALL].mean, name))),
        targets=read.targets,
        groups=_groups(read),
        gains={key: value for row in table.values() for key, value in row.items()},
        levels={key: value for name in (NONE, *floors) for key, value in rowed(name, levels, holes).items()},
        floors=floors,
        cells=_cells(read, holes),
        runs=Counter(runs.filter(pl.col("intermediate") != RANDOM_ENCODER)["status"]),
        metrics=metrics,
        doubtful=_doubtful(read, upstream, levels),
    )


def _row(
    name: str,
    cells: Cells,
    holes: Mapping[Cell, Hole],
    *,
    targets: Sequence[str],
    groups: Mapping[str, tuple[str, ...]],
    seeds: Sequence[int],
    widest: Mapping[str, int],
) -> dict[tuple[str, str], Estimate]:
    points: dict[str, dict[int, Point]] = {target: cells.get((name, target), {}) for target in targets}
    row = {}
    for target in targets:
        there = [holes[name, target, seed] for seed in seeds if (name, target, seed) in holes]
        row[name, target] = estimate(points[target], seeds, widest[target], there)
    for group, members in groups.items():
        row[name, group] = over_targets(points, members, seeds, widest)
    return row


def _groups(read: Scores) -> dict[str, tuple[str, ...]]:
    trained = tuple(target for target in read.targets if target not in read.retrieval)
    return {ALL: read.targets, TRAINED: trained} if trained and trained != read.targets else {ALL: read.targets}


def _place(mean: float | None, name: str) -> tuple[bool, float, str]:
    return mean is None, -(mean or 0.0), name


def _majority(test: pl.DataFrame) -> pl.DataFrame:
    """The floor of the commonest label as if it were an intermediate: it is the same in every run of a target."""
    keys = ["target", "seed", "language"]
    floor = test.filter(pl.col("metric") == MAJORITY).group_by(keys).agg(score=pl.col("value").mean()).drop_nulls()
    return floor.select(pl.lit(MAJORITY).alias("intermediate"), *CELL[1:], "language", "score")


def _upstream(rows: pl.DataFrame) -> Upstream:
    """How the runs of each intermediate task ended."""
    stages = rows.filter(pl.col("kind") == "intermediate").sort("reason", nulls_last=True)
    ends: dict[tuple[str, int], dict[str, str | None]] = {}
    for intermediate, seed, status, reason in stages.select("intermediate", "seed", "status", "reason").iter_rows():
        ends.setdefault((intermediate, seed), {}).setdefault(status, reason)
    return ends


def _doubtful(read: Scores, upstream: Upstream, levels: Cells) -> tuple[tuple[str, int, str | None], ...]:
    return tuple(
        (name, seed, ends["degenerate"])
        for (name, seed), ends in sorted(upstream.items(), key=lambda item: item[0])
        if "degenerate" in ends and "finished" not in ends
        if any(seed in levels.get((name, target), {}) for target in read.targets)
    )


def _holes(read: Scores, runs: pl.DataFrame, upstream: Upstream, levels: Cells) -> dict[Cell, Hole]:
    """Every planned cell without a score, and why."""
    found: dict[Cell, dict[str, str | None]] = {}
    for intermediate, target, seed, status, reason in runs.select(*CELL, "status", "reason").iter_rows():
        reasons = found.setdefault((intermediate, target, seed), {})
        reasons[status] = reasons.get(status) or reason

    def hole(cell: Cell) -> Hole:
        intermediate, _, seed = cell
        statuses = found.get(cell, {})
        if "finished" in statuses:
            return Hole(seed, "missing", "finished without a score")
        for status in SEVERITY:
            if status in statuses:
                return Hole(seed, status, statuses[status])
        above = upstream.get((intermediate, seed), {})
        if above and "finished" not in above:
            return Hole(seed, "missing", f"its intermediate run: {' and '.join(sorted(above))}")
        return Hole(seed, "missing")

    planned = product((NONE, *read.intermediates), read.targets, read.seeds)
    return {cell: hole(cell) for cell in planned if cell[2] not in levels.get(cell[:2], {})}


def _cells(read: Scores, holes: Mapping[Cell, Hole]) -> dict[str, int]:
    planned = (1 + len(read.intermediates)) * len(read.targets) * len(read.seeds)
    return {"finished": planned - len(holes), **Counter(sorted(hole.status for hole in holes.values()))}
