"""Which axis of a search moves the score: variance split over task, learning rate, seed and language."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from analysis.scores.choose import contenders, scores
from analysis.scores.tidy import ARM
from analysis.statistics.moments import Array
from analysis.statistics.variance import Split, split
from analysis.transfer.array import POINTS, Transfer
from analysis.transfer.columns import Column, columns, points
from spaces.chain import NONE
from spaces.errors import UsageError

FACTORS = ("intermediate", "learning_rate", "seed", "language")
POOLED = "pooled"  # all targets, each centred on its own mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What moves the score that counts of one target, in points: standard deviations over new tasks and new seeds.

    From the tasks that have every seed (None with fewer than two of either). `noise` is what is left of a task's
    score at a seed: a seed moves a score by both, a gain by the noise alone.
    """

    tasks: int
    seeds: int
    task: float | None
    seed: float | None
    noise: float | None

    @property
    def by_seed(self) -> float | None:
        """How far another seed moves a score."""
        return None if self.seed is None or self.noise is None else float(np.hypot(self.seed, self.noise))


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """The axes against each other. `splits` and `importances` are by target, then POOLED."""

    tasks: tuple[str, ...]  # the baseline and the intermediates that are no controls
    splits: Mapping[str, Split]  # of the test scores of every finished run in every language
    counts: Mapping[str, int]  # how many scores
    importances: Mapping[str, Mapping[str, float]]  # of the same scores: factor -> share of 1
    spreads: Mapping[str, Spread]  # target -> of the runs that count, mean over languages
    missing: Mapping[str, int]  # status -> runs that are in no split


def factors(found: Transfer) -> Factors:
    """The axes against each other, for every target that has two scores.

    Raises:
        UsageError: no target has.
    """
    tasks = (NONE, *(name for name in found.intermediates if name not in found.read.controls))
    rows = contenders(found.read).filter(pl.col("intermediate").is_in(tasks))
    test = rows.filter(pl.col("split") == "test", pl.col("status") == "finished")
    long = scores(test, found.metrics, [*ARM, "language"]).drop_nulls("score")
    long = long.with_columns(value=pl.col("score") * POINTS)
    several = [target for target in found.targets if long.filter(pl.col("target") == target).height > 1]
    if not several:
        raise UsageError(f"{found.read.source}: no target has two scores, so nothing can be split.")
    parts = {target: long.filter(pl.col("target") == target) for target in several}
    if len(parts) > 1:
        centred = pl.col("value") - pl.col("value").mean().over("target")
        parts[POOLED] = long.filter(pl.col("target").is_in(several)).with_columns(value=centred)
    runs = rows.group_by(ARM).agg(pl.col("status").first()).filter(pl.col("status") != "finished")
    return Factors(
        tasks=tasks,
        splits={name: _split(part) for name, part in parts.items()},
        counts={name: part.height for name, part in parts.items()},
        importances={name: importances(part) for name, part in parts.items()},
        spreads={column.name: spread(_of_runs(found, tasks, column)) for column in columns(found) if not column.mean},
        missing=dict(sorted(runs["status"].value_counts().iter_rows())),
    )


def spread(values: Array) -> Spread:
    """Of one target's scores, tasks x seeds; NaN for a hole. A seed that no task has is left out."""
    values = values[:, np.isfinite(values).any(axis=0)]
    whole = values[np.isfinite(values).all(axis=1)]
    tasks, seeds = whole.shape
    if tasks < 2 or seeds < 2:
        return Spread(tasks=tasks, seeds=seeds, task=None, seed=None, noise=None)
    task, seed = np.indices(whole.shape)
    parts = split(whole.ravel(), {"task": task.ravel(), "seed": seed.ravel()})
    return Spread(
        tasks=tasks,
        seeds=seeds,
        task=float(np.sqrt(parts.parts["task"].component)),
        seed=float(np.sqrt(parts.parts["seed"].component)),
        noise=float(np.sqrt(parts.rest_component)),
    )


def _of_runs(found: Transfer, tasks: Sequence[str], column: Column) -> Array:
    """Tasks x seeds: the scores that count of one target, NaN where a language is missing."""
    shown = points(found, column, found.scores)
    whole = np.where(shown.parts == shown.of_parts, shown.values, np.nan)
    return np.asarray(whole[[found.chains.index(name) for name in tasks]])


def _split(part: pl.DataFrame) -> Split:
    codes = {name: part[name].rank("dense").fill_null(0).to_numpy().astype(np.int64) for name in _varying(part)}
    return split(part["value"].to_numpy(), codes)


def _varying(part: pl.DataFrame) -> list[str]:
    return [name for name in FACTORS if part[name].n_unique() > 1]


def importances(part: pl.DataFrame) -> dict[str, float]:
    """Optuna's importances (PED-ANOVA, Watanabe et al. 2023) of the factors that vary; together they are 1.

    They ask which factor decides whether a score is among the best tenth, not how much it moves scores. `part` has
    FACTORS and `value`; every row stands for a trial of a study in memory. Empty where the best tenth is no part of
    the scores: they are few, or equal.
    """
    import optuna  # half a second, which the other scripts need not wait for

    names = _varying(part)
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
