"""Intervals of a mean over seeds."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from analysis.statistics.moments import Array, compute_moments

CONFIDENCE_LEVEL = 0.95
MIN_SEEDS = 3  # seeds, for an interval


def compute_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's interval at LEVEL of the mean of one value per seed; None with fewer than FEWEST of them."""
    if len(values) < MIN_SEEDS:
        return None
    low, high = compute_intervals(values)
    return float(low), float(high)


def compute_intervals(
    values: npt.ArrayLike, *, item_variance: npt.ArrayLike = 0.0, level: float = CONFIDENCE_LEVEL
) -> Array:
    """Student's interval of each mean over seeds; with `items`, over seeds and items.

    A mean over n seeds has the squared standard error sd^2 / n over new seeds, with n - 1 degrees of freedom. That all
    seeds answer the same test items adds `items`, whose degrees of freedom are taken as without end. Their sum is
    treated as Welch and Satterthwaite do: its degrees of freedom are (n - 1) (sum / seeds' part)^2.

    Args:
        values: [..., seeds], NaN for a hole
        items: [...], squared standard error of each mean over new items, beyond what the spread over seeds has of it
            already (`items.covariance`); as an estimate it may be below 0, and then counts as 0
        level: probability that the interval holds the true mean, if values are normal

    Returns:
        [..., 2]: low and high; NaN with fewer than FEWEST seeds.
    """
    mean, error, freedom = compute_standard_errors(values, item_variance)
    half = t_quantile(freedom, level) * error
    return np.stack([mean - half, mean + half], axis=-1)


def compute_standard_errors(values: npt.ArrayLike, item_variance: npt.ArrayLike = 0.0) -> tuple[Array, Array, Array]:
    """Mean, its standard error and the degrees of freedom of that, as `intervals` takes them; [...] each.

    The error is NaN with fewer than FEWEST seeds; where it is 0 the degrees of freedom are without end.
    """
    found = compute_moments(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        seeds = np.where(found.count >= MIN_SEEDS, found.sd**2 / found.count, np.nan)
        total = seeds + np.maximum(item_variance, 0.0)
        freedom = np.where(seeds > 0, (found.count - 1) * (total / seeds) ** 2, np.inf)
    return found.mean, np.sqrt(total), freedom


def t_quantile(freedom: npt.ArrayLike, level: float = CONFIDENCE_LEVEL) -> Array:
    """The t with probability `level` between -t and t; the normal's for degrees of freedom without end."""
    return np.asarray(stdtrit(freedom, (1 + level) / 2))


def two_sided_p(t: npt.ArrayLike, freedom: npt.ArrayLike) -> Array:
    """Probability that Student's t is further from 0 than `t`, on either side."""
    return np.asarray(2 * stdtr(freedom, -np.abs(t)))
