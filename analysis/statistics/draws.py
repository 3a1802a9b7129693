"""Draws of the true means, given scores of few seeds. They give P(best) and ranks.

Resampling three seeds with replacement gives intervals that contain the true mean 75 times in 100 instead of 95: 3 of
27 resamples consist of one seed only, and none goes beyond the seeds. Here each seed gets a normal weight, and the sum
is scaled by a chi-square as Student's t is (a wild bootstrap of the studentised mean). Therefore

- every mean, and every difference of means over the same seeds, is drawn from exactly Student's t around its estimate;
- weight and scale of a draw belong to the seed, not to the cell. A seed is a replicate of the whole chain, so all that
  cells share through it (above all the baseline) stays shared. This pairs the cells, and makes means over targets,
  P(best) and ranks correct as well.

With n seeds all cells vary in n - 1 directions only; the data say nothing about the others.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.statistics.moments import EPSILON, Array, centre_values

DEFAULT_DRAWS = 10_000
BLOCK_BYTES = 64 * 2**20  # of one block of draws: thousands of arms on dozens of targets would take gigabytes


def draw_means(
    values: npt.ArrayLike, rng: np.random.Generator, count: int = DEFAULT_DRAWS, covariance: npt.ArrayLike | None = None
) -> Array:
    """Return draws [count, ...] of the true means over seeds: the blocks of `draw_blocks` in one array."""
    return np.concatenate([*draw_blocks(values, rng, count, covariance)])


def draw_blocks(
    values: npt.ArrayLike, rng: np.random.Generator, count: int = DEFAULT_DRAWS, covariance: npt.ArrayLike | None = None
) -> Iterator[Array]:
    """Yield draws [..., *cells] of the true means over seeds, `count` in all; NaN where a cell has fewer than two.

    Means that are to be compared must be drawn in one call. A block takes at most BLOCK_BYTES, or one draw; the draws
    do not depend on its size. `rng` advances by the same number of steps whatever is missing.

    Args:
        values: [..., seeds], one value per cell and seed, NaN where missing
        rng: source of the draws
        count: number of draws
        covariance: [..., k, k] for cells [..., k], of the error that the choice of test items leaves in each mean,
            e.g. `item_errors.estimate_covariance` of all chains on one target; negative eigenvalues of an estimate
            count as 0. The error is drawn from the normal distribution.
    """
    mean, deviations, seed_counts = centre_values(values)
    seeds = deviations.shape[-1]
    weights, uniform = rng.standard_normal((count, seeds)), rng.random(count)

    # A cell of n seeds: mean + t sd / sqrt(n), where t = normal / sqrt(chi2 / (n - 1)).
    scale = np.full((count, seeds + 1), np.nan)
    for n in np.unique(seed_counts[seed_counts > 1]):
        chi2 = 2 * gammaincinv((n - 1) / 2, uniform)
        scale[:, n] = np.sqrt((n - 1) / chi2) / np.sqrt(n * (n - 1))
    root = None if covariance is None else _take_root(np.asarray(covariance, dtype=np.float64))
    size = max(1, BLOCK_BYTES // (8 * max(1, mean.size)))
    for rows in (slice(start, min(start + size, count)) for start in range(0, count, size)):
        draws = (weights[rows] @ deviations.reshape(-1, seeds).T).reshape(-1, *mean.shape)
        draws *= scale[rows][:, seed_counts]
        draws += mean
        if root is not None:
            draws += np.einsum("...ij,n...j->n...i", root, rng.standard_normal(draws.shape))
        yield draws


def _take_root(covariance: Array) -> Array:
    eigenvalues, eigenvectors = np.linalg.eigh(covariance)  # not Cholesky: equal chains make the matrix singular
    return np.asarray(eigenvectors * np.sqrt(np.maximum(eigenvalues, 0.0))[..., None, :])


def average_blocks(estimate: Callable[[Array], Array], blocks: Iterable[Array]) -> Array:
    """Return the mean over all draws of what `estimate` returns for each block, e.g. `estimate_p_best`."""
    total, count = np.zeros(()), 0
    for draws in blocks:
        total, count = total + len(draws) * estimate(draws), count + len(draws)
    return np.asarray(total / count)


def compute_quantile_interval(draws: Array, level: float = CONFIDENCE_LEVEL) -> Array:
    """Return bounds [..., 2] of the middle share `level` of `draws` [draws, ...]; NaN where a draw is NaN."""
    bounds = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(np.moveaxis(bounds, 0, -1))


def estimate_p_best(draws: Array) -> Array:
    """Return P(best) [arms, ...]: the share of `draws` [draws, arms, ...] in which each arm is the best.

    Equal arms share a draw. An arm that is NaN in any draw is excluded, and NaN in the result.
    """
    excluded = np.isnan(draws).any(axis=0)
    values = np.where(excluded, -np.inf, draws)
    best = values >= values.max(axis=1, keepdims=True) - EPSILON
    share = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return np.where(excluded, np.nan, share)
