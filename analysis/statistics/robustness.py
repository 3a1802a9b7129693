"""Evenness of a score over languages."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array, IntArray, compute_moments


@dataclass(frozen=True, slots=True)
class Robustness:
    """Transfer gap, worst languages and spread: arrays of one shape, in points; NaN with too few languages."""

    language_count: IntArray  # languages with a value
    gap: Array  # English minus the mean of the others: the loss in transfer
    worst: Array
    worst_language: IntArray  # its index on the axis; -1 where there is none
    worst_quarter: Array  # mean of the worst quarter of the languages, rounded up to whole languages
    sd: Array  # over languages, with n - 1 in the denominator


def measure_robustness(values: npt.ArrayLike, english_index: int | None) -> Robustness:
    """Return transfer gap, worst language, worst quarter and spread over languages.

    `values` are scores or gains [..., languages], NaN where missing; `english_index` is None if English is absent. Pass
    [..., seeds, languages] for one number per seed, whose spread over seeds then gives an interval. The worst of noisy
    scores is lower than the worst true score.
    """
    values = np.asarray(values, dtype=np.float64)
    moments = compute_moments(values)
    n = moments.count
    gap = np.full(n.shape, np.nan)
    if english_index is not None:
        gap = values[..., english_index] - compute_moments(np.delete(values, english_index, axis=-1)).mean

    ascending = np.sort(values, axis=-1)  # NaN last
    quarter = np.ceil(n / 4)
    lowest = np.where(np.arange(values.shape[-1]) < quarter[..., None], ascending, 0.0)
    worst_quarter = lowest.sum(axis=-1) / np.where(n > 0, quarter, np.nan)
    worst_language = np.where(n > 0, np.where(np.isnan(values), math.inf, values).argmin(axis=-1), -1)
    return Robustness(n, gap, ascending[..., 0], worst_language, worst_quarter, moments.sd)
