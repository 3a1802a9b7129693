"""How evenly a score holds over languages."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array, IntArray, compute_moments

QUARTER = 0.25


@dataclass(frozen=True, slots=True)
class Robustness:
    """Arrays of one shape, in points; NaN where too few languages are there."""

    language_count: IntArray  # that are there
    gap: Array  # English minus the mean of the others: what transfer loses
    worst: Array
    worst_language: IntArray  # its place on the axis; -1 where there is none
    worst_quarter: Array  # mean of the worst quarter of the languages, rounded up to whole languages
    sd: Array  # over languages, with n - 1 in the denominator


def measure_robustness(values: npt.ArrayLike, english_index: int | None) -> Robustness:
    """Transfer gap, worst language, worst quarter and spread.

    Average over seeds first for a figure per chain; give [..., seeds, languages] for one per seed, whose spread over
    seeds then gives an interval. The worst of noisy languages is lower than the worst true one.

    Args:
        values: [..., languages], scores or gains; NaN for a hole
        english: its place on the axis; None if it is not there, as in retrieval
    """
    values = np.asarray(values, dtype=np.float64)
    found = compute_moments(values)
    n = found.count
    gap = np.full(n.shape, np.nan)
    if english_index is not None:
        gap = values[..., english_index] - compute_moments(np.delete(values, english_index, axis=-1)).mean

    ascending = np.sort(values, axis=-1)  # NaN last
    lowest = np.ceil(n * QUARTER)
    held = np.where(np.arange(values.shape[-1]) < lowest[..., None], ascending, 0.0)
    quarter = held.sum(axis=-1) / np.where(n > 0, lowest, np.nan)
    worst_language = np.where(n > 0, np.where(np.isnan(values), math.inf, values).argmin(axis=-1), -1)
    return Robustness(n, gap, ascending[..., 0], worst_language, quarter, found.sd)
