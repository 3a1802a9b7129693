"""The scores of the runs that count as one array, which every question about a sweep starts from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from analysis.scores import choose
from analysis.scores.choose import MAJORITY, Metrics
from analysis.scores.keys import locate_on_axis
from analysis.scores.scores import Scores
from analysis.statistics.moments import Array, BoolArray
from analysis.transfer.holes import Cell, Hole, IntermediateStatuses, collect_statuses, find_holes
from spaces.chain import NONE, RANDOM_ENCODER

POINTS_PER_SHARE = 100.0


class ArrayAxes(NamedTuple):
    """The names along the axes of `Transfer.scores`."""

    chains: tuple[str, ...]
    targets: tuple[str, ...]
    languages: tuple[str, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Scores in points of the run that English dev chose for each chain, target and seed.

    A chain is the history of a target's encoder: the baseline, an intermediate task, a floor or a ceiling. `scores` has
    the axes chains x targets x languages x seeds, with the languages that were scored; NaN where there is no score.
    """

    loaded_scores: Scores
    chains: tuple[str, ...]  # the baseline, the intermediates in the order of `loaded_scores`, the floors, the ceilings
    targets: tuple[str, ...]
    languages: tuple[str, ...]
    seeds: tuple[int, ...]
    scores: Array
    runs: pl.DataFrame  # every run of a target, in the columns of `choose.list_runs`
    metrics: Metrics
    planned: BoolArray  # chains x seeds: False for seeds that only other chains were to get
    holes: Mapping[Cell, Hole]  # planned cells without a score
    intermediate_statuses: IntermediateStatuses

    @property
    def baseline(self) -> str:
        """The chain that gains are measured against."""
        return self.loaded_scores.baseline

    @property
    def intermediates(self) -> tuple[str, ...]:
        """The chains that are compared with the baseline."""
        return self.loaded_scores.intermediates

    @property
    def floors(self) -> tuple[str, ...]:
        """The chains that a useful encoder must beat."""
        return tuple(chain for chain in self.references if chain not in self.loaded_scores.ceilings)

    @property
    def ceilings(self) -> tuple[str, ...]:
        """The chains that were trained on rows of other languages too: no zero-shot chain is expected to beat them."""
        return tuple(chain for chain in self.references if chain in self.loaded_scores.ceilings)

    @property
    def references(self) -> tuple[str, ...]:
        """The floors, then the ceilings: chains that place a result and are never ranked."""
        return self.chains[1 + len(self.intermediates) :]

    @cached_property
    def skipped_seeds(self) -> Mapping[str, frozenset[int]]:
        """The seeds without a score that a race did not give, for each chain it decided early, floors included."""
        complete = np.isfinite(self.scores).any(axis=2).min(axis=1)  # chains x seeds
        seeds: dict[str, set[int]] = {}
        for i, s in np.argwhere(~complete):
            if (self.chains[i], self.seeds[s]) in self.loaded_scores.skipped_chain_seeds:
                seeds.setdefault(self.chains[i], set()).add(self.seeds[s])
        return {chain: frozenset(skipped) for chain, skipped in seeds.items()}

    @cached_property
    def common_seeds(self) -> BoolArray:
        """Mask of the seeds that are planned for the baseline and every intermediate."""
        return np.asarray(self.planned[: 1 + len(self.intermediates)].all(axis=0))

    def count_planned_seeds(self, chain: str) -> int:
        """Return how many seeds the chain was to get."""
        return int(self.planned[self.chains.index(chain)].sum())

    @cached_property
    def gains(self) -> Array:
        """Scores minus the baseline of the same target, language and seed: intermediates x the other axes."""
        return self.scores[1 : 1 + len(self.intermediates)] - self.scores[:1]

    @cached_property
    def scored_mask(self) -> BoolArray:
        """Mask of the languages in which any chain has a score of the target: targets x languages."""
        return np.asarray(np.isfinite(self.scores).any(axis=(0, 3)))


def build_transfer(
    scores: Scores, picked_metrics: Metrics | None = None, learning_rate: float | None = None
) -> Transfer:
    """Return the scores of the runs that count.

    `picked_metrics` replaces the official metrics of its targets in the scores, but not in the choice of the run. With
    `learning_rate` only runs at that rate compete. Raise UsageError if nothing tells which metric or which run counts,
    or rows contradict each other.
    """
    picked = picked_metrics or {}
    rows = choose.select_contenders(scores)
    if learning_rate is not None:
        rows = choose.filter_learning_rate(rows, learning_rate)
    metric_table = choose.list_metrics(rows)
    metrics = choose.override_metrics(rows, choose.resolve_official_metrics(metric_table, "test", picked), picked)
    runs = choose.list_runs(rows, choose.resolve_official_metrics(metric_table, "dev", picked))
    axes, array = _fill_array(scores, rows, runs, metrics)
    statuses = collect_statuses(scores.intermediate_rows)
    has_score = np.asarray(np.isfinite(array).any(axis=2))
    planned = _mask_planned(scores, axes, has_score)
    return Transfer(
        loaded_scores=scores,
        **axes._asdict(),
        scores=array,
        runs=runs,
        metrics=metrics,
        planned=planned,
        holes=find_holes(scores, runs, statuses, has_score | ~planned[:, None]),
        intermediate_statuses=statuses,
    )


