"""Draws of true means, given scores of few seeds: intervals, P(gain > 0), P(best) and ranks come from them alike.

Resampling three seeds with replacement gives intervals that hold the true mean three times in four, not 95 in 100:
of 27 resamples 3 have one seed only, and none goes beyond the seeds. Here each seed gets a normal weight, and the
whole is scaled by a chi-square as Student's t is (a wild bootstrap of the studentised mean). So

- every mean, and every difference of means with the same seeds, is drawn from exactly Student's t about its estimate;
- weight and scale of a draw belong to the seed, not to the cell. A seed is a replicate of the whole chain, so what
  cells have in common through it (the baseline foremost) stays in common: that is the pairing, and it makes means
  over targets, P(best) and ranks right too.

With n seeds all cells move in n - 1 directions only, because nothing is known of the others.
"""

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.statistics.moments import EPSILON, Array, centre_values

DEFAULT_DRAWS = 10_000


def draw_means(
    values: npt.ArrayLike, rng: np.random.Generator, count: int = DEFAULT_DRAWS, noise: Array | None = None
) -> Array:
    """Draws of the true means over seeds. What is to be compared has to be drawn in one call.

    Args:
        values: [..., seeds], one value of each cell and seed, NaN for a hole
        rng: is moved on by the same steps whatever the holes are
        count: number of draws
        noise: [count, ...], draws of the error that the choice of test items leaves in each mean, with mean 0; see
            `item_noise`

    Returns:
        [count, ...]; NaN where a cell has fewer than two seeds.
    """
    mean, deviations, n = centre_values(values)
    seeds = deviations.shape[-1]
    weights, uniform = rng.standard_normal((count, seeds)), rng.random(count)

    # A cell of n seeds: mean + t sd / sqrt(n), where t = normal / sqrt(chi2 / (n - 1)).
    scale = np.full((count, seeds + 1), np.nan)
    for number in np.unique(n[n > 1]):
        chi2 = 2 * gammaincinv((number - 1) / 2, uniform)
        scale[:, number] = np.sqrt((number - 1) / chi2) / np.sqrt(number * (number - 1))
    drawn = (weights @ deviations.reshape(-1, seeds).T).reshape(count, *mean.shape)
    drawn *= scale[:, n]
    drawn += mean
    return drawn if noise is None else drawn + noise


def draw_item_noise(covariance: npt.ArrayLike, rng: np.random.Generator, count: int = DEFAULT_DRAWS) -> Array:
    """Normal draws with mean 0 of the error that the choice of test items leaves, for `draws`.

    Args:
        covariance: [..., k, k], of the errors of k means that share items, e.g. `items.covariance` of all chains on
            one target; what an estimate has of variances below 0 counts as 0
        rng: moved on by count * (...) * k normals
        count: number of draws

    Returns:
        [count, ..., k]
    """
    covariance = np.asarray(covariance, dtype=np.float64)
    values, vectors = np.linalg.eigh(covariance)  # not Cholesky: equal chains leave the matrix singular
    root = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    normal = rng.standard_normal((count, *covariance.shape[:-1]))
    return np.asarray(np.einsum("...ij,n...j->n...i", root, normal))


def compute_quantile_interval(drawn: Array, level: float = CONFIDENCE_LEVEL) -> Array:
    """The interval that leaves equal shares of the draws on either side.

    Args:
        drawn: [draws, ...]
        level: share of the draws inside

    Returns:
        [..., 2]: low and high; NaN where a draw is NaN.
    """
    ends = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(np.moveaxis(ends, 0, -1))


def estimate_p_above(drawn: Array) -> Array:
    """Share of the draws above 0, one at 0 counted half: P(gain > 0).

    Args:
        drawn: [draws, ...]

    Returns:
        [...]; NaN where a draw is NaN.
    """
    share = np.asarray((drawn > EPSILON).mean(axis=0) + (np.abs(drawn) <= EPSILON).mean(axis=0) / 2)
    return np.where(np.isnan(drawn).any(axis=0), np.nan, share)


def estimate_p_best(drawn: Array) -> Array:
    """Share of the draws in which an arm is the best of those that are there, shared if several are: P(best).

    Args:
        drawn: [draws, arms, ...]; an arm that is NaN in one draw is left out of the comparison

    Returns:
        [arms, ...]; NaN for an arm that is left out.
    """
    left_out = np.isnan(drawn).any(axis=0)
    there = np.where(left_out, -np.inf, drawn)
    first = there >= there.max(axis=1, keepdims=True) - EPSILON
    share = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    return np.where(left_out, np.nan, share)
