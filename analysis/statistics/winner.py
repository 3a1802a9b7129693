"""The best of several noisy arms looks better than it is; chosen on some seeds and read on another one, it does not."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.interval import MIN_SEEDS
from analysis.statistics.moments import Array


@dataclass(frozen=True, slots=True)
class Winner:
    """The best arm by its mean, and what the same way of choosing yields on seeds that it has not seen."""

    arm: int
    naive: float  # its mean over the seeds that chose it
    honest: float  # mean over folds of the chosen arm's value at the seed left out
    folds: tuple[tuple[int, int, float], ...]  # seed left out (its place), arm chosen without it, value there
    left_out: tuple[int, ...]  # arms that lack a seed and so were no candidates

    @property
    def is_stable(self) -> bool:
        """Was the same arm chosen in every fold?"""
        return {arm for _, arm, _ in self.folds} == {self.arm}


def select_winner(values: npt.ArrayLike) -> Winner | None:
    """Choose the best arm on all seeds but one, read it there; once for each seed.

    `honest` is without bias for the true mean of an arm chosen on one seed fewer, provided that seeds are independent.
    Every candidate has every seed, so that no arm is spared a seed that was bad for all. A seed that fewer than half
    of the arms have (a sweep under way) is left out first.

    Args:
        values: [arms, seeds], NaN for a hole

    Returns:
        None with fewer than FEWEST seeds, or without a candidate.
    """
    values = np.asarray(values, dtype=np.float64)
    there = np.isfinite(values)
    some = there.any(axis=1)
    seeds = np.flatnonzero(2 * there.sum(axis=0) >= max(1, some.sum()))
    candidates = np.flatnonzero(there[:, seeds].all(axis=1))
    if len(seeds) < MIN_SEEDS or not len(candidates):
        return None
    complete: Array = values[np.ix_(candidates, seeds)]
    others = complete.sum(axis=1, keepdims=True) - complete
    chosen = others.argmax(axis=0)
    read = complete[chosen, np.arange(len(seeds))]
    means = complete.mean(axis=1)
    first = int(means.argmax())
    return Winner(
        arm=int(candidates[first]),
        naive=float(means[first]),
        honest=float(read.mean()),
        folds=tuple(
            (int(seed), int(candidates[arm]), float(value))
            for seed, arm, value in zip(seeds, chosen, read, strict=True)
        ),
        left_out=tuple(int(arm) for arm in np.flatnonzero(some & ~there[:, seeds].all(axis=1))),
    )
