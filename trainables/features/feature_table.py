"""A table of features: flat arrays instead of one Python object per example, so that processes can share them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from trainables.features.features import Feature, Ids

_UNLIKE_FEATURES = "all features of a table must have types, or none; likewise marks."

Bounds = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FeatureTable(Sequence[Feature]):
    """A sequence of features; `table[i]` is a Feature whose arrays are read-only views.

    Feature i has the rows from `row_bounds[i]` up to `row_bounds[i + 1]` (one per option, or one). Row r is
    `ids[bounds[r]:bounds[r + 1]]`; `types` and `marks`, if any, are cut in the same way. With `per_position`, targets
    are cut like ids; without, `targets[i]` is the target of feature i. The origin of feature i is
    `origin[origin_bounds[i]:origin_bounds[i + 1]]`. Arrays that do not fit together raise ValueError.
    """

    ids: Ids  # (sub-tokens of all rows,)
    bounds: Bounds  # (rows + 1,)
    row_bounds: Bounds  # (features + 1,)
    examples: Ids  # (features,)
    targets: Ids  # (features,), (features, 2) or (sub-tokens of all rows,)
    per_position: bool
    types: Ids | None = None  # (sub-tokens of all rows,)
    marks: Ids | None = None  # (sub-tokens of all rows,)
    origin: Ids  # (parts, ...) of all features
    origin_bounds: Bounds  # (features + 1,)
    left_out: Mapping[str, int] = field(default_factory=dict)  # rows that gave no example, by reason

    def __post_init__(self) -> None:
        for array in self.arrays().values():
            array.flags.writeable = False  # processes share them
        length, count = len(self.ids), len(self.examples)
        is_consistent = (
            self.bounds[0] == self.row_bounds[0] == self.origin_bounds[0] == 0
            and self.bounds[-1] == length
            and self.row_bounds[-1] == len(self.bounds) - 1
            and len(self.row_bounds) == count + 1
            and self.origin_bounds[-1] == len(self.origin)
            and len(self.origin_bounds) == count + 1
            and len(self.targets) == (length if self.per_position else count)
            and all(array is None or len(array) == length for array in (self.types, self.marks))
        )
        if not is_consistent:
            raise ValueError("the arrays of the table do not fit together.")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, without those that the features lack."""
        values = {column.name: getattr(self, column.name) for column in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}

    def equals(self, other: "FeatureTable") -> bool:
        """Return True if both tables have the same features in the same order."""
        mine, theirs = self.arrays(), other.arrays()
        return mine.keys() == theirs.keys() and all(np.array_equal(mine[name], theirs[name]) for name in mine)

    @property
    def lengths(self) -> Bounds:
        """The number of sub-tokens of each feature's longest row: (features,); no feature is built for it."""
        rows = np.diff(self.bounds)
        return np.maximum.reduceat(rows, self.row_bounds[:-1]) if len(self) else rows

    def __len__(self) -> int:
        return len(self.examples)

    @overload
    def __getitem__(self, index: int) -> Feature: ...

    @overload
    def __getitem__(self, index: slice) -> list[Feature]: ...

    def __getitem__(self, index: int | slice) -> Feature | list[Feature]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        i = range(len(self))[index]  # raises IndexError; a negative index counts from the end
        first, last = self.row_bounds[i : i + 2].tolist()
        ends: list[int] = self.bounds[first : last + 1].tolist()
        begin, end = self.origin_bounds[i : i + 2].tolist()
        return Feature(
            example=int(self.examples[i]),
            rows=_slice_rows(self.ids, ends),
            types=None if self.types is None else _slice_rows(self.types, ends),
            target=self.targets[ends[0] : ends[-1]] if self.per_position else self.targets[i, ...],
            marks=None if self.marks is None else _slice_rows(self.marks, ends),
            origin=self.origin[begin:end],
        )


def _slice_rows(array: Ids, ends: list[int]) -> tuple[Ids, ...]:
    return tuple([array[start:stop] for start, stop in pairwise(ends)])


def build_table(
    chunks: Iterable[Sequence[Feature]], *, per_position: bool, left_out: Mapping[str, int] | None = None
) -> FeatureTable:
    """Build the table of the features of all chunks, in order.

    A chunk is read only when the one before is in the table, so that its objects can be freed. With `per_position`,
    targets have one id per position, and not a label or two per feature. `left_out` counts the rows that gave no
    example, by reason. Raises ValueError for features of which some lack types or marks.
    """
    parts = [_flatten_features(chunk, per_position) for chunk in chunks if chunk]
    if len({tuple(arrays) for arrays in parts}) > 1:
        raise ValueError(_UNLIKE_FEATURES)
    names = list(parts[0]) if parts else "ids bounds row_bounds examples targets origin origin_bounds".split()
    empty = np.zeros(0, dtype=np.int32)
    joined = {name: np.concatenate([arrays[name] for arrays in parts] or [empty]) for name in names}
    for name in ("bounds", "row_bounds", "origin_bounds"):  # until here they are lengths
        joined[name] = np.concatenate([[0], joined[name].cumsum(dtype=np.int64)])
    return FeatureTable(per_position=per_position, left_out=left_out or {}, **joined)


def _flatten_features(features: Sequence[Feature], per_position: bool) -> dict[str, NDArray[Any]]:
    """Return the arrays of one chunk, with lengths where the table has bounds."""
    forms = {(feature.types is None, feature.marks is None) for feature in features}
    if len(forms) > 1:
        raise ValueError(_UNLIKE_FEATURES)
    rows = [row for feature in features for row in feature.rows]
    lengths = [len(row) for row in rows]
    optional = {
        "types": [row for feature in features for row in feature.types or ()],
        "marks": [row for feature in features for row in feature.marks or ()],
        "targets": [feature.target for feature in features] if per_position else [],
    }
    for name, arrays in optional.items():
        if arrays and [len(array) for array in arrays] != lengths:
            raise ValueError(f"{name} must have one value per position of each row.")
    joined = {name: np.concatenate(arrays) for name, arrays in optional.items() if arrays}
    if not per_position:
        joined["targets"] = np.stack([feature.target for feature in features])
    return {
        "ids": np.concatenate(rows),
        "bounds": np.array(lengths),
        "row_bounds": np.array([len(feature.rows) for feature in features]),
        "examples": np.array([feature.example for feature in features], dtype=np.int32),
        "origin": np.concatenate([feature.origin for feature in features]),
        "origin_bounds": np.array([len(feature.origin) for feature in features]),
        **joined,
    }
