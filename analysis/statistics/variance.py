"""Split of the variance of scores over crossed factors: intermediate task, learning rate, seed, language."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array, IntArray


@dataclass(frozen=True, slots=True)
class VariancePart:
    """One factor's part of the variance."""

    levels: int
    share: float  # of the total sum of squares
    component: float  # variance over new levels of the factor, in squared points; NaN if it cannot be estimated


@dataclass(frozen=True, slots=True)
class VarianceSplit:
    """A variance in parts. Several factors explain `shared_share` together, none alone; 0 in balanced data."""

    parts: Mapping[str, VariancePart]
    residual_share: float  # share that no main effect explains: interactions and noise
    residual_component: float
    shared_share: float
    total_variance: float  # variance of the values, in squared points


def split_variance(values: npt.ArrayLike, factors: Mapping[str, npt.ArrayLike]) -> VarianceSplit:
    """Return the shares of the sum of squares by main effect, each beyond all others (type II, no interactions).

    Least squares with one column per level. A share grows with the number of levels, by about (levels - 1) / n even if
    they have no effect; the component does not. A component needs a balanced table and is (mean square - residual mean
    square) / (n / levels), the method of moments under an additive model with random effects. A negative estimate is
    given as 0. `values` are [n] points, NaN excluded; a factor has [n] codes of its levels, any integers. Raise
    ValueError if lengths differ, or no value is finite.
    """
    y = np.asarray(values, dtype=np.float64)
    present = np.isfinite(y)
    if not present.any():
        raise ValueError("A variance needs finite values, got none.")
    y = y[present] - y[present].mean()
    codes = {}
    for name, raw in factors.items():
        column = np.asarray(raw)
        if column.shape != present.shape:
            raise ValueError(f"Factor {name!r} must have one code per value ({present.size}), got {column.shape}.")
        codes[name] = np.unique(column[present], return_inverse=True)[1]

    levels = {name: int(column.max()) + 1 for name, column in codes.items()}
    total = float(y @ y)
    residual, rank = _fit_residual(y, codes)
    degrees_of_freedom = y.size - rank
    balanced = _is_balanced(codes, levels, y.size)
    mean_square = residual / degrees_of_freedom if degrees_of_freedom > 0 else math.nan
    parts = {}
    for name, count in levels.items():
        others = {other: column for other, column in codes.items() if other != name}
        explained = _fit_residual(y, others)[0] - residual
        component = math.nan
        if balanced and count > 1:
            component = max(0.0, (explained / (count - 1) - mean_square) / (y.size / count))
        parts[name] = VariancePart(count, _share_of(explained, total), component)
    residual_share = _share_of(residual, total)
    return VarianceSplit(
        parts=parts,
        residual_share=residual_share,
        residual_component=mean_square,
        shared_share=1.0 - sum(part.share for part in parts.values()) - residual_share,
        total_variance=total / (y.size - 1) if y.size > 1 else math.nan,
    )


def _fit_residual(y: Array, codes: Mapping[str, IntArray]) -> tuple[float, int]:
    """Return the sum of squares that the main effects leave, and the rank of their columns with the mean."""
    levels = {name: int(column.max()) + 1 for name, column in codes.items()}
    if len(codes) < 2 or _is_balanced(codes, levels, y.size):  # effects are the means of the levels, as y is centred
        means = (np.bincount(column, y) / np.bincount(column) for column in codes.values())
        residuals = y - sum((mean[column] for mean, column in zip(means, codes.values(), strict=True)), 0.0)
        return float(residuals @ residuals), 1 + sum(count - 1 for count in levels.values())
    # The normal equations: counts of pairs of levels, a small matrix for any number of rows.
    columns = [np.zeros(y.size, np.int64)]
    for column in codes.values():
        columns.append(int(columns[-1].max()) + 1 + column)
    size = 1 + sum(levels.values())
    counts, sums = np.zeros((size, size)), np.zeros(size)
    for first in columns:
        sums += np.bincount(first, y, size)
        for second in columns:
            counts += np.bincount(first * size + second, minlength=size * size).reshape(size, size)
    effects, _, rank, _ = np.linalg.lstsq(counts, sums, rcond=1e-10)
    residuals = y - sum(effects[column] for column in columns)
    return float(residuals @ residuals), int(rank)


def _is_balanced(codes: Mapping[str, IntArray], levels: Mapping[str, int], n: int) -> bool:
    """Return True if every combination of levels has the same number of values."""
    cells = math.prod(levels.values())
    counts = np.unique(np.array([*codes.values()]), axis=1, return_counts=True)[1] if codes else np.array([n])
    return len(counts) == cells and bool((counts == counts[0]).all())


def _share_of(part: float, total: float) -> float:
    return part / total if total > 0 else math.nan
