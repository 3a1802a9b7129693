"""What each intermediate task costs: hours of training and evaluation, as the stages measured them."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from analysis.transfer.array import Transfer
from spaces.chain import phase_of

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class TaskCost:
    """Hours that one intermediate task took, on whatever device ran it; the mean over seeds.

    `run` is the winning run alone, what a user would pay who knew the learning rate; `search` is all learning rates,
    stopped ones too. Pretraining and targets are not in it: every chain has these.
    """

    run: float
    search: float


@dataclass(frozen=True, slots=True)
class TimeUnit:
    """A unit of time, and how many of it are an hour."""

    name: str  # as a word of a sentence
    short: str
    per_hour: int


TIME_UNITS = (TimeUnit("hours", "h", 1), TimeUnit("minutes", "min", 60), TimeUnit("seconds", "s", 3600))


def choose_unit(paid: Mapping[str, TaskCost]) -> TimeUnit:
    """The largest unit in which the dearest run takes at least one."""
    dearest = max((cost.run for cost in paid.values()), default=0.0)
    return next((each for each in TIME_UNITS if dearest * each.per_hour >= 1), TIME_UNITS[-1])


def compute_costs(found: Transfer) -> Mapping[str, TaskCost]:
    """The costs of the chains whose intermediate stages say how long they took; chains of one phase share its cost."""
    parents = found.loaded_scores.target_rows["parent"].unique().cast(pl.String).implode()
    seeds = (
        found.loaded_scores.intermediate_rows.lazy()
        .filter(pl.col("stage").is_not_null())
        .group_by("intermediate", "seed", "stage")
        .agg(pl.col("seconds").max())
        .drop_nulls()
        .sort("intermediate", "seed", "stage")  # a sum must not depend on the order of the rows
        .group_by("intermediate", "seed", maintain_order=True)
        # Where several rates have children, e.g. after a sweep was extended, any of them would have done.
        .agg(run=pl.col("seconds").filter(pl.col("stage").is_in(parents)).mean(), search=pl.col("seconds").sum())
        .drop_nulls()
    )
    table = (
        seeds.group_by("intermediate", maintain_order=True)
        .agg(pl.col("run", "search").mean() / SECONDS_PER_HOUR)
        .collect()
    )
    paid = {name: TaskCost(run, search) for name, run, search in table.iter_rows()}
    return {name: paid[phase_of(name)] for name in sorted(found.intermediates) if phase_of(name) in paid}
