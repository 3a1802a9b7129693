"""Score rows from any writer as one long frame: the columns of `spaces.columns`, checked and typed.

A column that a foreign file lacks gets the value that assumes least: without a status the run finished, without a split
it is the test split. Everything else that is absent stays null.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import get_args

import polars as pl
from polars.exceptions import PolarsError

from spaces.chain import NONE
from spaces.columns import COLUMNS, REQUIRED_COLUMNS, VERSION, Column, Status
from spaces.errors import UsageError, first_line_of

POLARS_TYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "int64": pl.Int64(),
    "double": pl.Float64(),
    "bool": pl.Boolean(),
    "list<string>": pl.List(pl.String()),
    "list<double>": pl.List(pl.Float64()),
}


def build_schema(columns: Iterable[Column]) -> dict[str, pl.DataType]:
    """Return the Polars types of columns by name."""
    return {column.name: POLARS_TYPES[column.type] for column in columns}


SCHEMA = build_schema(COLUMNS)

NO_PARTITIONS: Mapping[str, pl.Series] = {}

CELL_COLUMNS = ("intermediate", "target", "seed")  # one number of the matrix, for one seed
ARM_COLUMNS = (*CELL_COLUMNS, "learning_rate")  # one training run of a cell
NON_NULL_COLUMNS = ("intermediate", "seed", "language", "metric")  # target is null in rows of an intermediate stage
SPLITS = ("dev", "test")

# All columns that make scores and choose runs.
SCORED_COLUMNS = (*ARM_COLUMNS, *"split language metric tenth stage parent status reason official value".split())
CATEGORY_TYPES = {  # each column's text has categories of its own, so that their numbers are small
    name: pl.Categorical(pl.Categories(name, "scores")) for name in SCORED_COLUMNS if SCHEMA[name] == pl.String()
}


class NewerVersionError(UsageError):
    """Rows that a newer version of this program wrote."""


def scan_rows(file: Path, source: str, partitions: Mapping[str, pl.Series] = NO_PARTITIONS) -> pl.LazyFrame:
    """Return the tidy rows of a file, unread; raise UsageError, naming `source`, if it is no Parquet or refused."""
    try:
        return tidy(pl.scan_parquet(file, glob=False, hive_partitioning=False), source, partitions)
    except (PolarsError, OSError) as error:
        raise UsageError(_describe_damage(source, error)) from error


def _describe_damage(source: str, error: Exception) -> str:
    return f"{source} cannot be read as Parquet: {first_line_of(error).rstrip('.')}. If it is not whole, get it again."


def collect_rows(rows: pl.LazyFrame, source: str) -> pl.DataFrame:
    """Read `rows`; raise UsageError for a damaged file, which errors call `source`."""
    try:
        return rows.collect(engine="streaming")
    except (PolarsError, OSError) as error:
        raise UsageError(_describe_damage(source, error)) from error


def tidy(scan: pl.LazyFrame, source: str, partitions: Mapping[str, pl.Series] = NO_PARTITIONS) -> pl.LazyFrame:
    """Return `scan`, unread, in the columns of SCHEMA, non-finite as null; raise UsageError for wrong columns.

    `partitions` holds the values of columns that the folders of a file give; a file that has them too must agree.
    """
    own = scan.collect_schema()
    scan = scan.with_columns(
        pl.lit(value.item(), value.dtype).alias(name) for name, value in partitions.items() if name not in own
    )
    schema = scan.collect_schema()
    absent = [name for name in REQUIRED_COLUMNS if name not in schema]
    if absent:
        raise UsageError(
            f"{source}: no column {', '.join(absent)}. A score file needs {', '.join(REQUIRED_COLUMNS)}; "
            f"this one has {', '.join(schema) or 'none'}."
        )
    _refuse_fractions(scan, source)
    typed = scan.select(_cast_column(schema, name, dtype, source) for name, dtype in SCHEMA.items())
    for name in partitions.keys() & own.keys():
        value = partitions[name].cast(SCHEMA[name]).item()
        if typed.select(pl.col(name).ne_missing(pl.lit(value, SCHEMA[name])).any()).collect().item():
            raise UsageError(f"{source}: column {name} has other values than its folder, {name}={value}.")
    return typed.with_columns(
        pl.col("status").fill_null("finished"),
        pl.col("split").fill_null("test"),
        pl.when(pl.col("value").is_finite()).then("value"),
    )


def check_rows(frame: pl.DataFrame, newest_version: object, source: str) -> None:
    """Raise UsageError if a key is null, a status or split is unknown, or `newest_version` is above this program's."""
    for name in NON_NULL_COLUMNS:
        # A run that failed early may leave a row that only says so.
        finished = frame.filter(pl.col("status") == "finished") if frame[name].null_count() else frame
        if empty := finished[name].null_count():
            hint = f" Name the baseline `{NONE}`." if name == "intermediate" else ""
            raise UsageError(f"{source}: column {name} is empty in {empty} rows. Every score needs one.{hint}")
    if isinstance(newest_version, int) and newest_version > VERSION:
        raise NewerVersionError(
            f"{source}: rows of version {newest_version}, this program reads up to {VERSION}: use a newer one."
        )
    for name, allowed in (("status", get_args(Status)), ("split", SPLITS)):
        unknown = sorted(set(frame[name].unique()) - set(allowed))
        if unknown:
            raise UsageError(f"{source}: column {name} has {unknown[0]!r}. Allowed are {', '.join(allowed)}.")


def _cast_column(schema: pl.Schema, name: str, dtype: pl.DataType, source: str) -> pl.Expr:
    if name not in schema:
        return pl.lit(None, dtype).alias(name)
    actual = schema[name]
    word, fits = {
        pl.String(): ("text", isinstance(actual, (pl.String, pl.Categorical, pl.Enum))),
        pl.Int64(): ("whole numbers", actual.is_numeric()),
        pl.Float64(): ("numbers", actual.is_numeric()),
        pl.Boolean(): ("booleans", actual == pl.Boolean()),
    }[dtype]
    if not (fits or actual == pl.Null()):
        raise UsageError(f"{source}: column {name} must hold {word}, it holds {actual}.")
    column = pl.col(name)
    if dtype == pl.Int64() and actual.is_float():
        column = pl.when(column.is_finite()).then(column)
    return column.cast(dtype)


def _refuse_fractions(scan: pl.LazyFrame, source: str) -> None:
    """Raise UsageError for a column of whole numbers, such as seeds, that has a fraction. Whole floats are fine."""
    types = scan.collect_schema()
    names = [
        name
        for name, dtype in SCHEMA.items()
        if dtype == pl.Int64() and name in types and types[name].is_numeric() and not types[name].is_integer()
    ]
    numbers = {name: pl.col(name).cast(pl.Float64) for name in names}
    fractions = [number.filter(number.is_finite() & (number % 1 > 0)).first() for number in numbers.values()]
    for name, fraction in scan.select(fractions).collect().to_dicts()[0].items() if names else ():
        if fraction is not None:
            raise UsageError(f"{source}: column {name} must hold whole numbers, it holds {fraction:g}.")


def decode_categories(frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` with text instead of categories."""
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String))
