"""The best of several noisy arms: by its mean, with an unbiased estimate, and by cost and gain.

The winner's mean over the seeds that chose it is too high. Chosen on some seeds and measured on another, it is not.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.interval import MIN_SEEDS
from analysis.statistics.moments import Array, BoolArray, IntArray, compute_moments


@dataclass(frozen=True, slots=True)
class Winner:
    """The arm with the best mean, and the result of the same choice on seeds that it did not use."""

    arm: int
    naive: float  # its mean over the seeds that chose it
    honest: float  # mean over folds of the chosen arm's value at the held-out seed
    folds: tuple[tuple[int, int, float], ...]  # index of the held-out seed, arm chosen without it, its value there
    left_out: tuple[int, ...]  # arms that are no candidates because they lack a seed

    @property
    def is_stable(self) -> bool:
        """True if the same arm was chosen in every fold."""
        return {arm for _, arm, _ in self.folds} == {self.arm}


Criterion = Callable[[BoolArray], Array]


def select_winner(values: npt.ArrayLike, criterion: Criterion | None = None) -> Winner | None:
    """Choose the best arm on all seeds but one and measure it on that one; once for each seed.

    `criterion` returns the numbers [arms] that an arm is chosen by, the best one highest, from the seeds of a mask
    [seeds]; without it, that is the mean of the values.

    `honest` is unbiased for the true mean of an arm chosen on one seed fewer, provided that seeds are independent.
    Every candidate has every seed, so that no arm is spared a seed that was bad for all. A seed that fewer than half
    of the arms have (in an unfinished sweep) is dropped first. `values` are [arms, seeds], NaN where missing. None with
    fewer than MIN_SEEDS seeds, or without a candidate.
    """
    values = np.asarray(values, dtype=np.float64)
    present = np.isfinite(values)
    has_values = present.any(axis=1)
    seeds = np.flatnonzero(2 * present.sum(axis=0) >= max(1, has_values.sum()))
    has_all_seeds = present[:, seeds].all(axis=1)
    candidates = np.flatnonzero(has_all_seeds)
    if len(seeds) < MIN_SEEDS or not len(candidates):
        return None
    choose = criterion or (lambda mask: compute_moments(np.where(mask, values, np.nan)).mean)
    used = np.isin(np.arange(values.shape[1]), seeds)
    chosen = [_choose(choose(used & (np.arange(values.shape[1]) != seed)), candidates) for seed in seeds]
    best = _choose(choose(used), candidates)
    held_out = values[chosen, seeds]
    return Winner(
        arm=best,
        naive=float(values[best, seeds].mean()),
        honest=float(held_out.mean()),
        folds=tuple((int(seed), arm, float(value)) for seed, arm, value in zip(seeds, chosen, held_out, strict=True)),
        left_out=tuple(int(arm) for arm in np.flatnonzero(has_values & ~has_all_seeds)),
    )


def _choose(criterion: Array, candidates: IntArray) -> int:
    return int(candidates[np.argmax(criterion[candidates])])


def find_pareto_front(cost: npt.ArrayLike, gain: npt.ArrayLike) -> tuple[int, ...]:
    """Return the arms that no other arm beats by costing less for no less gain, or gaining more for no more cost.

    `cost`, e.g. in GPU-hours, and `gain` are [arms]; an arm that is NaN in either is excluded. The indices are cheapest
    first. Arms that are equal in both are all included or all excluded.
    """
    cost, gain = np.asarray(cost, dtype=np.float64), np.asarray(gain, dtype=np.float64)
    present = np.isfinite(cost) & np.isfinite(gain)
    cheaper, dearer = cost[:, None] <= cost, cost[:, None] < cost
    better, more = gain[:, None] >= gain, gain[:, None] > gain
    beaten = (cheaper & better & (dearer | more) & present[:, None]).any(axis=0)
    front = np.flatnonzero(present & ~beaten)
    return tuple(int(arm) for arm in front[np.lexsort((-gain[front], cost[front]))])
