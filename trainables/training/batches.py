"""The batches of a run: which part each step trains, and on which features. A function of seed and step alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spaces.task import Task
from trainables.features.feature_table import FeatureTable
from trainables.features.features import Feature
from trainables.training.schedule import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows that a run is trained on. Parts of the same task, in several languages, share a head."""

    task: Task
    train: FeatureTable
    weight: float = 1.0  # its share of the steps in a mix, not normalised
    rows: NDArray[np.int64] | None = None  # places in `train` of the rows that count; None: all

    @property
    def places(self) -> NDArray[np.int64]:
        """The places in `train` of the rows that count."""
        return np.arange(len(self.train)) if self.rows is None else self.rows

    @property
    def examples(self) -> int:
        """Different examples among the rows that count; a long one has several features."""
        return len(np.unique(self.train.examples[self.places]))


class Batches:
    """The batch of every step. In a mix each step trains one part, drawn in proportion to the parts' weights."""

    def __init__(self, parts: Sequence[Part], *, steps: int, batch_size: int, bucket: int, seed: int) -> None:
        self.parts = parts
        weights = np.array([part.weight for part in parts])
        self.turns = np.random.default_rng((seed, 1)).choice(len(parts), size=steps, p=weights / np.sum(weights))
        self.rounds = np.zeros_like(self.turns)  # for each step how many before it trained the same part
        self.places = [part.places for part in parts]
        self.orders = []
        for i, (part, places) in enumerate(zip(parts, self.places, strict=True)):
            own = self.turns == i
            batches = int(own.sum())
            self.rounds[own] = np.arange(batches)
            self.orders.append(Order(part.train.lengths[places], batch_size, batches, (seed, 2, i), bucket=bucket))

    def at(self, step: int) -> tuple[int, list[Feature]]:
        """The part that a step trains (from 0), and its features."""
        part = int(self.turns[step])
        places = self.places[part][self.orders[part].batch(int(self.rounds[step]))]
        return part, [self.parts[part].train[i] for i in places.tolist()]
