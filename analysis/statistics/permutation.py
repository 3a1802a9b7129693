"""Does a number predict another within columns? Rank correlations, and a test that permutes candidates.

The same candidates stand in every column, and what is common to all of a candidate's cells is common under any
relabelling, too. So candidates are the units: one permutation holds for all columns and seeds at once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
import numpy.typing as npt

from analysis.statistics.interval import LEVEL
from analysis.statistics.moments import EPSILON, Array
from analysis.statistics.ranks import ranks

COUNT = 10_000  # permutations that are drawn where there are more
FEWEST = 3  # candidates of a column, for a correlation

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlated:
    """Spearman's correlations of two arrays within each column, and under permutations of the candidates.

    `cells` is columns x seeds, NaN where there are fewer than FEWEST candidates or all are equal. A seed counts if it
    has every column that any seed has. `by_column` [permutations, columns] are means over the seeds that count, the
    observed one first.
    """

    cells: Array
    by_column: Array
    exact: bool  # all permutations are there, not a sample

    @property
    def columns(self) -> npt.NDArray[np.bool_]:
        """Those with a correlation at any seed."""
        return np.asarray(np.isfinite(self.cells).any(axis=1))

    @property
    def seeds(self) -> npt.NDArray[np.bool_]:
        """Those that count."""
        return np.asarray(np.isfinite(self.cells[self.columns]).all(axis=0) & self.columns.any())

    def mean(self) -> Array:
        """By seed: the mean over columns; NaN at a seed that does not count."""
        means = self.cells[self.columns].mean(axis=0) if self.columns.any() else np.full(self.cells.shape[1], np.nan)
        return np.where(self.seeds, means, np.nan)

    def apart(self, column: int) -> Array:
        """By seed: a column's correlation less the mean of the others'; NaN where one of both is not there."""
        others = self.columns.copy()
        others[column] = False
        if not (self.columns[column] and others.any()):
            return np.full(self.cells.shape[1], np.nan)
        return np.where(self.seeds, self.cells[column] - self.cells[others].mean(axis=0), np.nan)

    def p(self) -> float:
        """Two-sided, of the mean over columns: how many permutations give one as far from 0. NaN without any."""
        return _share(self.by_column[:, self.columns].mean(axis=1)) if self.seeds.any() else math.nan

    def p_apart(self, column: int) -> float:
        """Two-sided, of `apart`: how many permutations set the column as far apart from the others."""
        drawn = self._drawn_apart(column)
        return math.nan if drawn is None else _share(drawn)

    def chance_apart(self, column: int, level: float = LEVEL) -> tuple[float, float] | None:
        """Between which differences this share of the permutations lies."""
        drawn = self._drawn_apart(column)
        if drawn is None:
            return None
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def _drawn_apart(self, column: int) -> Array | None:
        others = self.columns.copy()
        others[column] = False
        if not (self.seeds.any() and self.columns[column] and others.any()):
            return None
        return np.asarray(self.by_column[:, column] - self.by_column[:, others].mean(axis=1))


def correlated(
    predicted: npt.ArrayLike, found: npt.ArrayLike, rng: np.random.Generator, count: int = COUNT
) -> Correlated:
    """Correlations within columns, and those of every permutation of the candidates, or of `count` drawn ones.

    Where cells are missing, candidates take each other's place only if they have the same cells: a number that exists
    for some columns only (the answers of a head to its own kind of question) stays in them.

    Args:
        predicted: [candidates, columns, seeds], NaN for a hole
        found: of the same shape
        rng: draws permutations
        count: where there are more of them, so many are drawn
    """
    first, second = np.broadcast_arrays(np.asarray(predicted, dtype=np.float64), np.asarray(found, dtype=np.float64))
    there = np.isfinite(first) & np.isfinite(second)
    there &= there.sum(axis=0) >= FEWEST
    first, second = _placed(first, there), _placed(second, there)
    there &= (np.abs(first).max(axis=0) > 0) & (np.abs(second).max(axis=0) > 0)
    cells = np.where(there.any(axis=0), (first * second).sum(axis=0), np.nan)
    start = Correlated(cells=cells, by_column=np.zeros((0, cells.shape[0])), exact=True)
    orders, exact = _orders(there, rng, count)
    chosen = start.seeds
    first, second = (np.where(there, part, 0.0)[:, :, chosen] for part in (first, second))
    products = np.einsum("its,jts->tij", first, second) / max(1, int(chosen.sum()))
    by_column = np.stack([one[orders, np.arange(len(first))].sum(axis=1) for one in products], axis=1)
    return Correlated(cells=cells, by_column=by_column, exact=exact)


def _placed(values: Array, there: npt.NDArray[np.bool_]) -> Array:
    """Centred ranks within each cell, of length 1; 0 for what is not there, and everywhere if all are equal."""
    placed = np.moveaxis(ranks(np.moveaxis(np.where(there, values, np.nan), 0, -1)), -1, 0)
    with np.errstate(invalid="ignore"):
        number = np.maximum(there.sum(axis=0), 1)
        placed = np.where(there, placed - np.where(there, placed, 0.0).sum(axis=0) / number, 0.0)
    length = np.sqrt((placed**2).sum(axis=0))
    return np.where(length > EPSILON, placed / np.where(length > EPSILON, length, 1.0), 0.0)


def _orders(there: npt.NDArray[np.bool_], rng: np.random.Generator, count: int) -> tuple[Places, bool]:
    """Permutations [permutations, candidates] within groups that have the same cells, the identity first."""
    alike: dict[bytes, list[int]] = {}
    for place, row in enumerate(there.reshape(len(there), -1)):
        alike.setdefault(row.tobytes(), []).append(place)
    groups = list(alike.values())
    if math.prod(math.factorial(len(group)) for group in groups) <= count:
        return _every(groups, len(there)), True
    orders = np.tile(np.arange(len(there)), (count + 1, 1))
    for group in groups:
        orders[1:, group] = rng.permuted(orders[1:, group], axis=1)
    return orders, False


def _every(groups: Sequence[list[int]], size: int) -> Places:
    orders = np.tile(np.arange(size), (math.prod(math.factorial(len(group)) for group in groups), 1))
    for row, parts in zip(orders, product(*(permutations(group) for group in groups)), strict=True):
        for group, part in zip(groups, parts, strict=True):
            row[group] = part
    return orders


def _share(drawn: Array) -> float:
    """Of the draws, the observed one first: how many are as far from 0 as it is, itself among them."""
    return float((np.abs(drawn) >= abs(drawn[0]) - EPSILON).mean())
