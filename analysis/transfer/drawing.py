"""Draws of the true means behind the gains: over other seeds and, where predictions are kept, other test items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics.draws import draws, item_noise
from analysis.statistics.moments import Array
from analysis.transfer.columns import Column
from analysis.transfer.items import ItemLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How the means over seeds of some columns are drawn.

    `items` has the covariance over intermediates of what the choice of test items leaves in each column's means, in
    points squared; it is empty where there is no item level.
    """

    rng: np.random.Generator
    count: int
    items: Mapping[Column, Array]

    def draws(self, values: Array, columns: Sequence[Column]) -> Array:
        """Draws of the means of `values` (intermediates x columns x seeds): count x intermediates x columns."""
        noise = None
        if self.items:
            shared = np.stack([self.items[column] for column in columns])
            noise = np.swapaxes(item_noise(shared, self.rng, self.count), 1, 2)
        return draws(values, self.rng, self.count, noise)

    def variances(self, columns: Sequence[Column]) -> Array:
        """Squared standard errors over new items: intermediates x columns; 0 without an item level."""
        if not self.items:
            return np.zeros((1, len(columns)))
        return np.stack([np.maximum(np.diagonal(self.items[column]), 0.0) for column in columns], axis=1)

    def covariance(self, column: Column) -> Array:
        """The covariance of the column's means over new items: intermediates x intermediates, or 0 for all."""
        return self.items.get(column, np.zeros((1, 1)))


def drawing(level: ItemLevel, columns: Sequence[Column], rng: np.random.Generator, count: int) -> Drawing:
    """`count` draws from `rng` with the item level of `columns`."""
    items = {} if level.covariance is None else dict(zip(columns, level.covariance, strict=True))
    return Drawing(rng=rng, count=count, items=items)
