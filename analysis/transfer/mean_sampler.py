"""Draws of the true means behind the gains: over other seeds and, where predictions are kept, other test items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics.draws import draw_item_noise, draw_means
from analysis.statistics.moments import Array
from analysis.transfer.columns import TransferColumn
from analysis.transfer.item_level import ItemLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanSampler:
    """A sampler of means over seeds.

    `item_covariances` has, for each column, the covariance over intermediates of the error that the choice of test
    items leaves in its means, in points squared. It is empty without an item level.
    """

    rng: np.random.Generator
    count: int
    item_covariances: Mapping[TransferColumn, Array]

    def draw(self, values: Array, columns: Sequence[TransferColumn]) -> Array:
        """Return draws of the means of `values` (intermediates x columns x seeds): count x intermediates x columns."""
        noise = None
        if self.item_covariances:
            covariances = np.stack([self.item_covariances[column] for column in columns])
            noise = np.swapaxes(draw_item_noise(covariances, self.rng, self.count), 1, 2)
        return draw_means(values, self.rng, self.count, noise)

    def variances(self, columns: Sequence[TransferColumn]) -> Array:
        """Return squared standard errors over new items: intermediates x columns; 0 without an item level."""
        if not self.item_covariances:
            return np.zeros((1, len(columns)))
        return np.stack([np.maximum(np.diagonal(self.item_covariances[column]), 0.0) for column in columns], axis=1)

    def covariance(self, column: TransferColumn) -> Array:
        """Return the covariance of a column's means over new items: intermediates x intermediates, or [[0]]."""
        return self.item_covariances.get(column, np.zeros((1, 1)))


def build_mean_sampler(
    item_level: ItemLevel, columns: Sequence[TransferColumn], rng: np.random.Generator, count: int
) -> MeanSampler:
    """Return a sampler of `count` draws from `rng` with the item level of `columns`."""
    covariances = {} if item_level.covariance is None else dict(zip(columns, item_level.covariance, strict=True))
    return MeanSampler(rng=rng, count=count, item_covariances=covariances)
