"""Rows of a dataset, read by the role that a column plays."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import datasets

from spaces.dataset import DatasetSpec


@dataclass(frozen=True, slots=True)
class DatasetRows:
    """A table of rows, and the specification that says which column fills which role."""

    dataset: DatasetSpec
    table: datasets.Dataset

    def __len__(self) -> int:
        return len(self.table)

    def column(self, role: str) -> list[Any]:
        """Return the values of the column that fills a role."""
        values: list[Any] = self.table[self.dataset.columns[role]][:]
        return values

    def column_type(self, role: str) -> Any:
        """Return the type of the column that fills a role."""
        return self.table.features[self.dataset.columns[role]]

    def iter_columns(self, *roles: str) -> Iterator[tuple[Any, ...]]:
        """Yield the values of several columns, row by row."""
        return zip(*(self.column(role) for role in roles), strict=True)