def _fill_array(scores: Scores, rows: pl.DataFrame, runs: pl.DataFrame, metrics: Metrics) -> tuple[ArrayAxes, Array]:
    """Return the array of scores with its axes: floors, ceilings and languages without any score are dropped."""
    test = rows.lazy().filter(split="test").select("run", "target", "language", "metric", "value").collect()
    languages = tuple(test["language"].drop_nulls().unique().cast(pl.String).sort())
    planned = (NONE, *scores.intermediates)
    chains_of_axis = (*planned, MAJORITY, RANDOM_ENCODER, *scores.ceilings)
    axes = ArrayAxes(chains_of_axis, scores.targets, languages, scores.seeds)
    array = _fill_means(test, choose.select_winners(runs), axes, metrics)
    # The floor of the trivial answer is a chain of its own, and the same in every run of a target.
    majority, floor_runs = test.filter(metric=MAJORITY), runs.with_columns(intermediate=pl.lit(MAJORITY))
    array[len(planned)] = _fill_means(majority, floor_runs, axes._replace(chains=(MAJORITY,)))[0]
    scored = np.isfinite(array)
    chains = [i for i in range(len(axes.chains)) if i < len(planned) or scored[i].any()]
    kept = np.flatnonzero(scored.any(axis=(0, 1, 3)))  # languages
    if len(chains) < len(axes.chains) or len(kept) < len(languages):
        array = array[chains][:, :, kept]
    kept_chains, kept_languages = tuple(axes.chains[i] for i in chains), tuple(languages[i] for i in kept)
    return axes._replace(chains=kept_chains, languages=kept_languages), array


def _fill_means(rows: pl.DataFrame, runs: pl.DataFrame, axes: ArrayAxes, metrics: Metrics | None = None) -> Array:
    """Return the means of the rows of `runs` in each element, in points; NaN where there are none.

    With `metrics` only their rows count, and an element that lacks one of its target's metrics is NaN.
    """
    shape = tuple(len(axis) for axis in axes)
    if not axes.languages:  # nothing was scored
        return np.full(shape, np.nan)
    # There are far fewer runs than rows, so only the language is looked up for each row.
    chain, target = locate_on_axis(runs["intermediate"], axes.chains), locate_on_axis(runs["target"], axes.targets)
    seed = locate_on_axis(runs["seed"], axes.seeds)
    known = (chain >= 0) & (target >= 0) & (seed >= 0)
    known_runs, run_of_row = runs["run"].to_numpy()[known], rows["run"].to_numpy()
    cell_of_run = np.full(1 + max(known_runs.max(initial=-1), run_of_row.max(initial=-1)), -1)
    cell_of_run[known_runs] = np.ravel_multi_index((chain[known], target[known], 0, seed[known]), shape)

    cell, language = cell_of_run[run_of_row], locate_on_axis(rows["language"], axes.languages)
    usable = (cell >= 0) & (language >= 0) & rows["value"].is_not_null().to_numpy()
    if metrics is not None:
        usable &= choose.count_wanted_metrics(rows, metrics) > 0
    size = int(np.prod(shape))
    element = np.where(usable, cell + language * len(axes.seeds), size)  # one element more, for rows that do not count
    count = np.bincount(element, minlength=size + 1)[:size].reshape(shape)
    total = np.bincount(element, rows["value"].to_numpy(), minlength=size + 1)[:size].reshape(shape)
    complete = count > 0
    if metrics is not None:
        complete &= count == np.reshape([len(set(metrics.get(name, ()))) for name in axes.targets], (-1, 1, 1))
    means: Array = np.divide(total * POINTS_PER_SHARE, count, out=np.full(shape, np.nan), where=complete)
    return means


def _mask_planned(scores: Scores, axes: ArrayAxes, has_score: BoolArray) -> BoolArray:
    """Return a mask of chains x seeds, False for seeds that a chain was not to get; one with a score counts."""
    unplanned = scores.unplanned_chain_seeds
    planned = [[(chain, seed) not in unplanned for seed in axes.seeds] for chain in axes.chains]
    return np.array(planned, np.bool_).reshape(len(axes.chains), len(axes.seeds)) | has_score.any(axis=1)
