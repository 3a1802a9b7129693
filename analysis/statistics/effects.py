"""An effect among rows that also differ in other ways: least squares, with its error over new rows and new seeds.

Seeds alone cannot tell whether mixes of many kinds are better: with enough seeds it becomes certain that *these* mixes
differ. So each row (a mix, or a pair of languages) is a draw of its own, and its deviation from the model is the
error. Each row has its own variance (MacKinnon and White 1985, HC2), with the degrees of freedom of Bell and McCaffrey
(2002), since rows are few. Variance that seeds share beyond that (effects that differ from seed to seed) is added, and
the degrees of freedom of the sum are Satterthwaite's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.interval import MIN_SEEDS, t_quantile, two_sided_p
from analysis.statistics.moments import EPSILON, Array, IntArray

RELATIVE_TOLERANCE = 1e-9  # rounding error of a zero, relative to the values it comes from


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The effect of one column of a design. Its error is NaN with too few seeds or no rows to spare."""

    value: float
    standard_error: float
    degrees_of_freedom: float
    rows: int
    seeds: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval at CONFIDENCE_LEVEL; None without a standard error."""
        if np.isnan(self.standard_error):
            return None
        half_width = float(t_quantile(self.degrees_of_freedom)) * self.standard_error
        return self.value - half_width, self.value + half_width

    @property
    def p(self) -> float:
        """The two-sided p value of no effect; NaN without a standard error, 1 or 0 (no effect or any) if that is 0."""
        if np.isnan(self.standard_error):
            return float("nan")
        if abs(self.value) < EPSILON:
            return 1.0
        if self.standard_error == 0:
            return 0.0
        return float(two_sided_p(self.value / self.standard_error, self.degrees_of_freedom))


def estimate_effect(values: npt.ArrayLike, column: npt.ArrayLike, others: npt.ArrayLike) -> Effect | None:
    """Return the effect of `column` [rows] on the values beyond `others`, in units of the values per its own unit.

    None where `others` determine the column: then the two cannot be separated. `values` are [rows, seeds], nothing
    missing (see `find_complete_block`); `others` are [rows, columns], a constant among them, and may depend on one
    another.
    """
    y, x = np.asarray(values, dtype=np.float64), np.asarray(column, dtype=np.float64)
    z = np.asarray(others, dtype=np.float64)
    n, seeds = y.shape
    projection = z @ np.linalg.pinv(z)
    own = x - projection @ x  # the part of the column that the others do not determine
    norm = float(own @ own)
    if norm <= RELATIVE_TOLERANCE * max(1.0, float(x @ x)):
        return None
    weights = own / norm
    by_seed = weights @ y
    residual_maker = np.eye(n) - projection - np.outer(own, own) / norm
    spare = np.diag(residual_maker)
    used = np.abs(weights) > RELATIVE_TOLERANCE * np.abs(weights).max()
    error, freedom = np.nan, np.nan
    if seeds >= MIN_SEEDS and (spare[used] > RELATIVE_TOLERANCE).all():
        scale = np.where(used, weights**2 / np.where(used, spare, 1.0), 0.0)
        residuals = residual_maker @ y
        mean = residuals.mean(axis=1)
        row_variance = float(scale @ _zero_rounding(mean) ** 2)
        row_freedom = float((scale @ spare) ** 2 / (scale @ residual_maker**2 @ scale))
        noise = float(scale @ _zero_rounding(residuals - mean[:, None]).var(axis=1, ddof=1)) / seeds
        seed_variance = float(_zero_rounding(by_seed - by_seed.mean()).var(ddof=1)) / seeds
        shared = max(0.0, seed_variance - noise)
        total = row_variance + shared
        # A difference of two estimates is as uncertain as the larger one: few seeds say little about what they share.
        parts = row_variance**2 / row_freedom + (seed_variance**2 / (seeds - 1) if shared else 0.0)
        error, freedom = float(np.sqrt(total)), total**2 / parts if parts > 0 else np.inf
    return Effect(value=float(by_seed.mean()), standard_error=error, degrees_of_freedom=freedom, rows=n, seeds=seeds)


def compute_relabelled_p(
    values: npt.ArrayLike, column: npt.ArrayLike, columns: npt.ArrayLike, others: npt.ArrayLike
) -> float:
    """Return the p value of a column made of labels: the share of random labels that explain the values as well.

    A column is measured by the absolute standardised slope on it, beyond `others`. A column that `others` determine
    explains nothing. `columns` [draws, rows] has the column with its labels assigned at random; values and column are
    [rows], `others` as in `estimate_effect`.
    """
    y, z = np.asarray(values, dtype=np.float64), np.asarray(others, dtype=np.float64)
    every = np.vstack([column, columns])
    own = every - every @ z @ np.linalg.pinv(z)
    norm = np.sqrt((own**2).sum(axis=1))
    undetermined = norm > RELATIVE_TOLERANCE * np.sqrt((every**2).sum(axis=1))
    slopes = np.where(undetermined, np.abs(own @ y) / np.where(norm > 0, norm, 1.0), 0.0)
    return float((slopes >= slopes[0] - EPSILON).mean())


def find_complete_block(values: npt.ArrayLike) -> tuple[IntArray, IntArray]:
    """Return rows and seeds, ascending, of the largest block of `values` [rows, seeds] without NaN, or empty ones."""
    present = np.isfinite(np.asarray(values, dtype=np.float64))
    fullest = np.argsort(-present.sum(axis=0), kind="stable")
    best: tuple[IntArray, IntArray] = (np.zeros(0, np.int64), np.zeros(0, np.int64))
    for count in range(1, present.shape[1] + 1):
        seeds = np.sort(fullest[:count])
        rows = np.flatnonzero(present[:, seeds].all(axis=1))
        if rows.size * count >= max(1, best[0].size * best[1].size):
            best = rows, seeds
    return best


def encode_one_hot(codes: Sequence[object]) -> Array:
    """Return one column per level of a factor, in the order of their first rows: [rows, levels]."""
    levels = list(dict.fromkeys(codes))
    return np.array([[float(code == level) for level in levels] for code in codes]).reshape(len(codes), len(levels))


def _zero_rounding(values: Array) -> Array:
    """Set rounding errors of equal scores to 0."""
    return np.where(np.abs(values) < EPSILON, 0.0, values)
