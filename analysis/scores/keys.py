"""Several columns packed into one whole number per row, by which millions of rows are counted and compared fast."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from analysis.statistics.moments import IntArray

MAX_KEY = 2**62  # most combinations that one whole number can tell apart
MAX_RANGE = 2**31  # whole numbers with a wider range are numbered instead of counted from the lowest
MAX_MARK_BYTES = 2**28  # most bytes to mark keys in: beyond that a hash table is smaller


def pack_columns(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Return one number from 0 per row, equal for rows with equal values in all `columns`; null is a value too."""
    frame, key, span = frame.select(columns), pl.lit(0, pl.Int64), 1
    for name in columns:
        frame, code, size = _encode_column(frame, name)
        if span * size > MAX_KEY:
            frame = frame.with_columns(packed=_number_values(frame.lazy().select(key).collect().to_series()))
            key, span = pl.col("packed"), frame.height
        key, span = key * size + code, span * size
    # One streaming pass computes all columns for a chunk of rows, so that each row is fetched from memory once.
    return frame.lazy().with_columns(key=key).select("key").collect(engine="streaming").to_series()


def compact_keys(keys: pl.Series) -> IntArray:
    """Return keys from `pack_columns` as numbers below the number of rows, so that a table can be indexed by them."""
    numbers: IntArray = keys.to_numpy()
    return numbers if numbers.max(initial=-1) < len(numbers) else np.unique(numbers, return_inverse=True)[1]


def find_first_rows(keys: IntArray) -> IntArray:
    """Return the first row of each key from `compact_keys`, in the order of the keys."""
    first: IntArray = np.full(keys.max(initial=-1) + 1, -1)
    first[keys[::-1]] = np.arange(len(keys))[::-1]  # of several rows with one key the last written stays
    return first[first >= 0]


def has_duplicate_keys(keys: pl.Series) -> bool:
    """Return True if two rows have the same key from `pack_columns`."""
    numbers: IntArray = keys.to_numpy()
    span = int(numbers.max(initial=-1)) + 1
    if span > MAX_MARK_BYTES:
        return keys.n_unique() < len(keys)
    marked = np.zeros(span, np.bool_)
    marked[numbers] = True
    return int(np.count_nonzero(marked)) < len(keys)


def map_distinct_rows(frame: pl.DataFrame, function: Callable[..., int]) -> IntArray:
    """Return the number that `function` gives for each row's values; it is called once for all equal rows."""
    keys = compact_keys(pack_columns(frame, frame.columns))
    first = find_first_rows(keys)
    table: IntArray = np.zeros(keys.max(initial=-1) + 1, np.int64)
    table[keys[first]] = [function(*values) for values in frame[first].iter_rows()]
    return table[keys]


def locate_on_axis(column: pl.Series, axis: Sequence[str | int]) -> IntArray:
    """Return the index of each value on the axis, -1 for a value that is not on it."""
    positions = {name: i for i, name in enumerate(axis)}
    return map_distinct_rows(column.to_frame(), lambda value: positions.get(value, -1))


def _encode_column(frame: pl.DataFrame, name: str) -> tuple[pl.DataFrame, pl.Expr, int]:
    """Return `frame`, an expression for a column's codes, and how many codes there may be.

    A code is the rank of a value, null first. `frame` has the column renumbered where its codes need that.
    """
    column = frame[name]
    code, numbers = pl.col(name), column
    if isinstance(column.dtype, pl.Categorical):
        code, numbers = code.to_physical(), column.to_physical()
    elif column.dtype == pl.Boolean():
        numbers = column.cast(pl.Int8)
    low, high = numbers.min(), numbers.max()
    if low is None or high is None:  # all null
        return frame, pl.lit(0, pl.Int64), 1
    if not (numbers.dtype.is_integer() and isinstance(low, int) and isinstance(high, int) and high - low < MAX_RANGE):
        numbers = _number_values(column)
        frame, low, high = frame.with_columns(numbers), 0, numbers.n_unique()
    zero = low - 1 if column.null_count() else low
    return frame, (code.cast(pl.Int64) - zero).fill_null(0), high - zero + 1


def _number_values(column: pl.Series) -> pl.Series:
    """Return the rank of each value among the distinct values of a column, from 0."""
    rank = column.drop_nulls().unique().sort().search_sorted(column).cast(pl.Int64)
    return pl.select(pl.when(column.is_not_null()).then(rank).alias(column.name)).to_series()
