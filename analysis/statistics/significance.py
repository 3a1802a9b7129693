"""Tests of whether a mean over seeds differs from 0, and their correction for the number of tests."""

import math

import numpy as np
import numpy.typing as npt

from analysis.statistics.interval import MIN_SEEDS, compute_standard_errors, t_quantile, two_sided_p
from analysis.statistics.moments import EPSILON, Array

ALPHA = 0.05


def compute_p_values(values: npt.ArrayLike, item_variance: npt.ArrayLike = 0.0) -> Array:
    """Return two-sided p values of Student's t test that each mean is 0; for gains or differences, a paired test.

    The arguments are those of `compute_intervals`. NaN, i.e. not tested, with fewer than MIN_SEEDS seeds, and without
    any error: seeds that all agree say nothing of other seeds, and are copies of one run more often than not.
    """
    mean, standard_error, degrees_of_freedom = compute_standard_errors(values, item_variance)
    standard_error = np.where(standard_error > 0, standard_error, np.nan)
    mean = np.where(np.abs(mean) < EPSILON, 0.0, mean)
    return np.where(np.isnan(standard_error), np.nan, two_sided_p(mean / standard_error, degrees_of_freedom))


def adjust_p_values(p: npt.ArrayLike) -> Array:
    """Return the p values adjusted for their number by Holm (1979).

    Among tables without any effect, at most a share of ALPHA has an adjusted p value below ALPHA. The smallest of m p
    values is multiplied by m, the next by m - 1, and so on; none becomes smaller than the one before it. NaN, in an
    array of any shape, stands for a test that was not made: it stays NaN and is not counted.
    """
    p = np.asarray(p, dtype=np.float64)
    flat = p.ravel()
    order = np.argsort(flat)[: int(np.isfinite(flat).sum())]  # NaN is sorted last
    products = flat[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(flat.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(products), 1.0)
    return adjusted.reshape(p.shape)


def adjust_for_discovery(p: npt.ArrayLike) -> Array:
    """Return the p values adjusted by Benjamini and Hochberg (1995, J. R. Stat. Soc. B 57:289).

    Of all tests with an adjusted p value below ALPHA a share of at most ALPHA is expected to have no effect, where the
    tests are independent or correlate positively. The k-th smallest of m p values is multiplied by m / k; none becomes
    greater than the one after it. NaN as in `adjust_p_values`.
    """
    p = np.asarray(p, dtype=np.float64)
    flat = p.ravel()
    order = np.argsort(flat)[: int(np.isfinite(flat).sum())]
    ratios = flat[order] * (len(order) / np.arange(1, len(order) + 1))  # a factor of 1 leaves a p value as it is
    adjusted = np.full(flat.shape, np.nan)
    adjusted[order] = np.minimum(np.minimum.accumulate(ratios[::-1])[::-1], 1.0)
    return adjusted.reshape(p.shape)


def smallest_gain_in_sd(seeds: int, tests: int, alpha: float = ALPHA) -> float:
    """Return the gain, in its standard deviations over seeds, that passes the first step of Holm's method.

    This is the smallest gain that a design with `seeds` seeds and `tests` tests can detect: 26 standard deviations
    with 3 seeds and 99 tests, 5 with 5 seeds. Infinite with fewer than MIN_SEEDS seeds.
    """
    if seeds < MIN_SEEDS:
        return math.inf
    return float(t_quantile(seeds - 1, 1 - alpha / tests)) / math.sqrt(seeds)
