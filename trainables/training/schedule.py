"""Time inside a stage: how many steps, where each tenth ends, the rate at each step, and which examples it sees."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spaces.stage import TENTHS
from spaces.task import Recipe


def compute_total_steps(recipe: Recipe, features: int) -> int:
    """Steps of the whole run: as the recipe says, or so many epochs over `features`, and `stretched`."""
    if recipe.steps is not None:
        steps = recipe.steps
    else:
        assert recipe.epochs is not None
        steps = math.ceil(features / recipe.batch_size * recipe.epochs)
    return clamp_steps(steps)


def clamp_steps(steps: int) -> int:
    """Steps that a run asked for so many takes: at least one per tenth."""
    return max(steps, TENTHS)


def end_of_tenth(tenth: int, steps: int) -> int:
    """The step at which tenth 1..10 ends; tenth 10 ends with the last step."""
    return round(tenth * steps / TENTHS)


def rate_factor(step: int, steps: int, warmup: float) -> float:
    """Share of the peak rate at `step` (0-based): linear up over the warm-up, then linear down to 0."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)


class BatchOrder:
    """The order of the data: every example once per epoch, each epoch shuffled anew, no short batches.

    The epochs are one endless stream of examples. `bucket` batches of it at a time are a pool: the pool is sorted by
    length and cut into batches of neighbours, which need little padding, and these come in random order. The last pool
    ends with the run of `batches` batches, so that sorting leaves out no example that the stream has. With `bucket=1`
    the batches are the stream itself. Any batch can be had without the ones before it, so a run continues anywhere.
    """

    def __init__(
        self, lengths: NDArray[np.int64], batch_size: int, batches: int, seed: tuple[int, ...], *, bucket: int = 1
    ) -> None:
        if len(lengths) < 1:
            raise ValueError("there is no example to train on.")
        self.lengths, self.batch_size, self.batch_count, self.seed = lengths, batch_size, batches, seed
        # A pool of several epochs would bring the copies of an example together in one batch.
        self.bucket = max(1, min(bucket, len(lengths) // batch_size))
        self._cached_pool = (
            -1,
            np.empty((0, batch_size), dtype=np.int64),
        )  # the last pool: its batches follow each other

    def batch_indices(self, number: int) -> list[int]:
        """Indices of batch `number` (from 0 to `batches`, exclusive), in the order of the stream."""
        if not 0 <= number < self.batch_count:
            raise IndexError(f"this run has {self.batch_count} batches, there is no batch {number}.")
        pool, place = divmod(number, self.bucket)
        if self._cached_pool[0] != pool:
            self._cached_pool = pool, self._build_pool(pool)
        indices: list[int] = self._cached_pool[1][place].tolist()
        return indices

    def _build_pool(self, pool: int) -> NDArray[np.int64]:
        """The batches of a pool (batches, batch size)."""
        first, end = pool * self.bucket, min((pool + 1) * self.bucket, self.batch_count)
        stream = self._slice_stream(first * self.batch_size, end * self.batch_size)
        places = np.argsort(self.lengths[stream], kind="stable").reshape(-1, self.batch_size)
        order = np.random.default_rng((*self.seed, pool, 1)).permutation(end - first)
        return stream[np.sort(places[order], axis=1)]

    def _slice_stream(self, start: int, end: int) -> NDArray[np.int64]:
        """The examples at places from `start` to `end` of the endless stream."""
        examples = len(self.lengths)
        epochs = range(start // examples, (end - 1) // examples + 1)
        shuffled = [_permute(examples, (*self.seed, epoch)) for epoch in epochs]
        skipped = epochs[0] * examples
        return np.concatenate(shuffled)[start - skipped : end - skipped]


@lru_cache(maxsize=32)
def _permute(size: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(size)
