"""Seeds that the baseline has beyond those of a task: every gain shares the baseline's error, so they narrow all.

A gain is paired by seed: it cancels what moves all chains at a seed. A baseline seed that the task does not have brings
no such pair, but says more of the baseline's mean. With n paired and m further seeds the gain is lowered by
w (mean over the further seeds - mean over the paired ones), w = (1 - share) m / (n + m), where `share` is the part of
the baseline's variance over seeds that all chains have in common. This w makes the variance smallest (a regression
estimate, Cochran 1977, chapter 7): it falls by u (1 - share) m / (n (n + m)), u being the baseline's own variance.
Where pairing works well (share near 1) further seeds bring nothing, and are given no weight.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from analysis.statistics.decomposition import GainParts
from analysis.statistics.moderation import ModeratedVariances
from analysis.statistics.moments import Array, average_present, centre_values


def estimate_common_share(parts: GainParts, baseline: npt.ArrayLike) -> float:
    """Return the part of the baseline's variance over seeds that all chains have in common, 0 to 1.

    `baseline` [columns, seeds] has its scores; the columns are pooled, each in units of its own variances. 0 where
    nothing can be estimated.
    """
    levels = average_present(np.where(parts.own > 0, parts.own, np.nan), axis=0)[:, None]
    both = np.where(np.isfinite(parts.seed_effects), np.asarray(baseline, dtype=np.float64), np.nan)
    effects = np.where(np.isfinite(both), parts.seed_effects, np.nan)
    scores, shared = centre_values(both)[1], centre_values(effects)[1]
    weights = np.where(np.isfinite(levels), 1 / levels, 0.0)
    variance = float((weights * scores**2).sum())
    covariance = float((weights * scores * shared).sum())  # the baseline's own part counts minus 1
    return float(np.clip(1 + covariance / variance, 0.0, 1.0)) if variance > 0 else 0.0


def add_further_spread(parts: GainParts, baseline: npt.ArrayLike, share: float) -> GainParts:
    """Return the parts with shared variances that also rest on the spread of further baseline seeds.

    The shared part of gains at m further seeds would vary as the baseline's own part does, (1 - share) of its variance,
    plus that of the mean of the tasks. That is a second estimate of it, on m - 1 degrees of freedom.
    """
    scores = np.asarray(baseline, dtype=np.float64)
    _, deviations, counts = centre_values(np.where(np.isfinite(parts.seed_effects), np.nan, scores))
    freedom = np.maximum(0, counts - 1)
    level = average_present(parts.own, axis=0) / np.maximum(1, parts.task_counts)
    spread = (1 - share) * (deviations**2).sum(axis=-1) / np.maximum(1, freedom) + level
    used = (freedom > 0) & np.isfinite(parts.shared) & np.isfinite(spread)
    total = np.where(used, parts.shared_freedom + freedom, parts.shared_freedom)
    pooled = (parts.shared_freedom * parts.shared + freedom * np.where(used, spread, 0.0)) / total
    return replace(parts, shared=np.where(used, pooled, parts.shared), shared_freedom=total)


def use_further_seeds(
    gains: Array, baseline: Array, moderated: ModeratedVariances, share: float
) -> tuple[Array, Array]:
    """Return what further baseline seeds add to each mean gain, and what they take from its variance.

    Both are [tasks, columns], 0 where there are none. `gains` is [tasks, columns, seeds], `baseline` [columns, seeds].
    """
    paired, scored = np.isfinite(gains), np.isfinite(baseline)
    further = scored & ~paired
    n, m = paired.sum(axis=-1), further.sum(axis=-1)
    difference = np.subtract(
        *(average_present(np.where(mask, baseline, np.nan), axis=-1) for mask in (further, paired))
    )
    weight = (1 - share) * m / np.maximum(1, n + m)
    own = np.maximum(0.0, moderated.shared - moderated.typical_sd**2 / np.maximum(1, moderated.task_counts))
    reduction = own * weight / np.maximum(1, n)
    used = (n > 1) & (m > 0) & np.isfinite(moderated.own)
    return np.where(used, -weight * difference, 0.0), np.where(used, reduction, 0.0)
