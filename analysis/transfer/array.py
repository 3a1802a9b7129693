"""Scores of the runs that count, in one array: what every question about a sweep starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from analysis.scores.choose import (
    MAJORITY,
    Metrics,
    count_wanted_metrics,
    filter_learning_rate,
    list_metrics,
    list_runs,
    override_metrics,
    resolve_official_metrics,
    select_contenders,
    select_winners,
)
from analysis.scores.keys import locate_on_axis
from analysis.scores.load import Scores
from analysis.scores.tidy import CELL_COLUMNS
from analysis.statistics.moments import Array
from spaces.chain import NONE, RANDOM_ENCODER, phase_of

POINTS_PER_SHARE = 100.0
DECIDED = "decided"
STATUSES_BY_SEVERITY = (
    "failed",
    "degenerate",
    "stopped",
)  # what a cell without a finished run is called, the first that applies

ArrayAxes = tuple[Sequence[str], Sequence[str], Sequence[str], Sequence[int]]  # those of `Transfer.scores`
Cell = tuple[str, str, int]  # chain, target, seed
IntermediateStatuses = Mapping[tuple[str, int], Mapping[str, str | None]]  # intermediate, seed -> status -> reason


@dataclass(frozen=True, slots=True)
class Hole:
    """A seed that is planned for a cell and has no score, or no gain."""

    seed: int
    status: str  # stopped, degenerate, failed, decided (by a race), missing, or unpaired: its baseline is not finished
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Scores in points of each chain's run: English dev chose it, the languages are those that were scored.

    A chain is what the target's encoder has behind it: the baseline, an intermediate task, or a floor. `scores` has
    the axes chains x targets x languages x seeds; it is NaN where there is no score.
    """

    loaded_scores: Scores
    chains: tuple[str, ...]  # the baseline, the intermediates as read, the floors
    targets: tuple[str, ...]
    languages: tuple[str, ...]
    seeds: tuple[int, ...]
    scores: Array
    runs: pl.DataFrame  # every run of a target: the columns of `choose.runs_of`
    metrics: Metrics
    holes: Mapping[Cell, Hole]  # planned cells without a score
    intermediate_statuses: IntermediateStatuses

    @property
    def intermediates(self) -> tuple[str, ...]:
        """The chains that are compared with the baseline."""
        return self.loaded_scores.intermediates

    @property
    def floors(self) -> tuple[str, ...]:
        """The chains that a useful encoder must beat."""
        return self.chains[1 + len(self.intermediates) :]

    @cached_property
    def skipped_seeds(self) -> Mapping[str, frozenset[int]]:
        """The chains, floors among them, that a race decided early, and the seeds that they lack for that reason."""
        whole = np.isfinite(self.scores).any(axis=2).min(axis=1)  # chains x seeds
        seeds: dict[str, set[int]] = {}
        for i, s in np.argwhere(~whole):
            if (self.chains[i], self.seeds[s]) in self.loaded_scores.skipped_chain_seeds:
                seeds.setdefault(self.chains[i], set()).add(self.seeds[s])
        return {chain: frozenset(each) for chain, each in seeds.items()}

    @cached_property
    def gains(self) -> Array:
        """Score minus the baseline of the same target, language and seed: intermediates, then the other axes."""
        return self.scores[1 : 1 + len(self.intermediates)] - self.scores[:1]

    @cached_property
    def scored_mask(self) -> npt.NDArray[np.bool_]:
        """In which languages a target is scored by any chain: targets x languages."""
        return np.asarray(np.isfinite(self.scores).any(axis=(0, 3)))


def build_transfer(read: Scores, picked_metrics: Metrics | None = None, learning_rate: float | None = None) -> Transfer:
    """The scores of the runs that count.

    `picked` replaces the official metrics of its targets in the scores, never in the choice of the run.

    Raises:
        UsageError: nothing tells which metric or which run counts, or rows contradict each other.
    """
    picked_metrics = picked_metrics or {}
    rows = select_contenders(read)
    if learning_rate is not None:
        rows = filter_learning_rate(rows, learning_rate)
    there = list_metrics(rows)
    metrics = override_metrics(rows, resolve_official_metrics(there, "test", picked_metrics), picked_metrics)
    runs = list_runs(rows, resolve_official_metrics(there, "dev", picked_metrics))

    test = (
        rows.lazy().filter(pl.col("split") == "test").select("run", "target", "language", "metric", "value").collect()
    )
    languages = tuple(test["language"].drop_nulls().unique().cast(pl.String).sort())
    names = (NONE, *read.intermediates, MAJORITY, RANDOM_ENCODER)
    axes = (read.targets, languages, read.seeds)
    array = _fill_means(test, select_winners(runs), (names, *axes), metrics)
    # The floor of the commonest label is a chain of its own, and the same in every run of a target.
    floor, under = test.filter(pl.col("metric") == MAJORITY), runs.with_columns(intermediate=pl.lit(MAJORITY))
    array[names.index(MAJORITY)] = _fill_means(floor, under, ((MAJORITY,), *axes))[0]
    known = np.isfinite(array)
    # A floor without a score is no chain, and a language without one is none.
    chains = [i for i, name in enumerate(names) if name in (NONE, *read.intermediates) or known[i].any()]
    spoken = np.flatnonzero(known.any(axis=(0, 1, 3)))
    if len(chains) < len(names) or len(spoken) < len(languages):
        array = array[chains][:, :, spoken]
    upstream = _collect_statuses(read.intermediate_rows)
    return Transfer(
        loaded_scores=read,
        chains=tuple(names[i] for i in chains),
        targets=read.targets,
        languages=tuple(languages[i] for i in spoken),
        seeds=read.seeds,
        scores=array,
        runs=runs,
        metrics=metrics,
        holes=_find_holes(read, runs, upstream, np.asarray(np.isfinite(array).any(axis=2))),
        intermediate_statuses=upstream,
    )


