"""Ranks of arms over columns (targets), and whether ranks can separate arms at all (Demsar 2006, JMLR 7:1)."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr

from analysis.statistics.moments import EPSILON, Array
from analysis.statistics.significance import ALPHA


def rank_values(values: npt.ArrayLike) -> Array:
    """Ranks within the trailing axis: 1 for the greatest, the mean of their places for equal ones, NaN for NaN."""
    values = np.asarray(values, dtype=np.float64)
    order = np.argsort(-values, axis=-1, kind="stable")  # NaN is last
    places = np.broadcast_to(np.arange(1.0, values.shape[-1] + 1), values.shape)
    result = np.empty(values.shape)
    np.put_along_axis(result, order, places, axis=-1)
    result[np.isnan(values)] = np.nan
    gaps = np.diff(np.take_along_axis(values, order, axis=-1), axis=-1)
    tied = (np.abs(gaps) <= EPSILON).any(axis=-1)
    if tied.any():  # seldom: draws of different arms are not equal
        result[tied] = _rank_with_ties(values[tied])
    return result


def _rank_with_ties(values: Array) -> Array:
    """Ranks of [rows, arms] where some are equal: an equal one counts half, as every one is to itself."""
    result = np.where(np.isnan(values), np.nan, 0.5)
    for place in range(values.shape[-1]):
        ahead = values[:, place, None] - values
        result += np.where(np.abs(ahead) <= EPSILON, 0.5, (ahead > 0).astype(np.float64))
    return result


def average_ranks(values: npt.ArrayLike) -> Array:
    """Mean over columns of the ranks of the arms in each.

    Columns in which an arm is missing are left out: ranks among fewer arms are not comparable.

    Args:
        values: [..., arms, columns], e.g. `draws` of gains: then the result are draws of mean ranks

    Returns:
        [..., arms]; NaN if no column has all arms.
    """
    values = np.asarray(values, dtype=np.float64)
    complete = values[..., find_complete_columns(values)]
    if not complete.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(rank_values(np.ascontiguousarray(complete.swapaxes(-1, -2))).mean(axis=-2))


def find_complete_columns(values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which columns of [..., arms, columns] have a value of every arm (in every draw)."""
    there = np.isfinite(np.asarray(values, dtype=np.float64))
    return np.asarray(there.all(axis=tuple(range(there.ndim - 1))))


@dataclass(frozen=True, slots=True)
class RankTest:
    """Do the arms' ranks differ over columns, and which difference of two mean ranks could be told from chance?"""

    arms: int
    columns: int  # with all arms
    statistic: float  # Friedman's chi-square; NaN with fewer than 2 arms or columns, or if all scores are equal
    p: float
    difference: float  # Nemenyi's critical difference of two mean ranks
    largest: float  # largest difference of two mean ranks that was seen

    @property
    def can_separate(self) -> bool:
        """Could any two arms be separated, if one were first in every column and the other last?"""
        return self.difference < self.arms - 1

    @property
    def is_separated(self) -> bool:
        """Are the first and the last arm separated?"""
        return self.largest > self.difference

    @property
    def verdict(self) -> str:
        """One sentence."""
        if not self.columns or self.arms < 2:
            return "No two arms have a common column, so ranks separate nothing."
        size = f"{self.arms} arms over {self.columns} column{'s' if self.columns > 1 else ''}"
        if not self.can_separate:
            most = f"they lie at most {self.arms - 1} apart, and it takes {self.difference:.2f}"
            return f"Ranks of {size} can separate no two arms: {most}."
        need = f"Ranks of {size} separate two arms that lie {self.difference:.2f} apart"
        seen = f"the first and the last lie {self.largest:.2f} apart"
        return f"{need}; {seen}, {'enough' if self.is_separated else 'too little'}."


def run_friedman_test(values: npt.ArrayLike, alpha: float = ALPHA) -> RankTest:
    """Friedman's test with Nemenyi's critical difference.

    Columns are the replicates, so it asks about other targets like these, not about other seeds.

    Args:
        values: [arms, columns], means over seeds; NaN for a hole; columns with a hole are left out
        alpha: share of null worlds in which any two arms may be separated
    """
    values = np.asarray(values, dtype=np.float64)
    complete = values[:, find_complete_columns(values)]
    arms, columns = complete.shape
    statistic, p = _friedman(complete)
    means = average_ranks(complete) if columns else np.zeros(0)
    largest = float(np.ptp(means)) if means.size else math.nan
    return RankTest(arms, columns, statistic, p, critical_difference(arms, columns, alpha), largest)


def critical_difference(arms: int, columns: int, alpha: float = ALPHA) -> float:
    """Nemenyi's: q sqrt(k (k + 1) / (6 N)), q from the studentized range over sqrt(2).

    Infinite with fewer than two arms or without a column. With 11 arms and 9 columns it is 5.03 ranks.
    """
    if arms < 2 or columns < 1:
        return math.inf
    return _studentized_range(1 - alpha, arms) / math.sqrt(2) * math.sqrt(arms * (arms + 1) / (6 * columns))


def _studentized_range(level: float, arms: int) -> float:
    """The range of so many standard normals that is not exceeded with probability `level`.

    `scipy.stats.studentized_range` has it too, but its import takes longer than all the rest of a ranking. The range
    is at most q if all others lie between one of them, at z, and q below: k times the integral over z of
    density(z) (cdf(z) - cdf(z - q))^(k - 1).
    """
    z = np.linspace(-9.0, 9.0, 2001)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    low, high = 0.0, 18.0
    while high - low > 1e-10:
        middle = (low + high) / 2
        within = arms * np.trapezoid(density * (ndtr(z) - ndtr(z - middle)) ** (arms - 1), z)
        low, high = (middle, high) if within < level else (low, middle)
    return high


def _friedman(complete: Array) -> tuple[float, float]:
    """Friedman's chi-square, corrected for ties, and its p value, of [arms, columns] without holes."""
    arms, columns = complete.shape
    if arms < 2 or columns < 2:
        return math.nan, math.nan
    placed = rank_values(complete.T)
    middle = (arms + 1) / 2
    within = float(((placed - middle) ** 2).sum()) / (columns * (arms - 1))  # arms (arms + 1) / 12 without ties
    if within < EPSILON:
        return math.nan, math.nan
    between = columns * float(((placed.mean(axis=0) - middle) ** 2).sum())
    statistic = between / within
    return statistic, float(chdtrc(arms - 1, statistic))
