"""The batches of a run: which part each step trains, and on which features. A function of seed and step alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spaces.task import Task
from trainables.features.feature_table import FeatureTable
from trainables.features.features import Feature
from trainables.training.schedule import BatchOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPart:
    """Rows that a run is trained on. Parts of the same task, in several languages, share a head."""

    task: Task
    table: FeatureTable
    weight: float = 1.0  # its share of the steps in a mix, not normalised
    subset: NDArray[np.int64] | None = None  # places in `train` of the rows that count; None: all

    @property
    def indices(self) -> NDArray[np.int64]:
        """The places in `train` of the rows that count."""
        return np.arange(len(self.table)) if self.subset is None else self.subset

    @property
    def example_count(self) -> int:
        """Different examples among the rows that count; a long one has several features."""
        return len(np.unique(self.table.examples[self.indices]))


class Batches:
    """The batch of every step. In a mix each step trains one part, drawn in proportion to the parts' weights."""

    def __init__(self, parts: Sequence[TrainingPart], *, steps: int, batch_size: int, bucket: int, seed: int) -> None:
        self.parts = parts
        weights = np.array([part.weight for part in parts])
        self.part_of_step = np.random.default_rng((seed, 1)).choice(len(parts), size=steps, p=weights / np.sum(weights))
        self.batch_of_step = np.zeros_like(self.part_of_step)  # for each step how many before it trained the same part
        self.indices = [part.indices for part in parts]
        self.orders = []
        for i, (part, places) in enumerate(zip(parts, self.indices, strict=True)):
            own = self.part_of_step == i
            batches = int(own.sum())
            self.batch_of_step[own] = np.arange(batches)
            self.orders.append(BatchOrder(part.table.lengths[places], batch_size, batches, (seed, 2, i), bucket=bucket))

    def batch_at(self, step: int) -> tuple[int, list[Feature]]:
        """The part that a step trains (from 0), and its features."""
        part = int(self.part_of_step[step])
        places = self.indices[part][self.orders[part].batch_indices(int(self.batch_of_step[step]))]
        return part, [self.parts[part].table[i] for i in places.tolist()]
