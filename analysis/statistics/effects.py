"""An effect among many rows that differ in other ways too: least squares, with its error over new rows and new seeds.

Seeds alone cannot tell whether mixes of many kinds are better: with ever more seeds it would be certain that *these*
mixes differ. So a row (a mix, or a pair of languages) is a draw of its own, and what it has beyond the model is the
error. Each row has its own variance (MacKinnon and White 1985, HC2), with the degrees of freedom of Bell and McCaffrey
(2002), for there are few rows. What seeds move in common beyond that (effects that differ from seed to seed) is added,
and the degrees of freedom of the sum are Satterthwaite's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.interval import MIN_SEEDS, t_quantile, two_sided_p
from analysis.statistics.moments import EPSILON, Array

IndexArray = npt.NDArray[np.intp]
RELATIVE_TOLERANCE = 1e-9  # relative: what rounding leaves of nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one column of a design does. `error` is NaN where it cannot be told: few seeds, or no rows to spare."""

    value: float
    standard_error: float
    degrees_of_freedom: float
    rows: int
    seeds: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """At the level of all intervals; None without an error."""
        if np.isnan(self.standard_error):
            return None
        half = float(t_quantile(self.degrees_of_freedom)) * self.standard_error
        return self.value - half, self.value + half

    @property
    def p(self) -> float:
        """Two-sided, of no effect; NaN without an error. Where nothing is left to chance: 1 for none, else 0."""
        if np.isnan(self.standard_error):
            return float("nan")
        if abs(self.value) < EPSILON:
            return 1.0
        return (
            float(two_sided_p(self.value / self.standard_error, self.degrees_of_freedom))
            if self.standard_error
            else 0.0
        )


def estimate_effect(values: npt.ArrayLike, column: npt.ArrayLike, others: npt.ArrayLike) -> Effect | None:
    """What `column` does to the values beyond `others`, in their unit per unit of the column.

    None where the others say all that the column says: then nothing tells them apart.

    Args:
        values: [rows, seeds], without holes (see `whole`)
        column: [rows]
        others: [rows, columns], a constant among them; they may depend on one another
    """
    y, x = np.asarray(values, dtype=np.float64), np.asarray(column, dtype=np.float64)
    z = np.asarray(others, dtype=np.float64)
    n, seeds = y.shape
    explained = z @ np.linalg.pinv(z)
    own = x - explained @ x  # what the column has of its own
    size = float(own @ own)
    if size <= RELATIVE_TOLERANCE * max(1.0, float(x @ x)):
        return None
    weights = own / size
    by_seed = weights @ y
    left = np.eye(n) - explained - np.outer(own, own) / size
    spare = np.diag(left)
    needed = np.abs(weights) > RELATIVE_TOLERANCE * np.abs(weights).max()
    error, freedom = np.nan, np.nan
    if seeds >= MIN_SEEDS and (spare[needed] > RELATIVE_TOLERANCE).all():
        scale = np.where(needed, weights**2 / np.where(needed, spare, 1.0), 0.0)
        beyond_model = left @ y
        mean = beyond_model.mean(axis=1)
        rows = float(scale @ _zero_rounding(mean) ** 2)
        rows_freedom = float((scale @ spare) ** 2 / (scale @ left**2 @ scale))
        noise = float(scale @ _zero_rounding(beyond_model - mean[:, None]).var(axis=1, ddof=1)) / seeds
        seen = float(_zero_rounding(by_seed - by_seed.mean()).var(ddof=1)) / seeds
        common = max(0.0, seen - noise)
        total = rows + common
        # A difference of two estimates is as unsure as the larger one: few seeds tell little of what they share.
        parts = rows**2 / rows_freedom + (seen**2 / (seeds - 1) if common else 0.0)
        error, freedom = float(np.sqrt(total)), total**2 / parts if parts > 0 else np.inf
    return Effect(value=float(by_seed.mean()), standard_error=error, degrees_of_freedom=freedom, rows=n, seeds=seeds)


def compute_relabelled_p(
    values: npt.ArrayLike, column: npt.ArrayLike, columns: npt.ArrayLike, others: npt.ArrayLike
) -> float:
    """A p value for labels: how often the column, made of labels dealt at random, says as much of the values.

    The column says as much of the values as the standardised slope on it, beyond `others`. A column that has nothing of
    its own says nothing.

    Args:
        values: [rows]
        column: [rows]
        columns: [draws, rows], the column with labels dealt anew
        others: [rows, columns], as in `effect`
    """
    y, z = np.asarray(values, dtype=np.float64), np.asarray(others, dtype=np.float64)
    every = np.vstack([column, columns])
    own = every - every @ z @ np.linalg.pinv(z)
    size = np.sqrt((own**2).sum(axis=1))
    said = np.where(
        size > RELATIVE_TOLERANCE * np.sqrt((every**2).sum(axis=1)),
        np.abs(own @ y) / np.where(size > 0, size, 1.0),
        0.0,
    )
    return float((said >= said[0] - EPSILON).mean())


def find_complete_block(values: npt.ArrayLike) -> tuple[IndexArray, IndexArray]:
    """Places of rows and of seeds between which nothing is missing, so that as many values as possible are kept.

    Args:
        values: [rows, seeds], NaN for a hole

    Returns:
        Ascending places of rows and of seeds; of no seeds at all where there is no value.
    """
    there = np.isfinite(np.asarray(values, dtype=np.float64))
    fullest = np.argsort(-there.sum(axis=0), kind="stable")
    best: tuple[IndexArray, IndexArray] = (np.zeros(0, np.intp), np.zeros(0, np.intp))
    for count in range(1, there.shape[1] + 1):
        seeds = np.sort(fullest[:count])
        rows = np.flatnonzero(there[:, seeds].all(axis=1))
        if rows.size * count >= max(1, best[0].size * best[1].size):
            best = rows, seeds
    return best


def encode_one_hot(codes: Sequence[object]) -> Array:
    """One column per level of a factor, in the order of their first rows: [rows, levels]."""
    levels = list(dict.fromkeys(codes))
    return np.array([[float(code == level) for level in levels] for code in codes]).reshape(len(codes), len(levels))


def _zero_rounding(values: Array) -> Array:
    """Without what rounding leaves of equal scores."""
    return np.where(np.abs(values) < EPSILON, 0.0, values)
