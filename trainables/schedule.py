"""Time inside a stage: how many steps, where each tenth ends, the rate at each step, and which examples it sees."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spaces.stage import TENTHS
from spaces.task import Recipe


def total_steps(recipe: Recipe, features: int) -> int:
    """Steps of the whole run: as the recipe says, or so many epochs over `features`; at least one per tenth."""
    if recipe.steps is not None:
        steps = recipe.steps
    else:
        assert recipe.epochs is not None
        steps = math.ceil(features / recipe.batch_size * recipe.epochs)
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


class Order:
    """The order of the data: every example once per epoch, each epoch shuffled anew, no short batches.

    Any batch can be had without the ones before it, so a run continues anywhere.
    """

    def __init__(self, examples: int, batch_size: int, seed: tuple[int, ...]) -> None:
        if examples < 1:
            raise ValueError("there is no example to train on.")
        self.examples, self.batch_size, self.seed = examples, batch_size, seed

    def batch(self, number: int) -> list[int]:
        """Indices of batch `number` (from 0); it may hold the end of one epoch and the beginning of the next."""
        indices: list[int] = []
        place = number * self.batch_size
        while len(indices) < self.batch_size:
            epoch, start = divmod(place + len(indices), self.examples)
            left = self.batch_size - len(indices)
            indices += _permutation(self.examples, (*self.seed, epoch))[start : start + left].tolist()
        return indices


@lru_cache(maxsize=32)
def _permutation(size: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(size)
