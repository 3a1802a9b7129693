"""Is a mean over seeds other than 0, and how many such findings survive that many were looked for?"""

import math

import numpy as np
import numpy.typing as npt

from analysis.statistics.interval import MIN_SEEDS, compute_standard_errors, t_quantile, two_sided_p
from analysis.statistics.moments import EPSILON, Array

ALPHA = 0.05


def compute_p_values(values: npt.ArrayLike, item_variance: npt.ArrayLike = 0.0) -> Array:
    """Two-sided p values of Student's t test that the mean is 0; of gains or differences, so a paired test.

    Args:
        values: [..., seeds], NaN for a hole
        items: [...], squared standard error of each mean over new items, as `intervals` takes it

    Returns:
        [...]; NaN with fewer than FEWEST seeds. Without any error: 1 if the mean is 0, else 0, the limit.
    """
    mean, error, freedom = compute_standard_errors(values, item_variance)
    mean = np.where(np.abs(mean) < EPSILON, 0.0, mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(mean == 0, 0.0, mean / error)
    return np.where(np.isnan(error), np.nan, two_sided_p(t, freedom))


def adjust_p_values(p: npt.ArrayLike) -> Array:
    """The p values adjusted for their number: at most ALPHA of all null tables have any below ALPHA.

    Holm (1979): the smallest of m is multiplied by m, the next by m - 1, and so on, never below the one before.

    Args:
        p: of any shape; NaN, a test that was not made, stays NaN and is not counted
    """
    p = np.asarray(p, dtype=np.float64)
    flat = p.ravel()
    order = np.argsort(flat)[: int(np.isfinite(flat).sum())]  # NaN is sorted last
    steps = flat[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(flat.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.reshape(p.shape)


def smallest_gain_in_sd(seeds: int, tests: int, alpha: float = ALPHA) -> float:
    """How many of its standard deviations over seeds a gain must exceed to survive Holm's first step among `tests`.

    What a design can find at all: with 3 seeds and 99 cells, 26 standard deviations; with 5 seeds, 5. Infinite with
    fewer than FEWEST seeds.
    """
    if seeds < MIN_SEEDS:
        return math.inf
    return float(t_quantile(seeds - 1, 1 - alpha / tests)) / math.sqrt(seeds)
