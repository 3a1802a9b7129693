"""Rows of a dataset, read by the role that a column plays."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import datasets

from spaces.dataset import DatasetSpec
from trainables.data.detokenise import TokenisedTexts, detokenise

PAIR_TEXTS = ("first", "second")  # roles of texts that may be tokenised


@dataclass(frozen=True, slots=True)
class DatasetRows:
    """A table of rows, and the specification that says which column fills which role.

    Where the texts of pairs are `tokenised`, `column` returns them detokenised.
    """

    dataset: DatasetSpec
    table: datasets.Dataset
    tokenised: TokenisedTexts | None = None

    def __len__(self) -> int:
        return len(self.table)

    def column(self, role: str) -> list[Any]:
        """Return the values of the column that fills a role."""
        values: list[Any] = self.table[self.dataset.columns[role]][:]
        if self.tokenised is None or role not in PAIR_TEXTS:
            return values
        return [detokenise(text, self.tokenised.language) if text else text for text in values]

    def column_type(self, role: str) -> Any:
        """Return the type of the column that fills a role."""
        return self.table.features[self.dataset.columns[role]]

    def iter_columns(self, *roles: str) -> Iterator[tuple[Any, ...]]:
        """Yield the values of several columns, row by row."""
        return zip(*(self.column(role) for role in roles), strict=True)
