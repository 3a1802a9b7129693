"""Rank correlation of two quantities within columns, with a test that permutes candidates.

The same candidates stand in every column, and what a candidate's cells share is still shared after any permutation. So
candidates are the units: one permutation applies to all columns and seeds at once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, permutations, product

import numpy as np
import numpy.typing as npt

from analysis.statistics.draws import compute_quantile_interval
from analysis.statistics.moments import EPSILON, Array, BoolArray, IntArray
from analysis.statistics.ranks import rank_values

MAX_PERMUTATIONS = 10_000  # where there are more, this number is drawn
MIN_CANDIDATES = 3  # fewest candidates of a column that give a correlation


@dataclass(frozen=True, slots=True, kw_only=True)
class RankCorrelations:
    """Spearman's correlations of two arrays within each column, and under permutations of the candidates.

    `correlations` is [columns, seeds], NaN where there are fewer than MIN_CANDIDATES candidates or all are equal. A
    seed counts if it has every column that any seed has. `permuted_means` [permutations, columns] are means over the
    seeds that count, the observed one first; NaN for a column without a correlation.
    """

    correlations: Array
    permuted_means: Array
    is_exact: bool  # all permutations, not a sample

    @property
    def column_mask(self) -> BoolArray:
        """Mask of the columns with a correlation at any seed."""
        return np.asarray(np.isfinite(self.correlations).any(axis=1))

    @property
    def seed_mask(self) -> BoolArray:
        """Mask of the seeds that count."""
        return np.asarray(np.isfinite(self.correlations[self.column_mask]).all(axis=0) & self.column_mask.any())

    def mean_by_seed(self) -> Array:
        """Return the mean over columns for each seed; NaN at a seed that does not count."""
        if not self.column_mask.any():
            return np.full(self.correlations.shape[1], np.nan)
        return np.where(self.seed_mask, self.correlations[self.column_mask].mean(axis=0), np.nan)

    def contrast(self, column: int) -> Array:
        """Return a column's correlation minus the mean of the others', for each seed; NaN where either is missing."""
        others = self._other_columns(column)
        if not (self.column_mask[column] and others.any()):
            return np.full(self.correlations.shape[1], np.nan)
        return np.where(self.seed_mask, self.correlations[column] - self.correlations[others].mean(axis=0), np.nan)

    def p_value(self) -> float:
        """Return the two-sided p value of the mean over columns; NaN if no seed counts."""
        return _two_sided_p(self.permuted_means[:, self.column_mask].mean(axis=1)) if self.seed_mask.any() else math.nan

    def contrast_p_value(self, column: int) -> float:
        """Return the two-sided p value of `contrast`, averaged over seeds."""
        contrasts = self._permuted_contrasts(column)
        return math.nan if contrasts is None else _two_sided_p(contrasts)

    def contrast_null_interval(self, column: int) -> tuple[float, float] | None:
        """Return the bounds between which a share CONFIDENCE_LEVEL of the permuted contrasts lies."""
        contrasts = self._permuted_contrasts(column)
        if contrasts is None:
            return None
        low, high = compute_quantile_interval(contrasts)
        return float(low), float(high)

    def _permuted_contrasts(self, column: int) -> Array | None:
        others = self._other_columns(column)
        if not (self.seed_mask.any() and self.column_mask[column] and others.any()):
            return None
        return np.asarray(self.permuted_means[:, column] - self.permuted_means[:, others].mean(axis=1))

    def _other_columns(self, column: int) -> BoolArray:
        mask = self.column_mask
        mask[column] = False
        return mask


def correlate_ranks(
    predicted: npt.ArrayLike,
    observed: npt.ArrayLike,
    rng: np.random.Generator,
    count: int = MAX_PERMUTATIONS,
    *,
    strata: Sequence[str] | None = None,
) -> RankCorrelations:
    """Return the correlations within columns, and those of every permutation of the candidates or of `count` draws.

    Both arrays are [candidates, columns, seeds], NaN where missing. A candidate moves with all its values and with its
    missing ones: a pair that lacks one side is excluded. But a value that cannot exist for some columns (the answers of
    a head to its own kind of question) stays in its columns: candidates exchange places only if they have values for
    the same columns. Where `observed` has no value at any seed, `predicted` may lack one by chance. With `strata`, the
    stratum of each candidate, only candidates of the same stratum exchange places: what differs between strata then
    stands in every permutation, and proves nothing.
    """
    predicted, observed = (np.asarray(values, np.float64) for values in np.broadcast_arrays(predicted, observed))
    identity = np.arange(len(predicted))[None]
    _, columns, seeds = predicted.shape
    correlations = np.empty((columns, seeds))
    for t, s in np.ndindex(columns, seeds):
        [correlations[t, s]] = _spearman(predicted[:, t, s], observed[:, t, s], identity)
    unpermuted = RankCorrelations(correlations=correlations, permuted_means=np.zeros((0, columns)), is_exact=True)
    counted_seeds = np.flatnonzero(unpermuted.seed_mask)
    groups = _group_exchangeable(predicted, observed, strata or [""] * len(predicted))
    orders, is_exact = _draw_orders(groups, rng, count)
    means = np.full((len(orders), columns), np.nan)
    for t in np.flatnonzero(unpermuted.column_mask):
        # An order that leaves too few pairs, or pairs that are all equal, has no correlation and counts as 0.
        permuted = [_spearman(predicted[:, t, s], observed[:, t, s], orders) for s in counted_seeds]
        means[:, t] = np.nan_to_num(permuted).mean(axis=0) if permuted else np.nan
    return RankCorrelations(correlations=correlations, permuted_means=means, is_exact=is_exact)


def _spearman(first: Array, second: Array, orders: IntArray) -> Array:
    """Return the correlations [orders] under all orders [orders, candidates] of the first; NaN where undefined."""
    has_first, has_second = np.isfinite(first), np.isfinite(second)
    if (has_first <= has_second).all() and (has_first[orders] == has_first).all():
        # The same pairs in every order: ranks move with candidates.
        pairs = has_first[None]
        moved = _standardise_ranks(first)[orders]
        fixed = _standardise_ranks(np.where(has_first, second, np.nan))[None]
    else:
        pairs = has_first[orders] & has_second
        moved = _standardise_ranks(np.where(pairs, first[orders], np.nan))
        fixed = _standardise_ranks(np.where(pairs, second, np.nan))
    defined = (pairs.sum(axis=1) >= MIN_CANDIDATES) & moved.any(axis=1) & fixed.any(axis=1)
    return np.where(defined, (moved * fixed).sum(axis=1), np.nan)


def _standardise_ranks(values: Array) -> Array:
    """Return centred ranks of length 1 within the trailing axis; 0 for NaN, and everywhere if all are equal."""
    ranks = rank_values(values)
    present = np.isfinite(ranks)
    count = np.maximum(present.sum(axis=-1, keepdims=True), 1)
    mean = np.where(present, ranks, 0.0).sum(axis=-1, keepdims=True) / count
    centred = np.where(present, ranks - mean, 0.0)
    length = np.sqrt((centred**2).sum(axis=-1, keepdims=True))
    return np.where(length > EPSILON, centred / np.where(length > EPSILON, length, 1.0), 0.0)


def _group_exchangeable(predicted: Array, observed: Array, strata: Sequence[str]) -> list[list[int]]:
    """Return the candidates in groups of one stratum that have values for the same columns.

    A column without scores requires no value.
    """
    applies: BoolArray = np.asarray(np.isfinite(predicted).any(axis=2) | ~np.isfinite(observed).any(axis=2))
    groups: dict[tuple[str, bytes], list[int]] = {}
    for candidate, (stratum, columns) in enumerate(zip(strata, applies, strict=True)):
        groups.setdefault((stratum, columns.tobytes()), []).append(candidate)
    return list(groups.values())


def _draw_orders(groups: Sequence[list[int]], rng: np.random.Generator, count: int) -> tuple[IntArray, bool]:
    """Return permutations [permutations, candidates] within groups, the identity first, and True if they are all."""
    size = sum(map(len, groups))
    if math.prod(math.factorial(len(group)) for group in groups) <= count:
        choices = list(product(*map(permutations, groups)))  # one order of each group
        orders = np.empty((len(choices), size), dtype=np.int64)
        orders[:, list(chain.from_iterable(groups))] = [list(chain.from_iterable(choice)) for choice in choices]
        return orders, True
    orders = np.tile(np.arange(size), (count + 1, 1))
    for group in groups:
        orders[1:, group] = rng.permuted(orders[1:, group], axis=1)
    return orders, False


def _two_sided_p(values: Array) -> float:
    """Return the share of the values that are as far from their mean as the first, the observed one, which counts.

    The mean is 0 where all candidates exchange places, and what strata explain where these do not.
    """
    distances = np.abs(values - values.mean())
    return float((distances >= distances[0] - EPSILON).mean())
