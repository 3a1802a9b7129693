"""The error that the choice of test items leaves in a mean gain: the variation over other items of the same kind.

A score is a ratio of two sums over items. To first order an item moves it by (numerator - score x denominator) / sum
of denominators (the linearisation of a ratio: Cochran 1977, chapter 6). For accuracy that is (right - accuracy) / n,
and the sum of its squares is the binomial p (1 - p) / n. Where languages are translations of each other an item moves
all of them at once, so its parts are added before they are squared. A bootstrap that draws items once for all
languages (Koehn 2004 draws them once for both systems) has the same variance, but needs draws.

Items that share a text (the hypotheses of a premise, the questions of a passage) are right and wrong together. They
are a cluster, and clusters are what is drawn: the parts of all items of a cluster are added before they are squared
(Cochran 1977, chapter 9A; Cameron and Miller 2015). An item that shares nothing is a cluster of its own. The parts of G
clusters sum to 0, so the sum of their squares is too small by (G - 1) / G on average; `estimate_covariance` multiplies
it by G / (G - 1). With clusters of unequal size and few of them the estimate stays a little too small.

All seeds are scored on the same items, so this error does not shrink with seeds. But part of an item's effect differs
from seed to seed, and that part is already in the spread over seeds. `estimate_covariance` subtracts it, so that the
two levels can be added; resampling seeds and items one after the other would count it twice (Owen 2007).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array, BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class ItemParts:
    """The contributions of one target's test items to its scores.

    Rows are test examples, language after language: those of language l are `bounds[l]` to `bounds[l + 1]`. Rows
    with the same number in `clusters` are of one cluster, in one language or in several.
    """

    numerator: Array  # [chains, seeds, rows], NaN where a run has no score in the language
    denominator: Array  # [chains, seeds, rows]
    bounds: Sequence[int]  # [languages + 1]
    clusters: IntArray  # [rows], from 0


def compute_ratios(parts: ItemParts) -> Array:
    """Return the scores [chains, seeds, languages], 0 to 1; 0 where the denominator is 0, NaN where it is missing."""
    numerator, denominator = (_sum_by_language(values, parts.bounds) for values in (parts.numerator, parts.denominator))
    return np.divide(numerator, denominator, out=np.where(np.isnan(denominator), np.nan, 0.0), where=denominator > 0)


def compute_influences(parts: ItemParts) -> Array:
    """Return how far each row moves the score of its language, to first order: [chains, seeds, rows].

    The shares sum to 0 over a language. They are NaN where missing, 0 where nothing can move.
    """
    sizes = np.diff(parts.bounds)
    scores, denominator = compute_ratios(parts), _sum_by_language(parts.denominator, parts.bounds)
    moved = parts.numerator - np.repeat(scores, sizes, axis=-1) * parts.denominator
    return np.asarray(moved / np.repeat(np.where(denominator == 0, 1.0, denominator), sizes, axis=-1))


def _sum_by_language(values: Array, bounds: Sequence[int]) -> Array:
    return np.add.reduceat(values, bounds[:-1], axis=-1)


def sum_by_cluster(parts: ItemParts, influences: Array, weights: Array) -> Array:
    """Return how far each cluster moves a weighted sum over languages: [k, seeds, clusters], as `influences`.

    `influences` [k, seeds, rows] is how far each row moves each of k quantities: from `compute_influences`, or
    differences of them. `weights` [k, seeds, languages] is 0 where a language does not count, e.g. is missing. Clusters
    without a row in any language that counts are left out.
    """
    sums = np.zeros((*influences.shape[:2], int(parts.clusters.max(initial=-1)) + 1))
    counts = np.zeros(sums.shape[-1], dtype=np.bool_)
    for language in map(int, np.flatnonzero(weights.any(axis=(0, 1)))):
        rows = slice(parts.bounds[language], parts.bounds[language + 1])
        weight = weights[:, :, language, None]
        moved = np.where(weight != 0, weight * influences[:, :, rows], 0.0)
        # `sums[..., clusters] += moved` would keep one row of each cluster: first the rows of a cluster are added.
        order = np.argsort(parts.clusters[rows], kind="stable")
        clusters = parts.clusters[rows][order]
        starts = np.flatnonzero(np.diff(clusters, prepend=-1))
        sums[:, :, clusters[starts]] += np.add.reduceat(moved[:, :, order], starts, axis=-1)
        counts[clusters] = True
    return sums[:, :, counts]


def estimate_covariance(influences: npt.ArrayLike, seed_mask: npt.ArrayLike) -> Array:
    """Return the covariance [k, k], among means over seeds, of the errors of the items beyond those of the seeds.

    A cluster's effect is taken as one part that all seeds share and one part of each seed's own. The second is already
    in the spread over seeds and is subtracted. With one seed the two cannot be separated, and nothing is subtracted.
    Where the items have no effect of their own, an eigenvalue of the estimate may be below 0. One cluster shows no
    spread: raises ValueError.

    Args:
        influences: [k, seeds, clusters], how far each cluster moves each of k quantities at each seed
        seed_mask: [k, seeds], the seeds that each quantity is the mean of
    """
    clusters = np.shape(influences)[-1]
    if clusters == 1:
        raise ValueError("items of one cluster show no spread over clusters: at least 2 are needed.")
    correction = clusters / (clusters - 1) if clusters else 0.0
    return correction * (total_covariance(influences, seed_mask) - seed_covariance(influences, seed_mask))


def total_covariance(influences: npt.ArrayLike, seed_mask: npt.ArrayLike) -> Array:
    """Return the covariance over draws of these clusters at fixed seeds; arguments as in `estimate_covariance`."""
    means = _mean_over_seeds(*_mask_missing(influences, seed_mask))
    return np.asarray(means @ means.T)


def seed_covariance(influences: npt.ArrayLike, seed_mask: npt.ArrayLike) -> Array:
    """Return the part of `total_covariance` from item effects that differ between seeds; same arguments."""
    influences, seed_mask = _mask_missing(influences, seed_mask)
    deviations = np.where(seed_mask[:, :, None], influences - _mean_over_seeds(influences, seed_mask)[:, None], 0.0)
    count = seed_mask.sum(axis=1)
    shared = seed_mask.astype(np.int64) @ seed_mask.T.astype(np.int64)  # seeds that two quantities have in common
    flat = deviations.reshape(len(deviations), -1)
    correction = np.divide(shared, shared - 1, out=np.zeros(shared.shape), where=shared > 1)
    return np.asarray(flat @ flat.T * correction / np.maximum(1, np.outer(count, count)))


def _mask_missing(influences: npt.ArrayLike, seed_mask: npt.ArrayLike) -> tuple[Array, BoolArray]:
    seed_mask = np.asarray(seed_mask, dtype=np.bool_)
    return np.where(seed_mask[:, :, None], np.asarray(influences, dtype=np.float64), 0.0), seed_mask


def _mean_over_seeds(influences: Array, seed_mask: BoolArray) -> Array:
    return np.asarray(influences.sum(axis=1) / np.maximum(1, seed_mask.sum(axis=1))[:, None])
