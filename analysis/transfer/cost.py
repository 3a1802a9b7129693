"""What each intermediate task costs: hours of training and evaluation, as the stages measured them."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from analysis.transfer.array import Transfer

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Hours that one intermediate task took, on whatever device ran it; the mean over seeds.

    `run` is the winning run alone, what a user would pay who knew the learning rate; `search` is all learning rates,
    stopped ones too. Pretraining and targets are not in it: every chain has these.
    """

    run: float
    search: float


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of time, and how many of it are an hour."""

    name: str  # as a word of a sentence
    short: str
    per_hour: int


UNITS = (Unit("hours", "h", 1), Unit("minutes", "min", 60), Unit("seconds", "s", 3600))


def unit(paid: Mapping[str, Cost]) -> Unit:
    """The largest unit in which the dearest run takes at least one."""
    dearest = max((cost.run for cost in paid.values()), default=0.0)
    return next((each for each in UNITS if dearest * each.per_hour >= 1), UNITS[-1])


def costs(found: Transfer) -> Mapping[str, Cost]:
    """The costs of the intermediate tasks whose stages say how long they took."""
    stages = (
        found.read.upstream.lazy()
        .filter(pl.col("stage").is_not_null())
        .group_by("stage", "intermediate", "seed")
        .agg(pl.col("seconds").max())
        .drop_nulls()
    )
    parents = found.read.scored.lazy().select(stage=pl.col("parent").unique().cast(pl.String))
    spent = stages.group_by("intermediate", "seed").agg(search=pl.col("seconds").sum())
    # Where several rates have children, e.g. after a sweep was extended, any of them would have done.
    won = (
        stages.join(parents, on="stage", how="semi").group_by("intermediate", "seed").agg(run=pl.col("seconds").mean())
    )
    table = (
        spent.join(won, on=["intermediate", "seed"])
        .group_by("intermediate")
        .agg(pl.col("run", "search").mean() / HOUR)
        .collect()
    )
    return {name: Cost(run, search) for name, run, search in table.select("intermediate", "run", "search").iter_rows()}
