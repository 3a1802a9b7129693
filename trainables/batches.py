"""The batches of a run: which part each step trains, and on which features. A function of seed and step alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainables.feature_table import FeatureTable
from trainables.features import Feature
from trainables.schedule import Order


class Batches:
    """The batch of every step. In a mix each step trains one part, drawn in proportion to the parts' weights.

    `rows` has for each part the places of the features that count; None: all.
    """

    def __init__(
        self,
        parts: Sequence[FeatureTable],
        weights: Sequence[float],
        rows: Sequence[NDArray[np.int64] | None],
        *,
        steps: int,
        batch_size: int,
        bucket: int,
        seed: int,
    ) -> None:
        self.parts = parts
        shares = np.array(weights) / np.sum(weights)
        self.turns = np.random.default_rng((seed, 1)).choice(len(parts), size=steps, p=shares)
        self.rounds = np.zeros_like(self.turns)  # for each step how many before it trained the same part
        self.orders = []
        self.rows = [np.arange(len(part)) if some is None else some for part, some in zip(parts, rows, strict=True)]
        for i, (features, some) in enumerate(zip(parts, self.rows, strict=True)):
            own = self.turns == i
            batches = int(own.sum())
            self.rounds[own] = np.arange(batches)
            self.orders.append(Order(features.lengths[some], batch_size, batches, (seed, 2, i), bucket=bucket))

    def at(self, step: int) -> tuple[int, list[Feature]]:
        """The part that a step trains (from 0), and its features."""
        part = int(self.turns[step])
        places = self.rows[part][self.orders[part].batch(int(self.rounds[step]))]
        return part, [self.parts[part][i] for i in places.tolist()]
