"""One long frame of score rows, whoever wrote them: the columns of `spaces.columns`, checked and typed.

What a foreign file leaves out gets the reading that assumes least: no status means the run finished, no split means
test. Everything else that is absent stays null.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import polars as pl
from polars.exceptions import PolarsError

from spaces.columns import COLUMNS, REQUIRED_COLUMNS, VERSION, Status
from spaces.errors import UsageError, first_line_of

Scale = Literal["auto", "share", "points"]

POLARS_TYPES = {"string": pl.String(), "int64": pl.Int64(), "double": pl.Float64(), "bool": pl.Boolean()}
SCHEMA: dict[str, pl.DataType] = {column.name: POLARS_TYPES[column.type] for column in COLUMNS}

MAX_SHARE = 1 + 1e-6  # what rounding may make of the largest share

CELL_COLUMNS = ("intermediate", "target", "seed")  # one number of the matrix, for one seed
ARM_COLUMNS = (*CELL_COLUMNS, "learning_rate")  # one training run of a cell
NON_NULL_COLUMNS = ("intermediate", "seed", "language", "metric")  # target is null in rows of an intermediate stage
SPLITS = ("dev", "test")

# All that scores and chooses. Each column's text has numbers of its own, so that they are small.
SCORED_COLUMNS = (
    *ARM_COLUMNS,
    "split",
    "language",
    "metric",
    "tenth",
    "stage",
    "parent",
    "status",
    "reason",
    "official",
    "value",
)
CATEGORY_TYPES = {
    name: pl.Categorical(pl.Categories(name, "scores")) for name in SCORED_COLUMNS if SCHEMA[name] == pl.String()
}


class NewerVersionError(UsageError):
    """Rows that a newer version of this program wrote."""


def require_columns(names: Sequence[str], where: str) -> None:
    """Raise UsageError if a minimal column is not among the `names` of a file's columns."""
    absent = [name for name in REQUIRED_COLUMNS if name not in names]
    if absent:
        raise UsageError(
            f"{where}: no column {', '.join(absent)}. A file to rank has {', '.join(REQUIRED_COLUMNS)}; "
            f"this one has {', '.join(names) or 'none'}."
        )


def scan_rows(file: Path, name: str) -> pl.LazyFrame:
    """The tidy rows of a Parquet file, of which nothing is read yet; `name` is how errors call it.

    Raises:
        UsageError: it is no Parquet file, or one that `tidy` refuses.
    """
    try:
        return tidy(pl.scan_parquet(file, glob=False), name)
    except (PolarsError, OSError) as error:
        raise UsageError(f"{name} cannot be read as Parquet: {first_line_of(error).rstrip('.')}.") from error


def collect_rows(rows: pl.LazyFrame, name: str) -> pl.DataFrame:
    """What `rows` say, now; raises UsageError for a damaged file, which errors call `name`."""
    try:
        return rows.collect(engine="streaming")
    except (PolarsError, OSError) as error:
        raise UsageError(f"{name} cannot be read as Parquet: {first_line_of(error).rstrip('.')}.") from error


def tidy(scan: pl.LazyFrame, where: str) -> pl.LazyFrame:
    """`scan` with exactly the columns of SCHEMA, in which values that are no number are null. Nothing is read yet.

    Raises:
        UsageError: a minimal column is absent or a column has the wrong type.
    """
    found = scan.collect_schema()
    require_columns(found.names(), where)
    return scan.select(_cast_column(found, name, dtype, where) for name, dtype in SCHEMA.items()).with_columns(
        pl.col("status").fill_null("finished"),
        pl.col("split").fill_null("test"),
        pl.when(pl.col("value").is_finite()).then("value"),
    )


def check_rows(frame: pl.DataFrame, newest: object, where: str) -> None:
    """Raise UsageError if a key is null, a word is unknown, or a newer version than this wrote the `newest` row."""
    for name in NON_NULL_COLUMNS:
        # A run that failed early may leave a row that says so and nothing else.
        finished = frame.filter(pl.col("status") == "finished") if frame[name].null_count() else frame
        if empty := finished[name].null_count():
            raise UsageError(f"{where}: column {name} is empty in {empty} rows: every score needs one.")
    if isinstance(newest, int) and newest > VERSION:
        raise NewerVersionError(
            f"{where}: rows of version {newest}, this program reads up to {VERSION}: use a newer one."
        )
    for name, known in (("status", get_args(Status)), ("split", SPLITS)):
        strange = sorted(set(frame[name].unique()) - set(known))
        if strange:
            raise UsageError(f"{where}: column {name} holds {strange[0]!r}; it can hold {', '.join(known)}.")


def _cast_column(schema: pl.Schema, name: str, dtype: pl.DataType, where: str) -> pl.Expr:
    if name not in schema:
        return pl.lit(None, dtype).alias(name)
    found = schema[name]
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


def is_in_points(value: pl.Series, scale: Scale, where: str) -> bool:
    """Whether values are points from 0 to 100 rather than shares from 0 to 1.

    Raises:
        UsageError: `scale` says share and a value is above 1, or a value is above 100.
    """
    largest = value.max()
    top = float(largest) if isinstance(largest, (int, float)) else 0.0
    if scale == "share" and top > MAX_SHARE:
        raise UsageError(f"{where}: a share is at most 1, found {top:g}: use --scale points.")
    if top > 100:
        raise UsageError(f"{where}: scores are shares (to 1) or points (to 100), found {top:g}.")
    return not (scale == "share" or (scale == "auto" and top <= MAX_SHARE))


def decode_categories(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with text where it has categories."""
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String))
