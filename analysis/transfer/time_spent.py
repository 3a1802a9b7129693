"""What the time of stages was spent on, by kind of stage, as the stages recorded it."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from analysis.scores.scores import Scores
from spaces.activities import ACTIVITIES, column_of

_COLUMNS = {activity: column_of(activity) for activity in ACTIVITIES}


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """Stages of one kind: their number, seconds by activity, and bytes of checkpoints."""

    stages: int
    seconds: Mapping[str, float]
    checkpoint_bytes: int

    @property
    def total(self) -> float:
        """Seconds of all activities."""
        return sum(self.seconds.values())


def sum_time_spent(scores: Scores) -> dict[str, TimeSpent]:
    """Return what stages of each kind spent; without the kinds whose stages recorded nothing."""
    table = (
        scores.rows.select("stage", "kind", "checkpoint_bytes", *_COLUMNS.values())
        .drop_nulls()
        .unique("stage")
        .group_by("kind")
        .agg(pl.len().alias("stages"), pl.sum("checkpoint_bytes", *_COLUMNS.values()))
        .sort("kind")
        .collect()
    )
    return {
        row["kind"]: TimeSpent(
            row["stages"], {activity: row[name] for activity, name in _COLUMNS.items()}, row["checkpoint_bytes"]
        )
        for row in table.iter_rows(named=True)
    }
