"""The variance of the scores, split over the axes of a search: task, learning rate, seed and language."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.questions.chains import list_candidates
from analysis.questions.target_scores import compute_complete_scores
from analysis.scores.choose import average_metrics, select_contenders
from analysis.scores.tidy import ARM_COLUMNS
from analysis.statistics.moments import EPSILON, Array
from analysis.statistics.variance import VarianceSplit, split_variance
from analysis.transfer.array import POINTS_PER_SHARE, Transfer
from spaces.chain import NONE
from spaces.errors import UsageError
from spaces.table import shorten_list

FACTORS = ("intermediate", "learning_rate", "seed", "language")
MAX_IMPORTANCE_SCORES = 20_000  # pooled ones counted again; Optuna's importances of more take minutes
POOLED = "pooled"  # all targets, each centred on its own mean


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSeedSpread:
    """Standard deviations of one target's scores over new tasks and over new seeds, in points.

    They are estimated from the tasks that have every seed; None with fewer than two tasks or seeds. `noise_sd` is what
    is left of a task's score at a seed: another seed moves a score by both, a gain by the noise alone.
    """

    task_count: int
    seed_count: int
    task_sd: float | None
    seed_sd: float | None
    noise_sd: float | None

    @property
    def total_seed_sd(self) -> float | None:
        """The standard deviation of a score over seeds: common part and noise."""
        return None if self.seed_sd is None or self.noise_sd is None else float(np.hypot(self.seed_sd, self.noise_sd))


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisComparison:
    """The axes against each other; `splits` and `importances` are by target, then POOLED."""

    tasks: tuple[str, ...]  # the baseline and the intermediates that are no controls
    splits: Mapping[str, VarianceSplit]  # of the test scores of every finished run in every language
    constant_targets: tuple[str, ...]  # all their scores are equal, so there is no variance to split
    score_counts: Mapping[str, int]
    importances: Mapping[str, Mapping[str, float]]  # of the same scores: factor -> share of 1; none for too many
    spreads: Mapping[str, TaskSeedSpread]  # target -> of the runs that count, mean over languages
    missing_runs: Mapping[str, int]  # status -> runs that are in no split


def compare_axes(transfer: Transfer) -> AxisComparison:
    """Compare the axes on every target that has two scores; raise UsageError if no target has two scores."""
    tasks = (NONE, *list_candidates(transfer))
    rows = select_contenders(transfer.loaded_scores).filter(pl.col("intermediate").is_in(tasks))
    test = rows.filter(split="test", status="finished")
    scores = average_metrics(test, transfer.metrics, [*ARM_COLUMNS, "language"]).drop_nulls("score")
    scores = scores.with_columns(value=pl.col("score") * POINTS_PER_SHARE)
    parts = {target: part for target in transfer.targets if (part := scores.filter(target=target)).height > 1}
    constant = tuple(target for target, part in parts.items() if _is_constant(part["value"].to_numpy()))
    parts = {target: part for target, part in parts.items() if target not in constant}
    if constant and not parts:
        raise UsageError(
            f"{transfer.loaded_scores.source}: all scores are equal on {shorten_list(constant)}, so there is no "
            "variance to split."
        )
    if not parts:
        raise UsageError(
            f"{transfer.loaded_scores.source}: no target has two scores, so there is no variance to split."
        )
    if len(parts) > 1:
        centred = pl.col("value") - pl.col("value").mean().over("target")
        parts[POOLED] = scores.filter(pl.col("target").is_in(list(parts))).with_columns(value=centred)
    has_importances = sum(part.height for part in parts.values()) <= MAX_IMPORTANCE_SCORES
    runs = rows.group_by(ARM_COLUMNS).agg(pl.col("status").first()).filter(pl.col("status") != "finished")
    chain_rows = [transfer.chains.index(name) for name in tasks]
    return AxisComparison(
        tasks=tasks,
        splits={name: _split_variance(part) for name, part in parts.items()},
        constant_targets=constant,
        score_counts={name: part.height for name, part in parts.items()},
        importances={name: compute_importances(part) for name, part in parts.items()} if has_importances else {},
        spreads={
            target: measure_spread(compute_complete_scores(transfer, target, transfer.scores)[chain_rows])
            for target in transfer.targets
        },
        missing_runs=dict(sorted(runs["status"].value_counts().iter_rows())),
    )


def measure_spread(values: Array) -> TaskSeedSpread:
    """Return the spread of one target's scores, tasks x seeds, NaN for a hole; seeds without any score are left out."""
    values = values[:, np.isfinite(values).any(axis=0)]
    complete = values[np.isfinite(values).all(axis=1)]
    tasks, seeds = complete.shape
    if tasks < 2 or seeds < 2:
        return TaskSeedSpread(task_count=tasks, seed_count=seeds, task_sd=None, seed_sd=None, noise_sd=None)
    if _is_constant(complete):
        return TaskSeedSpread(task_count=tasks, seed_count=seeds, task_sd=0.0, seed_sd=0.0, noise_sd=0.0)
    task, seed = np.indices(complete.shape)
    parts = split_variance(complete.ravel(), {"task": task.ravel(), "seed": seed.ravel()})
    return TaskSeedSpread(
        task_count=tasks,
        seed_count=seeds,
        task_sd=float(np.sqrt(parts.parts["task"].component)),
        seed_sd=float(np.sqrt(parts.parts["seed"].component)),
        noise_sd=float(np.sqrt(parts.residual_component)),
    )


def _is_constant(values: Array) -> bool:
    return bool(np.ptp(values) <= EPSILON)


def _split_variance(part: pl.DataFrame) -> VarianceSplit:
    codes = {name: part[name].rank("dense").fill_null(0).cast(pl.Int64) for name in _find_varying_factors(part)}
    return split_variance(part["value"].to_numpy(), codes)


def _find_varying_factors(part: pl.DataFrame) -> list[str]:
    return [name for name in FACTORS if part[name].n_unique() > 1]


def compute_importances(part: pl.DataFrame) -> dict[str, float]:
    """Return Optuna's importances (PED-ANOVA, Watanabe et al. 2023) of the factors that vary; their sum is 1.

    They ask which factor decides whether a score is among the best tenth, not how much it moves scores. `part` has
    FACTORS and `value`; each row becomes a trial of a study in memory. The result is empty where no best tenth can be
    told from the rest: the scores are too few, or equal.
    """
    import optuna  # takes half a second, which only this question needs

    names = _find_varying_factors(part)
    if not names:
        return {}
    levels = part.select(pl.col(names).cast(pl.String).fill_null("none"))
    make_choices = optuna.distributions.CategoricalDistribution
    distributions: dict[str, optuna.distributions.BaseDistribution] = {
        name: make_choices(tuple(levels[name].unique().sort())) for name in names
    }
    trials = [
        optuna.trial.create_trial(params=params, distributions=distributions, value=value)
        for params, value in zip(levels.iter_rows(named=True), part["value"], strict=True)
    ]
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", storage=optuna.storages.InMemoryStorage())
    study.add_trials(trials)
    optuna.logging.set_verbosity(verbosity)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            return optuna.importance.get_param_importances(study)
        except UserWarning:  # both quantiles select all trials
            return {}
