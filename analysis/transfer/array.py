"""Scores of the runs that count, in one array: what every question about a sweep starts from."""

from collections.abc import Mapping, Sequence
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
    contenders,
    of_runs,
    official,
    runs_of,
    wanted,
    winners,
    with_picked,
)
from analysis.scores.keys import Places, on_axis
from analysis.scores.load import Scores
from analysis.scores.tidy import CELL
from spaces.benchmark import NONE, RANDOM_ENCODER

POINTS = 100.0
AXES = ("intermediate", "target", "language", "seed")
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
    rows = contenders(read)
    if learning_rate is not None:
        rows = at_rate(rows, learning_rate)
    metrics = with_picked(rows, official(rows, "test", picked), picked)
    runs = runs_of(rows, official(rows, "dev", picked))

    test = rows.lazy().filter(pl.col("split") == "test").select("run", "metric", "value", *AXES).collect()
    chosen, floor = of_runs(test, winners(runs)), _majority(test)
    languages = tuple(sorted({*chosen["language"].drop_nulls().unique(), *floor["language"].drop_nulls().unique()}))
    names = (NONE, *read.intermediates, MAJORITY, RANDOM_ENCODER)
    axes = (read.targets, languages, read.seeds)
    array = _means(chosen, (names, *axes), wanted(chosen, metrics))
    array[names.index(MAJORITY)] = _means(floor, ((MAJORITY,), *axes))[0]
    there = np.isfinite(array)
    # A floor without a score is no chain, and a language without one is none.
    chains = [i for i, name in enumerate(names) if name in (NONE, *read.intermediates) or there[i].any()]
    spoken = np.flatnonzero(there.any(axis=(0, 1, 3)))
    if len(chains) < len(names) or len(spoken) < len(languages):
        array = array[chains][:, :, spoken]
    upstream = _upstream(read.upstream)
    return Transfer(
        read=read,
        chains=tuple(names[i] for i in chains),
        targets=read.targets,
        languages=tuple(languages[i] for i in spoken),
        seeds=read.seeds,
        scores=array,
        runs=runs,
        metrics=metrics,
        holes=_holes(read, runs, upstream, np.asarray(np.isfinite(array).any(axis=2))),
        upstream=upstream,
    )


def _majority(test: pl.DataFrame) -> pl.DataFrame:
    """The floor of the commonest label as if it were a chain: it is the same in every run of a target."""
    return test.filter(pl.col("metric") == MAJORITY).with_columns(pl.lit(MAJORITY).alias("intermediate"))


def _means(rows: pl.DataFrame, axes: Sequence[Sequence[str | int]], number: Places | None = None) -> Array:
    """The means of the rows at each place, in points; NaN where there are none, or not the `number` of each row."""
    known = rows.select(*AXES, "value", number=pl.lit(0) if number is None else pl.Series(number, dtype=pl.Int64))
    usable = known["value"].is_not_null() & (known["number"] > 0 if number is not None else True)
    known = known if usable.all() else known.filter(usable)
    shape = tuple(len(axis) for axis in axes)
    place, off = np.zeros(known.height, np.int64), np.zeros(known.height, np.bool_)
    for name, axis in zip(AXES, axes, strict=True):
        places = on_axis(known[name], axis)
        off |= places < 0
        place = place * len(axis) + places
    if off.any():
        known, place = known.filter(pl.Series(~off)), place[~off]
    size = int(np.prod(shape))
    count = np.bincount(place, minlength=size)
    total = np.bincount(place, known["value"].to_numpy(), minlength=size)
    complete = count > 0
    if number is not None:
        needed = np.zeros(size, np.int64)
        needed[place] = known["number"].to_numpy()
        complete &= count == needed
    means: Array = np.divide(total * POINTS, count, out=np.full(size, np.nan), where=complete)
    return means.reshape(shape)


def _upstream(rows: pl.DataFrame) -> Upstream:
    """How the runs of each intermediate task ended."""
    stages = rows.sort("reason", nulls_last=True)
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
