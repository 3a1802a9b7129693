"""Which factor moves the score: a split of its variance over crossed factors (intermediate, rate, seed, language)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class VariancePart:
    """What one factor has of the variance."""

    levels: int
    share: float  # of the total sum of squares
    component: float  # variance over new levels of the factor, in squared points; NaN if it cannot be told


@dataclass(frozen=True, slots=True)
class VarianceSplit:
    """A variance in parts. `shared` is what several factors explain but none alone: 0 where the data are balanced."""

    parts: Mapping[str, VariancePart]
    residual_share: float  # share of what no main effect explains: interactions and noise
    residual_component: float
    shared_share: float
    total_variance: float  # variance of the values, in squared points


def split_variance(values: npt.ArrayLike, factors: Mapping[str, npt.ArrayLike]) -> VarianceSplit:
    """Shares of the sum of squares by main effects, each over and above all others (type II without interactions).

    Least squares on one column per level. A share grows with the number of levels even where they do nothing, by
    about (levels - 1) / n; the component does not: from a balanced table, (mean square - rest's) / (n / levels), the
    method of moments under an additive model with random effects; below 0 it is printed as 0.

    Args:
        values: [n], points; NaN rows are left out
        factors: name -> [n] codes of its levels, any integers

    Raises:
        ValueError: lengths differ, or no value is there.
    """
    y = np.asarray(values, dtype=np.float64)
    there = np.isfinite(y)
    if not there.any():
        raise ValueError("A variance needs values, got none that is a number.")
    y = y[there] - y[there].mean()
    coded = {}
    for name, codes in factors.items():
        column = np.asarray(codes)
        if column.shape != there.shape:
            raise ValueError(f"Factor {name!r} must have one code per value ({there.size}), got {column.shape}.")
        coded[name] = np.unique(column[there], return_inverse=True)[1]

    levels = {name: int(codes.max()) + 1 for name, codes in coded.items()}
    total = float(y @ y)
    rest, rank = _fit_residual(y, coded)
    freedom = y.size - rank
    balanced = _is_balanced(coded, levels, y.size)
    mean_square = rest / freedom if freedom > 0 else math.nan
    parts = {}
    for name, count in levels.items():
        alone = _fit_residual(y, {other: codes for other, codes in coded.items() if other != name})[0] - rest
        component = math.nan
        if balanced and count > 1:
            component = max(0.0, (alone / (count - 1) - mean_square) / (y.size / count))
        parts[name] = VariancePart(count, _share_of(alone, total), component)
    explained = sum(part.share for part in parts.values())
    return VarianceSplit(
        parts=parts,
        residual_share=_share_of(rest, total),
        residual_component=mean_square,
        shared_share=1.0 - explained - _share_of(rest, total),
        total_variance=total / (y.size - 1) if y.size > 1 else math.nan,
    )


def _fit_residual(y: Array, coded: Mapping[str, IntArray]) -> tuple[float, int]:
    """Sum of squares that the main effects leave, and the rank of their columns (the mean included)."""
    columns = [np.ones((y.size, 1)), *(np.eye(int(codes.max()) + 1)[codes] for codes in coded.values())]
    design = np.concatenate(columns, axis=1)
    # The normal equations: counts of pairs of levels, a small matrix however many rows there are.
    effects, _, rank, _ = np.linalg.lstsq(design.T @ design, design.T @ y, rcond=1e-10)
    left = y - design @ effects
    return float(left @ left), int(rank)


def _is_balanced(coded: Mapping[str, IntArray], levels: Mapping[str, int], n: int) -> bool:
    """True if every combination of levels has the same number of values."""
    cells = math.prod(levels.values())
    if n % cells:
        return False
    place = (
        np.ravel_multi_index(tuple(coded.values()), tuple(levels.values())) if coded else np.zeros(n, dtype=np.int64)
    )
    return bool((np.bincount(place, minlength=cells) == n // cells).all())


def _share_of(part: float, total: float) -> float:
    return part / total if total > 0 else math.nan
