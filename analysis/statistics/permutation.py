"""Does a number predict another within columns? Rank correlations, and a test that permutes candidates.

The same candidates stand in every column, and what is common to all of a candidate's cells is common under any
relabelling, too. So candidates are the units: one permutation holds for all columns and seeds at once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.statistics.moments import EPSILON, Array
from analysis.statistics.ranks import rank_values

MAX_PERMUTATIONS = 10_000  # permutations that are drawn where there are more
MIN_CANDIDATES = 3  # candidates of a column, for a correlation

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RankCorrelations:
    """Spearman's correlations of two arrays within each column, and under permutations of the candidates.

    `cells` is columns x seeds, NaN where there are fewer than FEWEST candidates or all are equal. A seed counts if it
    has every column that any seed has. `by_column` [permutations, columns] are means over the seeds that count, the
    observed one first; NaN for a column without a correlation.
    """

    correlations: Array
    permuted_means: Array
    is_exact: bool  # all permutations are there, not a sample

    @property
    def column_mask(self) -> npt.NDArray[np.bool_]:
        """Those with a correlation at any seed."""
        return np.asarray(np.isfinite(self.correlations).any(axis=1))

    @property
    def seed_mask(self) -> npt.NDArray[np.bool_]:
        """Those that count."""
        return np.asarray(np.isfinite(self.correlations[self.column_mask]).all(axis=0) & self.column_mask.any())

    def mean_by_seed(self) -> Array:
        """By seed: the mean over columns; NaN at a seed that does not count."""
        means = (
            self.correlations[self.column_mask].mean(axis=0)
            if self.column_mask.any()
            else np.full(self.correlations.shape[1], np.nan)
        )
        return np.where(self.seed_mask, means, np.nan)

    def contrast(self, column: int) -> Array:
        """By seed: a column's correlation less the mean of the others'; NaN where one of both is not there."""
        others = self.column_mask.copy()
        others[column] = False
        if not (self.column_mask[column] and others.any()):
            return np.full(self.correlations.shape[1], np.nan)
        return np.where(self.seed_mask, self.correlations[column] - self.correlations[others].mean(axis=0), np.nan)

    def p_value(self) -> float:
        """Two-sided, of the mean over columns: how many permutations give one as far from 0. NaN without any."""
        return _two_sided_p(self.permuted_means[:, self.column_mask].mean(axis=1)) if self.seed_mask.any() else math.nan

    def contrast_p_value(self, column: int) -> float:
        """Two-sided, of `apart`: how many permutations set the column as far apart from the others."""
        drawn = self._permuted_contrasts(column)
        return math.nan if drawn is None else _two_sided_p(drawn)

    def contrast_null_interval(self, column: int, level: float = CONFIDENCE_LEVEL) -> tuple[float, float] | None:
        """Between which differences this share of the permutations lies."""
        drawn = self._permuted_contrasts(column)
        if drawn is None:
            return None
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def _permuted_contrasts(self, column: int) -> Array | None:
        others = self.column_mask.copy()
        others[column] = False
        if not (self.seed_mask.any() and self.column_mask[column] and others.any()):
            return None
        return np.asarray(self.permuted_means[:, column] - self.permuted_means[:, others].mean(axis=1))


def correlate_ranks(
    predicted: npt.ArrayLike, found: npt.ArrayLike, rng: np.random.Generator, count: int = MAX_PERMUTATIONS
) -> RankCorrelations:
    """Correlations within columns, and those of every permutation of the candidates, or of `count` drawn ones.

    A candidate moves with all its numbers, and with its holes: a pair that lacks one side is left out, whoever lacks
    it. But a number that does not exist for some columns by its nature (the answers of a head to its own kind of
    question) stays in its columns: candidates take each other's place only if they have numbers for the same ones.

    Args:
        predicted: [candidates, columns, seeds], NaN for a hole
        found: of the same shape, NaN for a hole; where it has none at any seed, `predicted` may lack a number by chance
        rng: draws permutations
        count: where there are more of them, so many are drawn
    """
    first, second = np.broadcast_arrays(np.asarray(predicted, dtype=np.float64), np.asarray(found, dtype=np.float64))
    identity = np.arange(len(first))[None]
    cells = np.stack(
        [
            np.concatenate([_spearman(first[:, t, s], second[:, t, s], identity) for s in range(first.shape[2])])
            for t in range(first.shape[1])
        ]
    )
    start = RankCorrelations(correlations=cells, permuted_means=np.zeros((0, len(cells))), is_exact=True)
    orders, exact = _draw_orders(_group_exchangeable(first, second), rng, count)
    by_column = np.full((len(orders), len(cells)), np.nan)
    for column in np.flatnonzero(start.column_mask):
        # An order that leaves too few pairs, or pairs that are all equal, says nothing and counts as 0.
        drawn = [_spearman(first[:, column, s], second[:, column, s], orders) for s in np.flatnonzero(start.seed_mask)]
        by_column[:, column] = np.nan_to_num(drawn).mean(axis=0) if drawn else np.nan
    return RankCorrelations(correlations=cells, permuted_means=by_column, is_exact=exact)


def _spearman(first: Array, second: Array, orders: IntArray) -> Array:
    """Of [candidates] each, for every order [orders, candidates] of the first: [orders]; NaN where it says nothing."""
    one, other = np.isfinite(first), np.isfinite(second)
    if (one <= other).all() and (one[orders] == one).all():  # the same pairs in every order: ranks move with candidates
        moved = _standardise_ranks(first)[orders]
        placed, enough = _standardise_ranks(np.where(one, second, np.nan))[None], one.sum()[None] >= MIN_CANDIDATES
    else:
        there = one[orders] & other
        moved, placed = (
            _standardise_ranks(np.where(there, first[orders], np.nan)),
            _standardise_ranks(np.where(there, second, np.nan)),
        )
        enough = there.sum(axis=1) >= MIN_CANDIDATES
    telling = enough & moved.any(axis=1) & placed.any(axis=1)
    return np.where(telling, (moved * placed).sum(axis=1), np.nan)


def _standardise_ranks(values: Array) -> Array:
    """Centred ranks within the trailing axis, of length 1; 0 for NaN, and everywhere if all are equal."""
    placed = rank_values(values)
    there = np.isfinite(placed)
    mean = np.where(there, placed, 0.0).sum(axis=-1, keepdims=True) / np.maximum(there.sum(axis=-1, keepdims=True), 1)
    placed = np.where(there, placed - mean, 0.0)
    length = np.sqrt((placed**2).sum(axis=-1, keepdims=True))
    return np.where(length > EPSILON, placed / np.where(length > EPSILON, length, 1.0), 0.0)


def _group_exchangeable(first: Array, second: Array) -> list[list[int]]:
    """The candidates in groups that have numbers for the same columns; where nothing was found none need be there."""
    applies: npt.NDArray[np.bool_] = np.asarray(np.isfinite(first).any(axis=2) | ~np.isfinite(second).any(axis=2))
    groups: dict[bytes, list[int]] = {}
    for place, row in enumerate(applies):
        groups.setdefault(row.tobytes(), []).append(place)
    return list(groups.values())


def _draw_orders(groups: Sequence[list[int]], rng: np.random.Generator, count: int) -> tuple[IntArray, bool]:
    """Permutations [permutations, candidates] within groups, the identity first, and whether they are all."""
    size = sum(map(len, groups))
    if math.prod(math.factorial(len(group)) for group in groups) <= count:
        return _enumerate_orders(groups, size), True
    orders = np.tile(np.arange(size), (count + 1, 1))
    for group in groups:
        orders[1:, group] = rng.permuted(orders[1:, group], axis=1)
    return orders, False


def _enumerate_orders(groups: Sequence[list[int]], size: int) -> IntArray:
    within = [np.array(list(permutations(group))) for group in groups]
    shape = [len(orders) for orders in within]
    choices = np.indices(shape).reshape(len(groups), math.prod(shape))  # one order of each group
    every = np.empty((choices.shape[1], size), dtype=np.int64)
    for group, orders, chosen in zip(groups, within, choices, strict=True):
        every[:, group] = orders[chosen]
    return every


def _two_sided_p(drawn: Array) -> float:
    """Of the draws, the observed one first: how many are as far from 0 as it is, itself among them."""
    return float((np.abs(drawn) >= abs(drawn[0]) - EPSILON).mean())
