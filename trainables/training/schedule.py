"""The schedule of a stage: number of steps, end of each tenth, learning rate at each step, order of the examples."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spaces.stage import TENTHS
from spaces.task import Recipe


def compute_total_steps(recipe: Recipe, features: int) -> int:
    """Return the number of steps of a whole run, at least ten.

    It is the recipe's own, or that of its epochs over `features`, but at most `most_steps`.
    """
    steps = recipe.steps
    if steps is None:
        assert recipe.epochs is not None
        steps = math.ceil(features / recipe.batch_size * recipe.epochs)
    return clamp_steps(steps if recipe.most_steps is None else min(steps, recipe.most_steps))


def clamp_steps(steps: int) -> int:
    """Return `steps`, or one step per tenth if that is more."""
    return max(steps, TENTHS)


def end_of_tenth(tenth: int, steps: int) -> int:
    """Return the step at which tenth 1..10 ends. Tenth 10 ends with the last step."""
    return round(tenth * steps / TENTHS)


def rate_factor(step: int, steps: int, warmup: float, warmup_steps: int | None = None) -> float:
    """Return the share of the peak learning rate at `step` (from 0).

    It rises linearly over the first `warmup` share of the steps, or over `warmup_steps`, then falls linearly to 0 after
    the last step. With more warm-up steps than steps it never reaches the peak.
    """
    rising = max(1, round(warmup * steps) if warmup_steps is None else warmup_steps)
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)


class BatchOrder:
    """The order of the examples: each comes once per epoch, every epoch is shuffled anew, all batches are full.

    The epochs form one endless stream of examples. `bucket` consecutive batches of the stream are a pool. A pool is
    sorted by length and cut into batches of similar lengths, which need little padding, and its batches come in random
    order. The last pool ends with the run of `batch_count` batches, so sorting drops no example of the stream. With
    `bucket=1` the batches are the stream itself. Any batch can be computed without the ones before it, so a run can
    continue anywhere. Raises ValueError if there are no examples.
    """

    def __init__(
        self, lengths: NDArray[np.int64], batch_size: int, batch_count: int, seed: tuple[int, ...], *, bucket: int = 1
    ) -> None:
        if len(lengths) < 1:
            raise ValueError("there is no example to train on.")
        self.lengths, self.batch_size, self.batch_count, self.seed = lengths, batch_size, batch_count, seed
        # A pool of several epochs would bring the copies of an example together in one batch.
        self.bucket = max(1, min(bucket, len(lengths) // batch_size))
        # Number and batches of the last pool: consecutive batches come from the same one.
        self._cached_pool = (-1, np.empty((0, batch_size), dtype=np.int64))

    def batch_indices(self, number: int) -> list[int]:
        """Return the example indices of batch `number` (0 to `batch_count`, exclusive) in the order of the stream."""
        if not 0 <= number < self.batch_count:
            raise IndexError(f"there is no batch {number}: this run has {self.batch_count} batches.")
        pool, row = divmod(number, self.bucket)
        if self._cached_pool[0] != pool:
            self._cached_pool = pool, self._build_pool(pool)
        indices: list[int] = self._cached_pool[1][row].tolist()
        return indices

    def _build_pool(self, pool: int) -> NDArray[np.int64]:
        """Return the batches of a pool as example indices (batches, batch size)."""
        first, end = pool * self.bucket, min((pool + 1) * self.bucket, self.batch_count)
        stream = self._slice_stream(first * self.batch_size, end * self.batch_size)
        by_length = np.argsort(self.lengths[stream], kind="stable").reshape(-1, self.batch_size)
        order = np.random.default_rng((*self.seed, pool, 1)).permutation(end - first)
        return stream[np.sort(by_length[order], axis=1)]

    def _slice_stream(self, start: int, end: int) -> NDArray[np.int64]:
        """Return the example indices at positions `start` to `end` of the endless stream."""
        count = len(self.lengths)
        epochs = range(start // count, (end - 1) // count + 1)
        shuffled = [_permute(count, (*self.seed, epoch)) for epoch in epochs]
        skipped = epochs[0] * count
        return np.concatenate(shuffled)[start - skipped : end - skipped]


@lru_cache(maxsize=32)
def _permute(size: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(size)
