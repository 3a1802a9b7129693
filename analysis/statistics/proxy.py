"""How well does one score, as English dev, order arms by another that cannot be seen when choosing?"""

import math

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import EPSILON, Array, moments
from analysis.statistics.ranks import ranks

PERMUTATIONS = 10_000


def regret(proxy: npt.ArrayLike, truth: npt.ArrayLike) -> Array:
    """Points lost by taking the arm that is best by `proxy` instead of the one that is best in truth.

    Arms that are equal by `proxy` count with their mean, as if one were drawn.

    Args:
        proxy: [..., arms], NaN for a hole
        truth: [..., arms]; arms that lack either are no candidates

    Returns:
        [...], at least 0; NaN without a candidate.
    """
    proxy, truth = _common(proxy, truth)
    seen = np.where(np.isnan(proxy), -np.inf, proxy)
    first = (seen >= seen.max(axis=-1, keepdims=True) - EPSILON) & ~np.isnan(proxy)
    return _oracle(truth) - moments(np.where(first, truth, np.nan)).mean


def regret_of_chance(proxy: npt.ArrayLike, truth: npt.ArrayLike) -> Array:
    """Points lost by taking any of the same arms: what `regret` is to be compared with."""
    _, truth = _common(proxy, truth)
    return _oracle(truth) - moments(truth).mean


def spearman(one: npt.ArrayLike, other: npt.ArrayLike) -> Array:
    """Rank correlation of the arms that have both; equal values share the mean of their ranks.

    Args:
        one: [..., arms], NaN for a hole
        other: [..., arms]

    Returns:
        [...], -1 to 1; NaN with fewer than two common arms, or if one side is constant.
    """
    one, other = _common(one, other)
    return _pearson(ranks(one), ranks(other))


def permutation_p(
    one: npt.ArrayLike, other: npt.ArrayLike, rng: np.random.Generator, count: int = PERMUTATIONS
) -> float:
    """Two-sided p value of the mean over rows of `spearman`, by shuffling the arms of each row apart.

    Rows (targets, or seeds of targets) are the units; cells of a matrix are not independent of each other.

    Args:
        one: [..., arms], NaN for a hole
        other: [..., arms]
        rng: for the permutations
        count: of permutations; the smallest p value is 1 / (count + 1)

    Returns:
        NaN if no row has a correlation.
    """
    one, other = _common(np.atleast_2d(one), np.atleast_2d(other))
    seen, shuffled, rows = 0.0, np.zeros(count), 0
    for here, there in zip(_rows(one), _rows(other), strict=True):
        held = ~np.isnan(here)
        here, there = _unit(ranks(here[held])), _unit(ranks(there[held]))
        if here.any() and there.any():
            seen += float(here @ there)
            shuffled += rng.permuted(np.tile(there, (count, 1)), axis=1) @ here
            rows += 1
    if not rows:
        return math.nan
    extreme = int((np.abs(shuffled) >= abs(seen) - EPSILON).sum())
    return (1 + extreme) / (count + 1)


def _rows(values: Array) -> Array:
    return values.reshape(-1, values.shape[-1])


def _unit(values: Array) -> Array:
    """Centred, and of length 1, so that the product of two is their correlation; all 0 if constant or empty."""
    values = values - values.sum() / max(1, values.size)
    length = np.sqrt(values @ values)
    return values / length if length > EPSILON else np.zeros_like(values)


def _common(one: npt.ArrayLike, other: npt.ArrayLike) -> tuple[Array, Array]:
    one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    both = np.isfinite(one) & np.isfinite(other)
    return np.where(both, one, np.nan), np.where(both, other, np.nan)


def _oracle(truth: Array) -> Array:
    best = np.where(np.isnan(truth), -np.inf, truth).max(axis=-1)
    return np.where(np.isfinite(best), best, np.nan)


def _pearson(one: Array, other: Array) -> Array:
    """Correlation over the trailing axis, with holes in the same places; NaN if a side is constant."""
    one, other = one - moments(one).mean[..., None], other - moments(other).mean[..., None]
    product = np.nansum(one * other, axis=-1)
    size = np.sqrt(np.nansum(one**2, axis=-1) * np.nansum(other**2, axis=-1))
    return np.asarray(product / np.where(size > EPSILON, size, np.nan))
