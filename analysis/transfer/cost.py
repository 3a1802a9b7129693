"""The cost of each intermediate task: hours of training and evaluation, as its stages measured them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from analysis.transfer.array import Transfer
from spaces.chain import phase_of

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class TaskCost:
    """Hours that one intermediate task took, on whatever device ran it; the mean over seeds.

    `run` is the winning run alone, the price for a user who knows the learning rate. `search` is all learning rates,
    stopped ones included. Pretraining and targets are excluded: every chain has these.
    """

    run: float
    search: float


@dataclass(frozen=True, slots=True)
class TimeUnit:
    """A unit of time, and how many of it make an hour."""

    name: str  # for sentences
    short: str
    per_hour: int


TIME_UNITS = (TimeUnit("hours", "h", 1), TimeUnit("minutes", "min", 60), TimeUnit("seconds", "s", 3600))


def choose_unit(costs: Mapping[str, TaskCost]) -> TimeUnit:
    """Return the largest unit in which the most expensive run takes at least one."""
    longest = max((cost.run for cost in costs.values()), default=0.0)
    return next((unit for unit in TIME_UNITS if longest * unit.per_hour >= 1), TIME_UNITS[-1])


def list_devices(transfer: Transfer) -> list[str]:
    """Return the devices that the intermediate stages ran on, sorted; those that recorded none are left out."""
    devices = transfer.loaded_scores.intermediate_rows["device"].unique().drop_nulls()
    return sorted(devices.cast(pl.String))


def describe_devices(devices: Sequence[str]) -> str | None:
    """Return a warning where costs come from unlike devices; None where they do not."""
    if len(devices) < 2:
        return None
    return f"The runs were on unlike devices ({', '.join(devices)}): their costs do not compare."


def compute_costs(transfer: Transfer) -> Mapping[str, TaskCost]:
    """Return the costs of the chains whose intermediate stages recorded their time; chains of one phase share it."""
    scores = transfer.loaded_scores
    parents = scores.target_rows["parent"].unique().cast(pl.String).implode()
    table = (
        scores.intermediate_rows.lazy()
        .filter(pl.col("stage").is_not_null())
        .group_by("intermediate", "seed", "stage")
        .agg(pl.col("seconds").max())
        .drop_nulls()
        .sort("intermediate", "seed", "stage")  # a sum must not depend on the order of the rows
        .group_by("intermediate", "seed", maintain_order=True)
        # Where several rates have children, e.g. after a sweep was extended, take their mean.
        .agg(run=pl.col("seconds").filter(pl.col("stage").is_in(parents)).mean(), search=pl.col("seconds").sum())
        .drop_nulls()
        .group_by("intermediate", maintain_order=True)
        .agg(pl.col("run", "search").mean() / SECONDS_PER_HOUR)
    )
    costs = {name: TaskCost(run, search) for name, run, search in table.collect().iter_rows()}
    return {name: costs[phase_of(name)] for name in sorted(transfer.intermediates) if phase_of(name) in costs}
