"""Draws of the true means, given scores of few seeds. They give intervals, P(gain > 0), P(best) and ranks.

Resampling three seeds with replacement gives intervals that contain the true mean 75 times in 100 instead of 95: 3 of
27 resamples consist of one seed only, and none goes beyond the seeds. Here each seed gets a normal weight, and the sum
is scaled by a chi-square as Student's t is (a wild bootstrap of the studentised mean). Therefore

- every mean, and every difference of means over the same seeds, is drawn from exactly Student's t around its estimate;
- weight and scale of a draw belong to the seed, not to the cell. A seed is a replicate of the whole chain, so all that
  cells share through it (above all the baseline) stays shared. This pairs the cells, and makes means over targets,
  P(best) and ranks correct as well.

With n seeds all cells vary in n - 1 directions only; the data say nothing about the others.
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
    """Return draws [count, ...] of the true means over seeds; NaN where a cell has fewer than two seeds.

    Means that are to be compared must be drawn in one call. `rng` advances by the same number of steps whatever is
    missing.

    Args:
        values: [..., seeds], one value per cell and seed, NaN where missing
        rng: source of the draws
        count: number of draws
        noise: [count, ...], of the error that the choice of test items leaves in each mean (`draw_item_noise`)
    """
    mean, deviations, seed_counts = centre_values(values)
    seeds = deviations.shape[-1]
    weights, uniform = rng.standard_normal((count, seeds)), rng.random(count)
    if not (seed_counts > 1).any():  # a view of one NaN: thousands of arms with one seed would take gigabytes
        return np.broadcast_to(np.float64(np.nan), (count, *mean.shape))

    # A cell of n seeds: mean + t sd / sqrt(n), where t = normal / sqrt(chi2 / (n - 1)).
    scale = np.full((count, seeds + 1), np.nan)
    for n in np.unique(seed_counts[seed_counts > 1]):
        chi2 = 2 * gammaincinv((n - 1) / 2, uniform)
        scale[:, n] = np.sqrt((n - 1) / chi2) / np.sqrt(n * (n - 1))
    draws = (weights @ deviations.reshape(-1, seeds).T).reshape(count, *mean.shape)
    draws *= scale[:, seed_counts]
    draws += mean
    return draws if noise is None else draws + noise


def draw_item_noise(covariance: npt.ArrayLike, rng: np.random.Generator, count: int = DEFAULT_DRAWS) -> Array:
    """Return normal draws [count, ..., k], with mean 0, of the error that the choice of test items leaves.

    `covariance` [..., k, k] is that of the errors of k means that share items, e.g. `item_errors.estimate_covariance`
    of all chains on one target; negative eigenvalues of an estimate count as 0.
    """
    covariance = np.asarray(covariance, dtype=np.float64)
    eigenvalues, eigenvectors = np.linalg.eigh(covariance)  # not Cholesky: equal chains make the matrix singular
    root = eigenvectors * np.sqrt(np.maximum(eigenvalues, 0.0))[..., None, :]
    normal = rng.standard_normal((count, *covariance.shape[:-1]))
    return np.asarray(np.einsum("...ij,n...j->n...i", root, normal))


def compute_quantile_interval(draws: Array, level: float = CONFIDENCE_LEVEL) -> Array:
    """Return bounds [..., 2] of the middle share `level` of `draws` [draws, ...]; NaN where a draw is NaN."""
    bounds = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(np.moveaxis(bounds, 0, -1))


def estimate_p_above(draws: Array) -> Array:
    """Return P(gain > 0) [...], a draw [draws, ...] of 0 counting half; NaN where a draw is NaN."""
    excluded = np.isnan(draws).any(axis=0)
    if excluded.all():
        return np.full(draws.shape[1:], np.nan)
    share = np.asarray((draws > EPSILON).mean(axis=0) + (np.abs(draws) <= EPSILON).mean(axis=0) / 2)
    return np.where(excluded, np.nan, share)


def estimate_p_best(draws: Array) -> Array:
    """Return P(best) [arms, ...]: the share of `draws` [draws, arms, ...] in which each arm is the best.

    Equal arms share a draw. An arm that is NaN in any draw is excluded, and NaN in the result.
    """
    excluded = np.isnan(draws).any(axis=0)
    values = np.where(excluded, -np.inf, draws)
    best = values >= values.max(axis=1, keepdims=True) - EPSILON
    share = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return np.where(excluded, np.nan, share)
