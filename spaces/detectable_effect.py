"""The smallest effect that a t test finds with a given probability: minimal detectable effects, before and after a run.

An effect of `d` standard errors makes Student's t non-central: T = (Z + d) / S, where Z is standard normal and S^2 is
chi-square over its degrees of freedom. Then P(T > t) is the mean of Phi(d - t S) over S. The one integral gives the
critical value (with d = 0) and the power; `spaces` has no library for it.
"""

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

ALPHA = 0.05  # two-sided, before Holm's correction
POWER = 0.8
MIN_SEEDS = 3  # fewer give no test

_NORMAL = NormalDist()
_INFINITE_FREEDOM = 1e6  # from here on S is 1


@cache
def find_noncentrality(freedom: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the effect, in standard errors, that a two-sided t test at level `alpha` finds with probability `power`.

    `freedom` are the degrees of freedom of the standard error; infinite ones give the test of a normal. A find on the
    wrong side counts as none. Raises ValueError for anything but freedom > 0 and 0 < alpha < power < 1.
    """
    if not (freedom > 0 and 0 < alpha < power < 1):
        raise ValueError(f"needs freedom > 0 and 0 < alpha < power < 1, got {freedom}, {alpha} and {power}.")
    critical = find_critical_value(freedom, alpha)
    return _solve(lambda effect: _tail(critical, effect, freedom) - power)


@cache
def find_critical_value(freedom: float, alpha: float = ALPHA) -> float:
    """Return the t that Student's distribution exceeds on either side with probability `alpha`."""
    return _solve(lambda t: alpha / 2 - _tail(t, 0.0, freedom))


def detectable_in_spreads(seeds: int, tests: int = 1) -> float:
    """Return the mean over seeds, in standard deviations over seeds, that is found with probability POWER.

    It must pass the first step of Holm's method among `tests` tests. Infinite with fewer than MIN_SEEDS seeds.
    """
    if seeds < MIN_SEEDS:
        return math.inf
    return find_noncentrality(seeds - 1, ALPHA / tests) / math.sqrt(seeds)


def detectable_from_interval(low: float, high: float, freedom: float, tests: int = 1) -> float:
    """Return the effect that a test would have found with probability POWER, in the units of its interval.

    `low` and `high` bound the interval at level 1 - ALPHA, `freedom` are the degrees of freedom of its error. The
    estimate itself plays no part: only the interval's width does.
    """
    standard_error = (high - low) / 2 / find_critical_value(freedom, ALPHA)
    return standard_error * find_noncentrality(freedom, ALPHA / tests)


def _tail(t: float, effect: float, freedom: float) -> float:
    """Return the probability that T with this effect lies above `t`."""
    if freedom >= _INFINITE_FREEDOM:
        return _NORMAL.cdf(effect - t)
    # The trapezoid rule over log S, which converges exponentially, as the integrand falls to 0 at both ends.
    step = min(1 / 16, 1 / (4 * math.sqrt(freedom)))
    constant = math.log(2) + freedom / 2 * math.log(freedom / 2) - math.lgamma(freedom / 2)
    low, high = -40 / freedom - 4 / math.sqrt(freedom), min(4.0, 12 / math.sqrt(freedom))
    total = 0.0
    for index in range(math.floor(low / step), math.ceil(high / step) + 1):
        log_s = index * step
        density = math.exp(constant + freedom * (log_s - math.exp(2 * log_s) / 2))
        total += density * math.erfc((t * math.exp(log_s) - effect) / math.sqrt(2)) / 2
    return total * step


def _solve(rising: Callable[[float], float]) -> float:
    """Return the zero above 0 of a rising function, by bisection."""
    high = 1.0
    while rising(high) < 0:
        high *= 2
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return high
