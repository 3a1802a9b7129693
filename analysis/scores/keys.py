"""Several columns as one whole number per row: by it millions of rows are counted, compared and grouped."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

MAX_KEY = 2**62  # how many combinations a whole number can tell apart
MAX_RANGE = 2**31  # whole numbers that lie farther apart are numbered instead of counted from the lowest
MAX_MARK_BYTES = 2**28  # bytes to mark keys in: beyond that a hash table is smaller

IntArray = npt.NDArray[np.int64]


def pack_columns(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """One number from 0 per row, the same for rows that have equal values in all `columns`; null is a value too."""
    frame, key, span = frame.select(columns), pl.lit(0, pl.Int64), 1
    for name in columns:
        frame, place, size = _encode_column(frame, name)
        if span * size > MAX_KEY:
            frame = frame.with_columns(packed=_number_values(frame.lazy().select(key).collect().to_series()))
            key, span = pl.col("packed"), frame.height
        key, span = key * size + place, span * size
    # One pass, a piece of the rows at a time: a step for all rows after the other would fetch them from memory anew.
    return frame.lazy().with_columns(key=key).select("key").collect(engine="streaming").to_series()


def compact_keys(keys: pl.Series) -> IntArray:
    """Keys from `packed` that are less than the number of rows, so that a table can have a place for each."""
    numbers: IntArray = keys.to_numpy()
    return numbers if numbers.max(initial=-1) < len(numbers) else np.unique(numbers, return_inverse=True)[1]


def find_first_rows(keys: IntArray) -> IntArray:
    """The first row of each of the `small` keys, in the order of the keys."""
    first: IntArray = np.full(keys.max(initial=-1) + 1, -1)
    first[keys[::-1]] = np.arange(len(keys))[::-1]  # of several rows at one place the last to be written stays
    return first[first >= 0]


def has_duplicate_keys(keys: pl.Series) -> bool:
    """Whether two rows have the same key from `packed`."""
    numbers: IntArray = keys.to_numpy()
    span = int(numbers.max(initial=-1)) + 1
    if span > MAX_MARK_BYTES:
        return keys.n_unique() < len(keys)
    marked = np.zeros(span, np.bool_)
    marked[numbers] = True
    return int(np.count_nonzero(marked)) < len(keys)


def map_distinct_rows(frame: pl.DataFrame, number: Callable[..., int]) -> IntArray:
    """The `number` of each row's values; it is called once for all rows that have the same."""
    keys = compact_keys(pack_columns(frame, frame.columns))
    first = find_first_rows(keys)
    table: IntArray = np.zeros(keys.max(initial=-1) + 1, np.int64)
    table[keys[first]] = [number(*values) for values in frame[first].iter_rows()]
    return table[keys]


def locate_on_axis(column: pl.Series, axis: Sequence[str | int]) -> IntArray:
    """Where on the axis each value stands, -1 where it does not."""
    place = {name: i for i, name in enumerate(axis)}
    return map_distinct_rows(column.to_frame(), lambda value: place.get(value, -1))


def _encode_column(frame: pl.DataFrame, name: str) -> tuple[pl.DataFrame, pl.Expr, int]:
    """The place of each value of a column, null first, and how many there may be; `frame` with what that takes."""
    column = frame[name]
    place, numbers = pl.col(name), column
    if isinstance(column.dtype, pl.Categorical):
        place, numbers = place.to_physical(), column.to_physical()
    elif column.dtype == pl.Boolean():
        numbers = column.cast(pl.Int8)
    low, high = numbers.min(), numbers.max()
    if low is None or high is None:  # all null
        return frame, pl.lit(0, pl.Int64), 1
    if not (numbers.dtype.is_integer() and isinstance(low, int) and isinstance(high, int) and high - low < MAX_RANGE):
        numbers = _number_values(column)
        frame, low, high = frame.with_columns(numbers), 0, numbers.n_unique()
    zero = low - 1 if column.null_count() else low
    return frame, (place.cast(pl.Int64) - zero).fill_null(0), high - zero + 1


def _number_values(column: pl.Series) -> pl.Series:
    """The place of each value among those of a column, in their order."""
    place = column.drop_nulls().unique().sort().search_sorted(column).cast(pl.Int64)
    return pl.select(pl.when(column.is_not_null()).then(place).alias(column.name)).to_series()
