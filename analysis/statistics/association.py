"""Do two things go together across units, in several groups that share the units? Spearman with a permutation test."""

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array
from analysis.statistics.ranks import ranks

EXACT = 8  # units: up to so many all orders are tried (40,320), of more a sample
SAMPLE = 10_000
AT_ONCE = 4_096  # orders of a sample
SAME = 1e-9  # correlations that differ by less are equal: the same ranks may be summed in another order


@dataclass(frozen=True, slots=True)
class Association:
    """The mean over `groups` of Spearman's correlation within a group, and how often chance makes it as far from 0.

    `correlation` and `p` are None where no group has three units that differ on both sides. `least` is the smallest p
    that so many units can give.
    """

    correlation: float | None
    p: float | None
    groups: int
    units: int
    least: float


def association(x: npt.ArrayLike, y: npt.ArrayLike, rng: np.random.Generator) -> Association:
    """The association of x with y, and the p value of a two-sided permutation test.

    An order moves the units of `x` in all groups at once. What groups have in common through their units, e.g. that an
    intermediate task which helps one target helps the others, so stays in common under the null: permuting each group
    by itself would count every group as if it brought new units.

    Args:
        x: [groups, units]; a unit that is NaN in any group is left out
        y: [groups, units]; NaN leaves a unit out of its group
        rng: draws orders where there are more than EXACT units
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    kept = np.isfinite(x).all(axis=0) & np.isfinite(y).any(axis=0)
    x, y = x[:, kept], y[:, kept]
    units = x.shape[1]
    exact = units <= EXACT
    least = min(1.0, 2 / math.factorial(units)) if exact else 1 / (SAMPLE + 1)
    telling = [group for group in range(len(x)) if _tells(x[group], y[group])]
    if not telling:
        return Association(None, None, 0, units, least)
    x, y = x[telling], y[telling]
    seen = float(_mean(x, y, np.arange(units)[None])[0])
    further = tried = 0
    for orders in [_every(units)] if exact else _sampled(units, rng):
        drawn = _mean(x, y, orders)
        further += int((np.abs(drawn) >= abs(seen) - SAME).sum())
        tried += len(orders)
    # The order that was seen is one of all orders, but not of a sample.
    p = further / tried if exact else (further + 1) / (tried + 1)
    return Association(seen, p, len(telling), units, least)


def _tells(x: Array, y: Array) -> bool:
    """Whether a group has three units or more, not all equal on either side."""
    there = np.isfinite(y)
    return bool(there.sum() >= 3 and np.ptp(y[there]) > SAME and np.ptp(x) > SAME)


def _mean(x: Array, y: Array, orders: npt.NDArray[np.int64]) -> Array:
    """The mean correlation over groups for each of the orders [orders, units] of x.

    An order may put equal values at all places that a group has: it then says nothing, and counts as 0.
    """
    total = np.zeros(len(orders))
    for one, other in zip(x, y, strict=True):
        there = np.isfinite(other)
        # Ranks among units that are all there move with them; among some of them they are others in each order.
        first = ranks(one)[orders] if there.all() else ranks(one[orders][:, there])
        second = ranks(other[there])
        first, second = first - first.mean(axis=1, keepdims=True), second - second.mean()
        lengths = np.sqrt((first**2).sum(axis=1) * (second**2).sum())
        total += np.divide(first @ second, lengths, out=np.zeros(len(orders)), where=lengths > SAME)
    return total / len(x)


@functools.lru_cache(maxsize=4)
def _every(units: int) -> npt.NDArray[np.int64]:
    """Every order of the units."""
    return np.array([*itertools.permutations(range(units))])


def _sampled(units: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """SAMPLE random orders, some at a time."""
    for start in range(0, SAMPLE, AT_ONCE):
        size = min(AT_ONCE, SAMPLE - start)
        yield rng.permuted(np.tile(np.arange(units), (size, 1)), axis=1)
