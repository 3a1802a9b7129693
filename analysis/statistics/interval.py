"""Intervals of a mean over seeds."""

import math
import statistics
from collections.abc import Sequence
from functools import cache

LEVEL = 0.95
FEWEST = 3  # seeds, for an interval


def student(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's interval at LEVEL of the mean of one value per seed; None with fewer than FEWEST of them."""
    if len(values) < FEWEST:
        return None
    half = quantile(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    middle = statistics.fmean(values)
    return middle - half, middle + half


@cache
def quantile(freedom: int, level: float = LEVEL) -> float:
    """The t with probability `level` between -t and t, for a whole number of degrees of freedom.

    By bisection over the angle atan(t / sqrt(freedom)). scipy has it too, but its import would take as long as all
    the rest of a ranking.
    """
    low, high = 0.0, math.pi / 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if _within(middle, freedom) < level else (low, middle)
    return math.tan(low) * math.sqrt(freedom)


def _within(angle: float, freedom: int) -> float:
    """P(|T| < t) as a finite sum over powers of the angle's cosine (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    odd = freedom % 2
    term, total = math.cos(angle) if odd else 1.0, 0.0
    for power in range(odd, freedom - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * math.cos(angle) ** 2
    total *= math.sin(angle)
    return 2 / math.pi * (angle + total) if odd else total
