"""Ranks of arms over columns (targets): mean ranks, Friedman and Nemenyi tests (Demsar 2006, JMLR 7:1), rank fusion."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr

from analysis.statistics.moments import EPSILON, Array, BoolArray
from analysis.statistics.significance import ALPHA

RANK_CONSTANT = 60.0  # Cormack, Clarke and Buettcher 2009: damps the lead of the first places over the next


def rank_values(values: npt.ArrayLike) -> Array:
    """Return ranks within the trailing axis: 1 for the greatest, the mean rank for equal values, NaN for NaN."""
    values = np.asarray(values, dtype=np.float64)
    order = np.argsort(-values, axis=-1)  # NaN is last; equal values get their rank below
    positions = np.broadcast_to(np.arange(1.0, values.shape[-1] + 1), values.shape)
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, positions, axis=-1)
    ranks[np.isnan(values)] = np.nan
    gaps = np.diff(np.take_along_axis(values, order, axis=-1), axis=-1)
    tied = (np.abs(gaps) <= EPSILON).any(axis=-1)
    if tied.any():  # rare: draws of different arms are not equal
        ranks[tied] = _rank_with_ties(values[tied])
    return ranks


def _rank_with_ties(values: Array) -> Array:
    """Return the ranks of [rows, arms] with ties: each equal value counts half, and a value equals itself."""
    ranks = np.where(np.isnan(values), np.nan, 0.5)
    for arm in range(values.shape[-1]):
        lead = values[:, arm, None] - values
        ranks += np.where(np.abs(lead) <= EPSILON, 0.5, (lead > 0).astype(np.float64))
    return ranks


def average_ranks(values: npt.ArrayLike) -> Array:
    """Return the mean ranks [..., arms] of `values` [..., arms, columns] over the columns; NaN if none has all arms.

    Columns in which an arm is missing are excluded: ranks among fewer arms are not comparable. From draws of gains the
    result is draws of mean ranks.
    """
    values = np.asarray(values, dtype=np.float64)
    complete = values[..., find_complete_columns(values)]
    if not complete.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(rank_values(np.ascontiguousarray(complete.swapaxes(-1, -2))).mean(axis=-2))


def find_complete_columns(values: npt.ArrayLike) -> BoolArray:
    """Return a mask of the columns of [..., arms, columns] that have a value of every arm (in every draw)."""
    present = np.isfinite(np.asarray(values, dtype=np.float64))
    return np.asarray(present.all(axis=tuple(range(present.ndim - 1))))


def fuse_ranks(components: npt.ArrayLike) -> Array:
    """Return the reciprocal rank fusion: the sum over components of 1 / (60 + rank), greater for better ranks.

    `components` [components, ..., candidates] are greater for better, NaN where missing. A component that lacks a value
    which another component has is excluded from that order, so that all candidates are ranked by the same components.
    The result [..., candidates] is NaN where no component has a value.
    """
    components = np.asarray(components, dtype=np.float64)
    present = np.isfinite(components)
    candidates = present.any(axis=0)
    complete = (present == candidates).all(axis=-1, keepdims=True)
    parts = np.where(complete & present, 1 / (RANK_CONSTANT + rank_values(components)), 0.0)
    return np.where(candidates & complete.any(axis=0), parts.sum(axis=0), np.nan)


@dataclass(frozen=True, slots=True)
class RankTest:
    """Friedman's test of the arms' ranks over columns, and Nemenyi's critical difference of two mean ranks."""

    arms: int
    columns: int  # with all arms
    statistic: float  # Friedman's chi-square; NaN with fewer than 2 arms or columns, or if all scores are equal
    p: float
    difference: float  # Nemenyi's critical difference of two mean ranks
    largest: float  # largest observed difference of two mean ranks

    @property
    def can_separate(self) -> bool:
        """True if two arms could be separated, if one were first in every column and the other last."""
        return self.difference < self.arms - 1

    @property
    def is_separated(self) -> bool:
        """True if the first and the last arm are separated."""
        return self.largest > self.difference

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        if not self.columns or self.arms < 2:
            return "No test of ranks: no two arms have a common column."
        size = f"{self.arms} arms over {self.columns} column{'s' if self.columns > 1 else ''}"
        if not self.can_separate:
            limits = f"they differ by at most {self.arms - 1}, and {self.difference:.2f} are needed"
            return f"Mean ranks of {size} can separate no two arms: {limits}."
        need = f"Mean ranks of {size} separate two arms that differ by more than {self.difference:.2f}"
        outcome = f"the first and the last differ by {self.largest:.2f}"
        return f"{need}; {outcome}, so they are {'' if self.is_separated else 'not '}separated."


def run_friedman_test(values: npt.ArrayLike, alpha: float = ALPHA) -> RankTest:
    """Run Friedman's test and compute Nemenyi's critical difference.

    Columns are the replicates, so the test is about other targets like these, not about other seeds.

    Args:
        values: [arms, columns], means over seeds; columns with a NaN are excluded
        alpha: share of tables without any effect in which two arms may be separated
    """
    values = np.asarray(values, dtype=np.float64)
    complete = values[:, find_complete_columns(values)]
    arms, columns = complete.shape
    statistic, p = _friedman(complete)
    means = average_ranks(complete) if columns else np.zeros(0)
    largest = float(np.ptp(means)) if means.size else math.nan
    return RankTest(arms, columns, statistic, p, critical_difference(arms, columns, alpha), largest)


def critical_difference(arms: int, columns: int, alpha: float = ALPHA) -> float:
    """Return Nemenyi's critical difference: q sqrt(k (k + 1) / (6 N)), with q the studentized range over sqrt(2).

    Infinite with fewer than two arms or without a column. With 11 arms and 9 columns it is 5.03 ranks.
    """
    if arms < 2 or columns < 1:
        return math.inf
    return _studentized_range(1 - alpha, arms) / math.sqrt(2) * math.sqrt(arms * (arms + 1) / (6 * columns))


def _studentized_range(level: float, arms: int) -> float:
    """Return the range of `arms` standard normals that is not exceeded with probability `level`.

    `scipy.stats.studentized_range` computes it too, but its import takes longer than all the rest of a ranking. The
    range of k normals is at most q if one of them is the greatest, at z, and all others lie between z - q and z: k
    times the integral over z of density(z) (cdf(z) - cdf(z - q))^(k - 1).
    """
    z = np.linspace(-9.0, 9.0, 2001)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    low, high = 0.0, 18.0
    while high - low > 1e-10:
        middle = (low + high) / 2
        probability = arms * np.trapezoid(density * (ndtr(z) - ndtr(z - middle)) ** (arms - 1), z)
        low, high = (middle, high) if probability < level else (low, middle)
    return high


def _friedman(complete: Array) -> tuple[float, float]:
    """Return Friedman's chi-square, corrected for ties, and its p value, for [arms, columns] without NaN."""
    arms, columns = complete.shape
    if arms < 2 or columns < 2:
        return math.nan, math.nan
    ranks = rank_values(complete.T)
    middle = (arms + 1) / 2
    within = float(((ranks - middle) ** 2).sum()) / (columns * (arms - 1))  # arms (arms + 1) / 12 without ties
    if within < EPSILON:
        return math.nan, math.nan
    between = columns * float(((ranks.mean(axis=0) - middle) ** 2).sum())
    statistic = between / within
    return statistic, float(chdtrc(arms - 1, statistic))
