"""What a sweep could have found: minimal detectable effects from the errors that were observed.

They depend on the widths of intervals and null distributions alone, never on the estimates: power at the observed
effect would only repeat the p value (Hoenig and Heisey 2001, Am. Stat. 55:19).
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from analysis.statistics.effects import Effect
from analysis.statistics.interval import MIN_SEEDS, compute_interval
from spaces.detectable_effect import ALPHA, POWER, detectable_from_interval

UPPER_NORMAL = NormalDist().inv_cdf(POWER)


def find_detectable_mean(values: npt.ArrayLike, tests: int = 1) -> float | None:
    """Return the mean over seeds that a t test would have found with POWER; None with fewer than MIN_SEEDS seeds.

    `values` has one number per seed, NaN for a hole. It is in units of the values, at the first step of Holm's method
    among `tests` tests.
    """
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    interval = compute_interval(finite.tolist()) if finite.size >= MIN_SEEDS else None
    return None if interval is None else detectable_from_interval(*interval, finite.size - 1, tests)


def find_detectable_effect(effect: Effect | None, tests: int = 1) -> float | None:
    """Return the effect among rows that its test would have found with POWER; None without a standard error."""
    if effect is None or effect.interval is None or not effect.degrees_of_freedom > 0:
        return None
    return detectable_from_interval(*effect.interval, effect.degrees_of_freedom, max(1, tests))


def find_detectable_correlation(permuted: Sequence[float] | npt.NDArray[np.float64], tests: int = 1) -> float | None:
    """Return the mean rank correlation that a permutation test would have found with POWER; infinite if it finds none.

    `permuted` are the correlations under all permutations or a sample of them, None is returned for none. The critical
    value is their quantile. A true correlation is taken to scatter as they do, which is too much for strong ones.
    """
    sizes = np.sort(np.abs(np.asarray(permuted, dtype=np.float64)))
    if not sizes.size:
        return None
    allowed = math.floor(sizes.size * ALPHA / tests + 1e-9)  # permutations as far from 0 as one that is found
    if allowed < 1:
        return math.inf
    critical = float(sizes[-allowed])
    size = critical + UPPER_NORMAL * float(np.sqrt(np.mean(sizes**2)))
    return size if size <= 1 else math.inf
