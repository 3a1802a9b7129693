"""Moments of the logarithm of a chi-square variable, which estimated variances are compared by.

An estimated variance on d degrees of freedom is sigma^2 times chi-square_d / d. Its logarithm has the mean
log sigma^2 + digamma(d / 2) - log(d / 2) and the variance trigamma(d / 2), whatever sigma is (Smyth 2004).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, polygamma

from analysis.statistics.moments import Array

NEWTON_STEPS = 5  # quadratic convergence from a start that is right at both ends; 4 reach the last bit


def compute_log_bias(degrees_of_freedom: npt.ArrayLike) -> Array:
    """Return the mean of log(estimated variance / true variance), 0 or less."""
    return _map_distinct(lambda freedom: digamma(freedom / 2) - np.log(freedom / 2), degrees_of_freedom)


def compute_log_variance(degrees_of_freedom: npt.ArrayLike) -> Array:
    """Return the variance of the logarithm of an estimated variance: trigamma(d / 2)."""
    return _map_distinct(lambda freedom: polygamma(1, freedom / 2), degrees_of_freedom)


def compute_log_kurtosis(degrees_of_freedom: npt.ArrayLike) -> Array:
    """Return the excess kurtosis of the logarithm of an estimated variance."""
    return _map_distinct(lambda freedom: polygamma(3, freedom / 2) / polygamma(1, freedom / 2) ** 2, degrees_of_freedom)


def find_degrees_of_freedom(log_variance: npt.ArrayLike) -> Array:
    """Return the degrees of freedom d with `compute_log_variance(d)` = `log_variance`; infinite for 0.

    Newton's method for 1 / trigamma, which is convex and nearly linear (Smyth 2004, appendix).
    """
    return _map_distinct(_invert_trigamma, log_variance)


def _invert_trigamma(wanted: Array) -> Array:
    positive = wanted > 0
    target = np.where(positive, wanted, 1.0)
    half = (1 + np.sqrt(1 + 4 * target)) / (2 * target)  # trigamma(x) is about 1 / x + 1 / x^2
    for _ in range(NEWTON_STEPS):
        value = polygamma(1, half)
        half = half + value * (1 - value / target) / polygamma(2, half)
    return np.where(positive, 2 * half, np.inf)


def _map_distinct(function: Callable[[Array], Array], values: npt.ArrayLike) -> Array:
    """Return `function` of each value; polygamma is slow, and a table has few different degrees of freedom."""
    values = np.asarray(values, dtype=np.float64)
    distinct, places = np.unique(values, return_inverse=True)
    return np.asarray(np.asarray(function(distinct))[places].reshape(values.shape))
