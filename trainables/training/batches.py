"""The batches of a run: the part that each step trains, and its features. They depend on seed and step alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spaces.task import Task
from trainables.features.feature_table import FeatureTable
from trainables.features.features import Feature
from trainables.training.schedule import BatchOrder

# Returns a feature of a table as one step sees it: masked words are hidden anew in every batch.
FeatureDrawer = Callable[[FeatureTable, int, np.random.Generator], Feature]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPart:
    """Rows that a run is trained on. Parts of the same task in several languages share a head."""

    task: Task
    table: FeatureTable
    weight: float = 1.0  # share of the steps in a mix, not normalised
    subset: NDArray[np.int64] | None = None  # rows of `table` that are trained on; None: all
    language: str | None = None  # of rows that a ceiling adds

    @property
    def indices(self) -> NDArray[np.int64]:
        """The rows of `table` that are trained on."""
        return np.arange(len(self.table)) if self.subset is None else self.subset

    @property
    def targets(self) -> NDArray[np.int32]:
        """The targets of these rows, as in the table."""
        if self.subset is None or not len(self.subset):
            return self.table.targets
        if self.table.per_position:
            return np.concatenate([self.table[i].target for i in self.subset.tolist()])
        return self.table.targets[self.subset]

    @property
    def example_count(self) -> int:
        """The number of different examples among these rows; a long example has several features."""
        return len(np.unique(self.table.examples[self.indices]))


class Batches:
    """The batch of every step. In a mix each step trains one part, drawn in proportion to the parts' weights.

    `drawers` has a function for each part whose features differ from step to step, None for the others.
    """

    def __init__(
        self,
        parts: Sequence[TrainingPart],
        *,
        steps: int,
        batch_size: int,
        bucket: int,
        seed: int,
        drawers: Sequence[FeatureDrawer | None] = (),
    ) -> None:
        self.parts, self.seed = parts, seed
        self.drawers = tuple(drawers) or (None,) * len(parts)
        weights = np.array([part.weight for part in parts])
        self.part_of_step = np.random.default_rng((seed, 1)).choice(len(parts), size=steps, p=weights / np.sum(weights))
        self.batch_of_step = np.zeros_like(self.part_of_step)  # for each step the number of its part's earlier steps
        self.indices = [part.indices for part in parts]
        self.orders = []
        for i, (part, indices) in enumerate(zip(parts, self.indices, strict=True)):
            is_own = self.part_of_step == i
            count = int(is_own.sum())
            self.batch_of_step[is_own] = np.arange(count)
            self.orders.append(BatchOrder(part.table.lengths[indices], batch_size, count, (seed, 2, i), bucket=bucket))

    def batch_at(self, step: int) -> tuple[int, list[Feature]]:
        """Return the number of the part that a step trains (from 0), and the features of its batch."""
        part = int(self.part_of_step[step])
        indices = self.indices[part][self.orders[part].batch_indices(int(self.batch_of_step[step]))]
        table, draw = self.parts[part].table, self.drawers[part]
        if draw is None:
            return part, [table[i] for i in indices.tolist()]
        rng = np.random.default_rng((self.seed, 5, step))
        return part, [draw(table, i, rng) for i in indices.tolist()]
