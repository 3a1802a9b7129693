"""Which axis of a search moves the score: variance split over task, learning rate, seed and language."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.scores.choose import average_metrics, select_contenders
from analysis.scores.tidy import ARM_COLUMNS
from analysis.statistics.moments import Array
from analysis.statistics.variance import VarianceSplit, split_variance
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from analysis.transfer.columns import TransferColumn, build_columns, compute_column
from spaces.chain import NONE
from spaces.errors import UsageError

FACTORS = ("intermediate", "learning_rate", "seed", "language")
POOLED = "pooled"  # all targets, each centred on its own mean


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSeedSpread:
    """What moves the score that counts of one target, in points: standard deviations over new tasks and new seeds.

    From the tasks that have every seed (None with fewer than two of either). `noise` is what is left of a task's
    score at a seed: a seed moves a score by both, a gain by the noise alone.
    """

    task_count: int
    seed_count: int
    task_sd: float | None
    seed_sd: float | None
    noise_sd: float | None

    @property
    def total_seed_sd(self) -> float | None:
        """How far another seed moves a score."""
        return None if self.seed_sd is None or self.noise_sd is None else float(np.hypot(self.seed_sd, self.noise_sd))


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisComparison:
    """The axes against each other. `splits` and `importances` are by target, then POOLED."""

    tasks: tuple[str, ...]  # the baseline and the intermediates that are no controls
    splits: Mapping[str, VarianceSplit]  # of the test scores of every finished run in every language
    score_counts: Mapping[str, int]  # how many scores
    importances: Mapping[str, Mapping[str, float]]  # of the same scores: factor -> share of 1
    spreads: Mapping[str, TaskSeedSpread]  # target -> of the runs that count, mean over languages
    missing_runs: Mapping[str, int]  # status -> runs that are in no split


def compare_axes(found: Transfer) -> AxisComparison:
    """The axes against each other, for every target that has two scores.

    Raises:
        UsageError: no target has.
    """
    tasks = (NONE, *(name for name in found.intermediates if name not in found.loaded_scores.controls))
    rows = select_contenders(found.loaded_scores).filter(pl.col("intermediate").is_in(tasks))
    test = rows.filter(pl.col("split") == "test", pl.col("status") == "finished")
    long = average_metrics(test, found.metrics, [*ARM_COLUMNS, "language"]).drop_nulls("score")
    long = long.with_columns(value=pl.col("score") * POINTS_PER_SHARE)
    several = [target for target in found.targets if long.filter(pl.col("target") == target).height > 1]
    if not several:
        raise UsageError(f"{found.loaded_scores.source}: no target has two scores, so nothing can be split.")
    parts = {target: long.filter(pl.col("target") == target) for target in several}
    if len(parts) > 1:
        centred = pl.col("value") - pl.col("value").mean().over("target")
        parts[POOLED] = long.filter(pl.col("target").is_in(several)).with_columns(value=centred)
    runs = rows.group_by(ARM_COLUMNS).agg(pl.col("status").first()).filter(pl.col("status") != "finished")
    return AxisComparison(
        tasks=tasks,
        splits={name: _split_variance(part) for name, part in parts.items()},
        score_counts={name: part.height for name, part in parts.items()},
        importances={name: compute_importances(part) for name, part in parts.items()},
        spreads={
            column.name: measure_spread(_collect_run_scores(found, tasks, column))
            for column in build_columns(found)
            if not column.is_mean
        },
        missing_runs=dict(sorted(runs["status"].value_counts().iter_rows())),
    )


def measure_spread(values: Array) -> TaskSeedSpread:
    """Of one target's scores, tasks x seeds; NaN for a hole. A seed that no task has is left out."""
    values = values[:, np.isfinite(values).any(axis=0)]
    whole = values[np.isfinite(values).all(axis=1)]
    tasks, seeds = whole.shape
    if tasks < 2 or seeds < 2:
        return TaskSeedSpread(task_count=tasks, seed_count=seeds, task_sd=None, seed_sd=None, noise_sd=None)
    task, seed = np.indices(whole.shape)
    parts = split_variance(whole.ravel(), {"task": task.ravel(), "seed": seed.ravel()})
    return TaskSeedSpread(
        task_count=tasks,
        seed_count=seeds,
        task_sd=float(np.sqrt(parts.parts["task"].component)),
        seed_sd=float(np.sqrt(parts.parts["seed"].component)),
        noise_sd=float(np.sqrt(parts.residual_component)),
    )


def _collect_run_scores(found: Transfer, tasks: Sequence[str], column: TransferColumn) -> Array:
    """Tasks x seeds: the scores that count of one target, NaN where a language is missing."""
    shown = compute_column(found, column, found.scores)
    whole = np.where(shown.parts == shown.of_parts, shown.values, np.nan)
    return np.asarray(whole[[found.chains.index(name) for name in tasks]])


def _split_variance(part: pl.DataFrame) -> VarianceSplit:
    codes = {
        name: part[name].rank("dense").fill_null(0).to_numpy().astype(np.int64) for name in _find_varying_factors(part)
    }
    return split_variance(part["value"].to_numpy(), codes)


def _find_varying_factors(part: pl.DataFrame) -> list[str]:
    return [name for name in FACTORS if part[name].n_unique() > 1]


def compute_importances(part: pl.DataFrame) -> dict[str, float]:
    """Optuna's importances (PED-ANOVA, Watanabe et al. 2023) of the factors that vary; together they are 1.

    They ask which factor decides whether a score is among the best tenth, not how much it moves scores. `part` has
    FACTORS and `value`; every row stands for a trial of a study in memory. Empty where the best tenth is no part of
    the scores: they are few, or equal.
    """
    import optuna  # half a second, which the other scripts need not wait for

    names = _find_varying_factors(part)
    if not names:
        return {}
    choices = {name: part[name].cast(pl.String).fill_null("none").alias(name) for name in names}
    one_of = optuna.distributions.CategoricalDistribution
    axes: dict[str, optuna.distributions.BaseDistribution] = {
        name: one_of(tuple(each.unique().sort())) for name, each in choices.items()
    }
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", storage=optuna.storages.InMemoryStorage())
    study.add_trials(
        [
            optuna.trial.create_trial(params=dict(zip(names, params, strict=True)), distributions=axes, value=value)
            for *params, value in zip(*choices.values(), part["value"], strict=True)
        ]
    )
    optuna.logging.set_verbosity(before)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            return optuna.importance.get_param_importances(study)
        except UserWarning:  # both quantiles select all trials
            return {}
