"""Scores of the runs that count, in one array: what every question about a sweep starts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt
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
from spaces.benchmark import NONE, RANDOM_ENCODER

POINTS = 100.0
SEVERITY = ("failed", "degenerate", "stopped")  # what a cell without a finished run is called, the first that applies

Array = npt.NDArray[np.float64]
Cell = tuple[str, str, int]  # chain, target, seed
Upstream = Mapping[tuple[str, int], Mapping[str, str | None]]  # intermediate, seed -> status -> reason


@dataclass(frozen=True, slots=True)
class Hole:
    """A seed that is planned for a cell and has no score, or no gain."""

    seed: int
    status: str  # stopped, degenerate, failed, missing, or unpaired: finished, but its baseline is not
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Scores in points of each chain's run: English dev chose it, the languages are those that were scored.

    A chain is what the target's encoder has behind it: the baseline, an intermediate task, or a floor. `scores` has
    the axes chains x targets x languages x seeds; it is NaN where there is no score.
    """

    read: Scores
    chains: tuple[str, ...]  # the baseline, the intermediates as read, the floors
    targets: tuple[str, ...]
    languages: tuple[str, ...]
    seeds: tuple[int, ...]
    scores: Array
    runs: pl.DataFrame  # every run of a target: the columns of `choose.runs_of`
    metrics: Metrics
    holes: Mapping[Cell, Hole]  # planned cells without a score
    upstream: Upstream

    @property
    def intermediates(self) -> tuple[str, ...]:
        """The chains that are compared with the baseline."""
        return self.read.intermediates

    @property
    def floors(self) -> tuple[str, ...]:
        """The chains that a useful encoder must beat."""
        return self.chains[1 + len(self.intermediates) :]

    @cached_property
    def gains(self) -> Array:
        """Score minus the baseline of the same target, language and seed: intermediates, then the other axes."""
        return self.scores[1 : 1 + len(self.intermediates)] - self.scores[:1]

    @cached_property
    def asked(self) -> npt.NDArray[np.bool_]:
        """In which languages a target is scored by any chain: targets x languages."""
        return np.asarray(np.isfinite(self.scores).any(axis=(0, 3)))


def transfer(read: Scores, picked: Metrics | None = None, learning_rate: float | None = None) -> Transfer:
    """The scores of the runs that count.

    `picked` replaces the official metrics of its targets in the scores, never in the choice of the run.

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
    long = pl.concat([scores(chosen, metrics, [*CELL, "language"]), _majority(test)]).drop_nulls("score")
    names = set(long["intermediate"])
    chains = (NONE, *read.intermediates, *(name for name in (MAJORITY, RANDOM_ENCODER) if name in names))
    languages = tuple(long["language"].unique().sort())
    array = _array(long, (chains, read.targets, languages, read.seeds))
    upstream = _upstream(read.rows)
    return Transfer(
        read=read,
        chains=chains,
        targets=read.targets,
        languages=languages,
        seeds=read.seeds,
        scores=array,
        runs=runs,
        metrics=metrics,
        holes=_holes(read, runs, upstream, np.asarray(np.isfinite(array).any(axis=2))),
        upstream=upstream,
    )


def _array(long: pl.DataFrame, axes: tuple[tuple[str | int, ...], ...]) -> Array:
    """The scores by their places on the axes, in points."""
    array = np.full([len(axis) for axis in axes], np.nan)
    places = []
    for column, axis in zip(("intermediate", "target", "language", "seed"), axes, strict=True):
        place = pl.col(column).replace_strict(axis, range(len(axis)), default=None, return_dtype=pl.Int64)
        places.append(place.alias(column))
    placed = long.select(*places, "score").drop_nulls()
    array[tuple(placed[column].to_numpy() for column in placed.columns[:4])] = placed["score"].to_numpy() * POINTS
    return array


def _majority(test: pl.DataFrame) -> pl.DataFrame:
    """The floor of the commonest label as if it were a chain: it is the same in every run of a target."""
    keys = ["target", "seed", "language"]
    floor = test.filter(pl.col("metric") == MAJORITY).group_by(keys).agg(score=pl.col("value").mean())
    return floor.select(pl.lit(MAJORITY).alias("intermediate"), *CELL[1:], "language", "score")


def _upstream(rows: pl.DataFrame) -> Upstream:
    """How the runs of each intermediate task ended."""
    stages = rows.filter(pl.col("kind") == "intermediate").sort("reason", nulls_last=True)
    ends: dict[tuple[str, int], dict[str, str | None]] = {}
    for intermediate, seed, status, reason in stages.select("intermediate", "seed", "status", "reason").iter_rows():
        ends.setdefault((intermediate, seed), {}).setdefault(status, reason)
    return ends


def _holes(read: Scores, runs: pl.DataFrame, upstream: Upstream, there: npt.NDArray[np.bool_]) -> dict[Cell, Hole]:
    """Every planned cell without a score, and why; `there` tells which have one (chains x targets x seeds)."""
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

    planned = product(enumerate((NONE, *read.intermediates)), enumerate(read.targets), enumerate(read.seeds))
    return {
        (chain, target, seed): hole((chain, target, seed))
        for (i, chain), (t, target), (s, seed) in planned
        if not there[i, t, s]
    }
