"""One long frame of score rows, whoever wrote them: the columns of `spaces.columns`, checked and typed.

What a foreign file leaves out gets the reading that assumes least: no status means the run finished, no split means
test. Everything else that is absent stays null.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import polars as pl

from spaces.columns import COLUMNS, MINIMAL, VERSION, Status
from spaces.errors import UsageError

Scale = Literal["auto", "share", "points"]

TYPES = {"string": pl.String(), "int64": pl.Int64(), "double": pl.Float64(), "bool": pl.Boolean()}
SCHEMA: dict[str, pl.DataType] = {column.name: TYPES[column.type] for column in COLUMNS}

ONE = 1 + 1e-6  # what rounding may make of the largest share

CELL = ("intermediate", "target", "seed")  # one number of the matrix, for one seed
ARM = (*CELL, "learning_rate")  # one training run of a cell
FILLED = ("intermediate", "seed", "language", "metric")  # target is null in rows of an intermediate stage
SPLITS = ("dev", "test")


class NewerError(UsageError):
    """Rows that a newer version of this program wrote."""


def require(names: Sequence[str], where: str) -> None:
    """Raise UsageError if a minimal column is not among the `names` of a file's columns."""
    absent = [name for name in MINIMAL if name not in names]
    if absent:
        raise UsageError(
            f"{where}: no column {', '.join(absent)}. A file to rank has {', '.join(MINIMAL)}; "
            f"this one has {', '.join(names) or 'none'}."
        )


def tidy(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """`frame` with exactly the columns of SCHEMA, in which values that are no number are null.

    Raises:
        UsageError: a minimal column is absent, a column has the wrong type, a key is null, or a word is unknown.
    """
    require(frame.columns, where)
    columns = [_typed(frame, name, dtype, where) for name, dtype in SCHEMA.items()]
    frame = frame.select(columns).with_columns(
        pl.col("status").fill_null("finished"),
        pl.col("split").fill_null("test"),
        pl.when(pl.col("value").is_finite()).then("value"),
    )
    for name in FILLED:
        # A run that failed early may leave a row that says so and nothing else.
        if empty := frame.filter(pl.col("status") == "finished")[name].null_count():
            raise UsageError(f"{where}: column {name} is empty in {empty} rows: every score needs one.")
    newest = frame["version"].max()
    if isinstance(newest, int) and newest > VERSION:
        raise NewerError(f"{where}: rows of version {newest}, this program reads up to {VERSION}: use a newer one.")
    for name, known in (("status", get_args(Status)), ("split", SPLITS)):
        strange = sorted(set(frame[name].unique()) - set(known))
        if strange:
            raise UsageError(f"{where}: column {name} holds {strange[0]!r}; it can hold {', '.join(known)}.")
    return frame


def _typed(frame: pl.DataFrame, name: str, dtype: pl.DataType, where: str) -> pl.Expr:
    if name not in frame.columns:
        return pl.lit(None, dtype).alias(name)
    found = frame.schema[name]
    fits = {
        pl.String(): isinstance(found, (pl.String, pl.Categorical, pl.Enum)),
        pl.Int64(): found.is_integer(),
        pl.Float64(): found.is_numeric(),
        pl.Boolean(): found == pl.Boolean(),
    }
    if not (fits[dtype] or found == pl.Null()):
        words = {pl.String(): "text", pl.Int64(): "whole numbers", pl.Float64(): "numbers", pl.Boolean(): "booleans"}
        raise UsageError(f"{where}: column {name} must hold {words[dtype]}, it holds {found}.")
    return pl.col(name).cast(dtype)


def to_shares(frame: pl.DataFrame, scale: Scale, where: str) -> tuple[pl.DataFrame, bool]:
    """`frame` with values as shares from 0 to 1, and whether they were points from 0 to 100.

    Raises:
        UsageError: `scale` says share and a value is above 1, or a value is above 100.
    """
    largest = frame["value"].max()
    top = float(largest) if isinstance(largest, (int, float)) else 0.0
    if scale == "share" and top > ONE:
        raise UsageError(f"{where}: a share is at most 1, found {top:g}: use --scale points.")
    if top > 100:
        raise UsageError(f"{where}: scores are shares (to 1) or points (to 100), found {top:g}.")
    if scale == "share" or (scale == "auto" and top <= ONE):
        return frame, False
    return frame.with_columns(pl.col("value") / 100), True


def without_duplicates(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` in which every score stands once; equal copies are merged.

    Raises:
        UsageError: two rows give one score different values, or one run different statuses.
    """
    # On dev a run has a score per tenth; on test it has one, whichever tenth's weights were scored.
    tenth = pl.when(pl.col("split") == "dev").then("tenth")
    score = [*ARM, "split", "language", "metric"]
    runs = frame.with_columns(tenth.alias("tenth"))
    groups = runs.group_by(*score, "tenth").agg(values=pl.col("value").unique())
    torn = groups.filter(pl.col("values").list.len() > 1).sort(*score, "tenth")
    if torn.height:
        row = torn.row(0, named=True)
        values = " and ".join(f"{value:g}" if value is not None else "null" for value in _ordered(row["values"]))
        raise UsageError(
            f"{_run(row)}: {row['metric']} in {row['language']} ({row['split']}) stands there as {values}"
            f"{f' ({torn.height} such scores)' if torn.height > 1 else ''}: rank one experiment at a time."
        )
    torn = runs.group_by(ARM).agg(statuses=pl.col("status").unique().sort()).filter(pl.col("statuses").list.len() > 1)
    if torn.height:
        row = torn.sort(ARM).row(0, named=True)
        raise UsageError(f"{_run(row)}: is both {' and '.join(row['statuses'])}: a run has one status.")
    return runs.unique([*score, "tenth"], keep="first", maintain_order=True).sort(*score, "tenth")


def _ordered(values: list[float | None]) -> list[float | None]:
    return sorted(values, key=lambda value: (value is None, value or 0.0))


def _run(row: dict[str, object]) -> str:
    rate = "" if row["learning_rate"] is None else f", learning rate {row['learning_rate']:g}"
    return f"{row['intermediate']} -> {row['target']}, seed {row['seed']}{rate}"
