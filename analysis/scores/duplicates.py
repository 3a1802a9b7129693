"""Rows that give the same score twice: equal ones count once, conflicting ones are refused."""

import polars as pl

from analysis.scores.keys import pack_columns
from analysis.scores.tidy import ARM_COLUMNS
from spaces.errors import UsageError

SCORE_COLUMNS = (*ARM_COLUMNS, "split", "language", "metric", "tenth")  # one score of a run

# On dev a run has a score per tenth; on test it has one, from whichever tenth.
DEV_TENTH = pl.when(pl.col("split") == "dev").then("tenth").alias("tenth")


def pack_score_keys(frame: pl.DataFrame) -> pl.Series:
    """Return one number per score, for rows in the columns of `Scores.target_rows`."""
    columns = ("run", *SCORE_COLUMNS[len(ARM_COLUMNS) :])  # `run` stands for ARM_COLUMNS
    return pack_columns(frame.with_columns(DEV_TENTH), columns)


def drop_duplicate_scores(frame: pl.DataFrame) -> pl.DataFrame:
    """Return target rows with every score once; raise UsageError if two rows give one score different values."""
    keys = pack_score_keys(frame)
    duplicates = frame.filter(keys.is_duplicated()).with_columns(DEV_TENTH)
    groups = duplicates.group_by(SCORE_COLUMNS).agg(values=pl.col("value").unique())
    conflicts = groups.filter(pl.col("values").list.len() > 1).sort(SCORE_COLUMNS)
    if conflicts.height:
        row = conflicts.row(0, named=True)
        values = sorted(row["values"], key=lambda value: (value is None, value or 0.0))
        text = " and ".join("null" if value is None else f"{value:g}" for value in values)
        raise UsageError(
            f"{describe_score(row)} has the values {text}"
            f"{f' ({conflicts.height} such scores)' if conflicts.height > 1 else ''}: rank one experiment at a time."
        )
    return frame.filter(keys.is_first_distinct())


def refuse_conflicting_runs(frame: pl.DataFrame) -> None:
    """Raise UsageError if a run has different statuses."""
    if frame["status"].n_unique() < 2:
        return
    status = pl.col("status").to_physical()
    runs = frame.lazy().group_by("run").agg(conflict=status.min() != status.max()).collect(engine="streaming")
    conflicts = runs.filter("conflict")["run"]
    if len(conflicts):
        rows = frame.filter(pl.col("run").is_in(conflicts.implode()))
        statuses = rows.group_by(ARM_COLUMNS).agg(statuses=pl.col("status").unique().sort()).sort(ARM_COLUMNS)
        row = statuses.row(0, named=True)
        raise UsageError(
            f"{_describe_run(row)}: has the statuses {' and '.join(row['statuses'])}, a run has one: "
            "rank one experiment at a time."
        )


def describe_score(row: dict[str, object]) -> str:
    """Return the run, metric, language and split of a row in words."""
    return f"{_describe_run(row)}: {row['metric']} in {row['language']} ({row['split']})"


def _describe_run(row: dict[str, object]) -> str:
    rate = "" if row["learning_rate"] is None else f", learning rate {row['learning_rate']:g}"
    return f"{row['intermediate']} -> {row['target']}, seed {row['seed']}{rate}"
