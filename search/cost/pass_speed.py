"""The cost of passing inputs through an encoder: a fixed time per batch, a time per sub-token, a quadratic part.

A load says how much passes through, a speed how long that takes. Both are plain numbers, so sums of loads can be taken
before anything is measured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

TERMS = 3  # of a load


@dataclass(frozen=True, slots=True)
class Load:
    """Inputs on their way through an encoder, padding included.

    `squares` is the sum over all rows of their squared length, which the cost of attention grows with.
    """

    batches: float = 0.0
    tokens: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Load") -> "Load":
        return Load(self.batches + other.batches, self.tokens + other.tokens, self.squares + other.squares)

    def times(self, factor: float) -> "Load":
        """Return the load `factor` times."""
        return Load(self.batches * factor, self.tokens * factor, self.squares * factor)

    def with_passes(self, passes: float) -> "Load":
        """Return the same batches with `passes` times the inputs, as a method needs that passes over them again."""
        return Load(self.batches, self.tokens * passes, self.squares * passes)


NOTHING = Load()


def load_of_batch(rows: int, length: int) -> Load:
    """Return the load of one batch of `rows` inputs that are padded to `length` sub-tokens."""
    return Load(1.0, float(rows * length), float(rows * length**2))


def sum_loads(loads: Iterable[Load]) -> Load:
    """Return the sum of loads."""
    return sum(loads, NOTHING)


@dataclass(frozen=True, slots=True)
class PassSpeed:
    """Seconds of a load: `per_batch`, `per_token`, and `per_square` of a row's squared length."""

    per_batch: float
    per_token: float
    per_square: float = 0.0

    def seconds_of(self, load: Load) -> float:
        """Return the seconds that a load takes."""
        return self.per_batch * load.batches + self.per_token * load.tokens + self.per_square * load.squares


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSpeed:
    """The speed of one trial alone on this machine, with one encoder. Times are in seconds."""

    step: PassSpeed  # of a training step
    forward: PassSpeed  # of an evaluation batch
    per_cosine: float = 0.0  # of two sentence vectors, in the search for neighbours
    per_stored_byte: float = 0.0
    encoder_bytes: int = 0  # of its weights
    open_encoder: float = 0.0  # reading it from its folder
    pretraining: float = 0.0  # all of it; 0 for a given encoder
    slowdown: float = 1.0  # wall time over the time of the process: above 1 while other programs run as well


def fit_speed(timings: Sequence[tuple[Load, float]]) -> PassSpeed:
    """Return the speed that fits measured loads and their seconds best: least squares of relative errors, no part < 0.

    With so few parts every choice of those above 0 is tried. Raises ValueError for fewer than two timings.
    """
    if len(timings) < 2:
        raise ValueError(f"a speed is fitted to two timings or more, got {len(timings)}.")
    table = np.array([[load.batches, load.tokens, load.squares] for load, _ in timings])
    table /= np.array([[seconds] for _, seconds in timings])  # a relative error of 1 for a prediction of 0
    best, least = np.zeros(TERMS), np.inf
    for size in range(1, min(TERMS, len(timings)) + 1):
        for chosen in combinations(range(TERMS), size):
            parts = _solve(table, list(chosen))
            error = float(np.square(table @ parts - 1).sum())
            if (parts >= 0).all() and error < least - 1e-12:
                best, least = parts, error
    return PassSpeed(*best.tolist())


def _solve(table: NDArray[np.float64], chosen: list[int]) -> NDArray[np.float64]:
    """Return the three parts that bring every row nearest to 1, those that are not `chosen` 0."""
    parts = np.zeros(TERMS)
    scale = np.abs(table[:, chosen]).max(axis=0)
    parts[chosen] = np.linalg.lstsq(table[:, chosen] / scale, np.ones(len(table)), rcond=None)[0] / scale
    return parts
