"""Intervals of a mean over seeds, and of a share of runs."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from analysis.statistics.moments import Array, compute_moments

CONFIDENCE_LEVEL = 0.95
MIN_SEEDS = 3  # fewest seeds that give an interval


def compute_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return Student's interval at CONFIDENCE_LEVEL for a mean of one value per seed; None below MIN_SEEDS values."""
    if len(values) < MIN_SEEDS:
        return None
    low, high = compute_intervals(values)
    return float(low), float(high)


def compute_intervals(
    values: npt.ArrayLike, *, item_variance: npt.ArrayLike = 0.0, level: float = CONFIDENCE_LEVEL
) -> Array:
    """Return Student's interval of each mean over seeds; with `item_variance`, over seeds and test items.

    A mean over n seeds has the squared standard error sd^2 / n over new seeds, with n - 1 degrees of freedom. All
    seeds are scored on the same test items, which adds `item_variance`; its degrees of freedom count as infinite. The
    degrees of freedom of the sum follow Welch and Satterthwaite: (n - 1) (sum / seeds' part)^2.

    Low and high [..., 2] contain the true mean with probability `level`, if values are normal; they are NaN with fewer
    than MIN_SEEDS seeds.

    Args:
        values: [..., seeds], NaN where missing
        item_variance: [...], squared standard error of each mean over new items, without the part that the spread
            over seeds already contains (`item_errors.estimate_covariance`); an estimate below 0 counts as 0
        level: of confidence
    """
    mean, standard_error, degrees_of_freedom = compute_standard_errors(values, item_variance)
    half_width = t_quantile(degrees_of_freedom, level) * standard_error
    return np.stack([mean - half_width, mean + half_width], axis=-1)


def compute_standard_errors(values: npt.ArrayLike, item_variance: npt.ArrayLike = 0.0) -> tuple[Array, Array, Array]:
    """Return each mean, its standard error and the degrees of freedom of that error: [...] each.

    The arguments are those of `compute_intervals`. The error is NaN with fewer than MIN_SEEDS seeds; where it is 0 the
    degrees of freedom are infinite.
    """
    moments = compute_moments(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        seed_variance = np.where(moments.count >= MIN_SEEDS, moments.sd**2 / moments.count, np.nan)
        total = seed_variance + np.maximum(item_variance, 0.0)
        degrees_of_freedom = np.where(seed_variance > 0, (moments.count - 1) * (total / seed_variance) ** 2, np.inf)
    return moments.mean, np.sqrt(total), degrees_of_freedom


def t_quantile(degrees_of_freedom: npt.ArrayLike, level: float = CONFIDENCE_LEVEL) -> Array:
    """Return the t with probability `level` between -t and t; that of the normal for infinite degrees of freedom."""
    return np.asarray(stdtrit(degrees_of_freedom, (1 + level) / 2))


def two_sided_p(t: npt.ArrayLike, degrees_of_freedom: npt.ArrayLike) -> Array:
    """Return the probability that Student's t lies further from 0 than `t`, on either side."""
    return np.asarray(2 * stdtr(degrees_of_freedom, -np.abs(t)))


def compute_wilson_interval(count: int, total: int, level: float = CONFIDENCE_LEVEL) -> tuple[float, float]:
    """Return Wilson's interval (1927) of a share, `count` of `total` independent trials: two shares from 0 to 1.

    It has a width where nothing or everything counts: 0 of 54 is 0 to 0.066. Of the simple intervals it keeps its level
    best with few trials and small shares (Brown, Cai and DasGupta 2001). Trials that share a seed are not independent:
    their interval is too narrow. Raises ValueError unless 0 <= count <= total and total >= 1.
    """
    if not 0 <= count <= total or total < 1:
        raise ValueError(f"a share takes at least one trial and at most as many counts, got {count} of {total}.")
    z = float(t_quantile(math.inf, level))
    share, weight = count / total, z**2 / total
    centre = (share + weight / 2) / (1 + weight)
    half_width = z / (1 + weight) * math.sqrt(share * (1 - share) / total + weight / total / 4)
    # Rounding must not leave the ends at 0 and 1.
    low = 0.0 if count == 0 else max(0.0, centre - half_width)
    return low, 1.0 if count == total else min(1.0, centre + half_width)
