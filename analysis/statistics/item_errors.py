"""The error that the choice of test items leaves in a mean gain: what other items of the same kind would have shown.

A score is a ratio of two sums over items. To first order an item moves it by (numerator - score x denominator) / sum
of denominators (the linearisation of a ratio: Cochran 1977, chapter 6); for accuracy that is (right - accuracy) / n,
and the sum of its squares is the binomial p (1 - p) / n. Where languages are translations of each other an item moves
all of them at once, so its parts are added before they are squared: a bootstrap that draws items once for all
languages (Koehn 2004 draws them once for both systems) has the same variance without a draw.

All seeds are scored on the same items, so that this error does not shrink with seeds. But part of what an item does
differs from seed to seed, and that part is in the spread over seeds already. `covariance` leaves it out, so that the
two levels may be added; resampling seeds and items one after the other would count it twice (Owen 2007).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ItemParts:
    """What the test items of one target bring to its scores.

    Rows are test examples, language after language: those of language l are `bounds[l]` to `bounds[l + 1]`. Rows
    with the same number in `items` are the same item; within a language each has its own.
    """

    numerator: Array  # [chains, seeds, rows], NaN where a run has no score in the language
    denominator: Array  # [chains, seeds, rows]
    bounds: Sequence[int]  # [languages + 1]
    items: IntArray  # [rows]


def compute_ratios(parts: ItemParts) -> Array:
    """The scores that the parts make.

    Returns:
        [chains, seeds, languages], from 0 to 1; 0 where a denominator is 0, NaN for a hole.
    """
    above, below = (_sum_by_language(values, parts.bounds) for values in (parts.numerator, parts.denominator))
    return np.divide(above, below, out=np.where(np.isnan(below), np.nan, 0.0), where=below > 0)


def compute_influences(parts: ItemParts) -> Array:
    """How far each row moves the score of its language, to first order.

    Returns:
        [chains, seeds, rows], shares; they add up to 0 over a language. NaN for a hole, 0 where nothing can move.
    """
    sizes = np.diff(parts.bounds)
    scores, below = compute_ratios(parts), _sum_by_language(parts.denominator, parts.bounds)
    moved = parts.numerator - np.repeat(scores, sizes, axis=-1) * parts.denominator
    return np.asarray(moved / np.repeat(np.where(below == 0, 1.0, below), sizes, axis=-1))


def _sum_by_language(values: Array, bounds: Sequence[int]) -> Array:
    return np.add.reduceat(values, bounds[:-1], axis=-1)


def sum_by_item(parts: ItemParts, moved: Array, weights: Array) -> Array:
    """How far each item moves a weighted sum over languages.

    Args:
        parts: of the target
        moved: [k, seeds, rows], how far each row moves each of k quantities: `influences`, or differences of them
        weights: [k, seeds, languages]; 0 where a language does not count, e.g. since it is a hole

    Returns:
        [k, seeds, items], in the unit of `moved`
    """
    found = np.zeros((*moved.shape[:2], int(parts.items.max(initial=-1)) + 1))
    for language in map(int, np.flatnonzero(weights.any(axis=(0, 1)))):
        rows = slice(parts.bounds[language], parts.bounds[language + 1])
        weight = weights[:, :, language, None]
        found[:, :, parts.items[rows]] += np.where(weight != 0, weight * moved[:, :, rows], 0.0)
    return found


def estimate_covariance(moved: npt.ArrayLike, there: npt.ArrayLike) -> Array:
    """The covariance, among means over seeds, of the errors that the items leave beside those that the seeds leave.

    An item's effect is taken as one part that all seeds share and one of each seed's own. The second is already in
    the spread over seeds and is subtracted. With one seed the two cannot be told apart, and nothing is.

    Args:
        moved: [k, seeds, items], how far each item moves each of k quantities at each seed
        there: [k, seeds], which seeds a quantity is the mean of

    Returns:
        [k, k]. An estimate: where the items have no effect of their own, an eigenvalue may be below 0.
    """
    return total_covariance(moved, there) - seed_covariance(moved, there)


def total_covariance(moved: npt.ArrayLike, there: npt.ArrayLike) -> Array:
    """The covariance that drawing other items gives at the seeds as they are; arguments as of `covariance`."""
    means = _mean_over_seeds(*_mask_missing(moved, there))
    return np.asarray(means @ means.T)


def seed_covariance(moved: npt.ArrayLike, there: npt.ArrayLike) -> Array:
    """The part of `together` in which an item does at each seed something else; arguments as of `covariance`."""
    moved, there = _mask_missing(moved, there)
    apart = np.where(there[:, :, None], moved - _mean_over_seeds(moved, there)[:, None], 0.0)
    count = there.sum(axis=1)
    shared = there.astype(np.int64) @ there.T.astype(np.int64)  # seeds that two quantities have in common
    flat = apart.reshape(len(apart), -1)
    freed = np.divide(shared, shared - 1, out=np.zeros(shared.shape), where=shared > 1)
    return np.asarray(flat @ flat.T * freed / np.maximum(1, np.outer(count, count)))


def _mask_missing(moved: npt.ArrayLike, there: npt.ArrayLike) -> tuple[Array, npt.NDArray[np.bool_]]:
    there = np.asarray(there, dtype=np.bool_)
    return np.where(there[:, :, None], np.asarray(moved, dtype=np.float64), 0.0), there


def _mean_over_seeds(moved: Array, there: npt.NDArray[np.bool_]) -> Array:
    return np.asarray(moved.sum(axis=1) / np.maximum(1, there.sum(axis=1))[:, None])
