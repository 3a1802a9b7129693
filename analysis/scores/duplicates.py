"""Rows that say the same score twice: equal ones count once, others are refused."""

import polars as pl

from analysis.scores.keys import pack_columns
from analysis.scores.tidy import ARM_COLUMNS
from spaces.errors import UsageError

SCORE_COLUMNS = (*ARM_COLUMNS, "split", "language", "metric", "tenth")  # one score of a run

# On dev a run has a score per tenth; on test it has one, whichever tenth's weights were scored.
DEV_TENTH = pl.when(pl.col("split") == "dev").then("tenth").alias("tenth")


def pack_score_keys(frame: pl.DataFrame) -> pl.Series:
    """One number per score, for rows of `Scores.scored`."""
    # The key of a run stands for the columns of ARM.
    return pack_columns(
        frame.select("run", "split", "language", "metric", DEV_TENTH), ["run", *SCORE_COLUMNS[len(ARM_COLUMNS) :]]
    )


def drop_duplicate_scores(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame`, rows of `Scores.scored`, in which every score stands once.

    Raises:
        UsageError: two rows give one score different values.
    """
    keys = pack_score_keys(frame)
    twice = frame.filter(keys.is_duplicated()).with_columns(DEV_TENTH)
    groups = twice.group_by(SCORE_COLUMNS).agg(values=pl.col("value").unique())
    torn = groups.filter(pl.col("values").list.len() > 1).sort(SCORE_COLUMNS)
    if torn.height:
        row = torn.row(0, named=True)
        values = " and ".join(f"{value:g}" if value is not None else "null" for value in _sort_values(row["values"]))
        raise UsageError(
            f"{_describe_run(row)}: {row['metric']} in {row['language']} ({row['split']}) stands there as {values}"
            f"{f' ({torn.height} such scores)' if torn.height > 1 else ''}: rank one experiment at a time."
        )
    return frame.filter(keys.is_first_distinct())


def refuse_conflicting_runs(frame: pl.DataFrame) -> None:
    """Raise UsageError if one run has different statuses."""
    if frame["status"].n_unique() < 2:
        return
    status = pl.col("status").to_physical()
    runs = frame.lazy().group_by("run").agg(torn=status.min() != status.max()).collect(engine="streaming")
    torn = runs.filter("torn")["run"]
    if len(torn):
        rows = frame.filter(pl.col("run").is_in(torn.implode()))
        row = (
            rows.group_by(ARM_COLUMNS)
            .agg(statuses=pl.col("status").unique().sort())
            .sort(ARM_COLUMNS)
            .row(0, named=True)
        )
        raise UsageError(f"{_describe_run(row)}: is both {' and '.join(row['statuses'])}: a run has one status.")


def _sort_values(values: list[float | None]) -> list[float | None]:
    return sorted(values, key=lambda value: (value is None, value or 0.0))


def _describe_run(row: dict[str, object]) -> str:
    rate = "" if row["learning_rate"] is None else f", learning rate {row['learning_rate']:g}"
    return f"{row['intermediate']} -> {row['target']}, seed {row['seed']}{rate}"