def _fill_means(rows: pl.DataFrame, runs: pl.DataFrame, axes: ArrayAxes, metrics: Metrics | None = None) -> Array:
    """The means of the rows of `runs` at each place, in points; NaN where there are none.

    With `metrics` only their rows count, and a place where one of its target's metrics is absent is NaN.
    """
    chains, targets, languages, seeds = axes
    shape = tuple(len(axis) for axis in axes)
    if not languages:  # nothing was scored
        return np.full(shape, np.nan)
    # There are far fewer runs than rows: of a row itself only its language is looked up.
    chain, target = locate_on_axis(runs["intermediate"], chains), locate_on_axis(runs["target"], targets)
    seed = locate_on_axis(runs["seed"], seeds)
    known = (chain >= 0) & (target >= 0) & (seed >= 0)
    of_run, of_row = runs["run"].to_numpy()[known], rows["run"].to_numpy()
    cells = np.full(1 + max(of_run.max(initial=-1), of_row.max(initial=-1)), -1)
    cells[of_run] = np.ravel_multi_index((chain[known], target[known], 0, seed[known]), shape)

    cell, language = cells[of_row], locate_on_axis(rows["language"], languages)
    usable = (cell >= 0) & (language >= 0) & rows["value"].is_not_null().to_numpy()
    if metrics is not None:
        usable &= count_wanted_metrics(rows, metrics) > 0
    size = int(np.prod(shape))
    place = np.where(usable, cell + language * len(seeds), size)  # one place more, for rows that count nowhere
    count = np.bincount(place, minlength=size + 1)[:size].reshape(shape)
    total = np.bincount(place, rows["value"].to_numpy(), minlength=size + 1)[:size].reshape(shape)
    complete = count > 0
    if metrics is not None:
        complete &= count == np.reshape([len(set(metrics.get(name, ()))) for name in targets], (-1, 1, 1))
    means: Array = np.divide(total * POINTS_PER_SHARE, count, out=np.full(shape, np.nan), where=complete)
    return means


def _collect_statuses(rows: pl.DataFrame) -> IntermediateStatuses:
    """How the runs of each intermediate task ended."""
    stages = rows.sort("reason", nulls_last=True)
    ends: dict[tuple[str, int], dict[str, str | None]] = {}
    for intermediate, seed, status, reason in stages.select("intermediate", "seed", "status", "reason").iter_rows():
        ends.setdefault((intermediate, seed), {}).setdefault(status, reason)
    return ends


def _find_holes(
    read: Scores, runs: pl.DataFrame, upstream: IntermediateStatuses, there: npt.NDArray[np.bool_]
) -> dict[Cell, Hole]:
    """Every planned cell without a score, and why; `there` tells which have one (chains x targets x seeds)."""
    chains = (NONE, *read.intermediates)
    absent = [(chains[i], read.targets[t], read.seeds[s]) for i, t, s in np.argwhere(~there[: len(chains)])]
    scoreless = runs.join(
        pl.DataFrame(absent, schema=runs.select(CELL_COLUMNS).schema, orient="row"), on=CELL_COLUMNS, how="semi"
    )
    found: dict[Cell, dict[str, str | None]] = {}
    for intermediate, target, seed, status, reason in scoreless.select(*CELL_COLUMNS, "status", "reason").iter_rows():
        reasons = found.setdefault((intermediate, target, seed), {})
        reasons[status] = reasons.get(status) or reason

    def hole(cell: Cell) -> Hole:
        intermediate, _, seed = cell
        statuses = found.get(cell, {})
        if "finished" in statuses:
            return Hole(seed, "missing", "finished without a score")
        for status in STATUSES_BY_SEVERITY:
            if status in statuses:
                return Hole(seed, status, statuses[status])
        if (intermediate, seed) in read.skipped_chain_seeds:
            return Hole(seed, DECIDED)
        above = upstream.get((phase_of(intermediate), seed), {})
        if above and "finished" not in above:
            return Hole(seed, "missing", f"its intermediate run: {' and '.join(sorted(above))}")
        return Hole(seed, "missing")

    return {cell: hole(cell) for cell in absent}
