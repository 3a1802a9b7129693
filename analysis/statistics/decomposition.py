"""Gains over seeds split in two: what each task does beyond the other tasks, and what all gains share.

The shared part of a seed is the mean gain of all tasks: it holds the baseline's error and whatever moves all tasks at
that seed. A task's own part is its deviation from that mean. Under normality the two are independent, so their
variances can be estimated apart and added.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import EPSILON, Array, BoolArray, IntArray, centre_values

MIN_DECOMPOSED_SEEDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GainParts:
    """The variances over seeds of both parts, in points squared; NaN where a part cannot be estimated."""

    own: Array  # [tasks, columns], of a task's score around what its seed does to all tasks
    own_freedom: Array  # [tasks, columns], degrees of freedom; NaN where `own` is
    shared: Array  # [columns], of the mean gain of all tasks
    shared_freedom: Array  # [columns]
    task_counts: IntArray  # [columns], tasks that the split rests on
    deviations: Array  # [tasks, columns, seeds], own parts around their means over seeds; 0 where missing
    effects: Array  # [tasks, columns], mean gains less what the seeds that a task has do to all tasks
    seed_effects: Array  # [columns, seeds], what a seed does to all tasks; NaN where few tasks have it


def split_gains(gains: npt.ArrayLike, is_reference: npt.ArrayLike) -> GainParts:
    """Return the parts of `gains` [tasks, columns, seeds], NaN where missing, among the reference tasks [tasks].

    Each column is fitted by an effect per task and an effect per seed (least squares), so that a missing gain moves no
    seed's effect. A task with fewer than two seeds in a column takes no part in it.
    """
    gains = np.asarray(gains, dtype=np.float64)
    present = _find_usable(gains, np.asarray(is_reference, dtype=np.bool_))
    mean, centred, counts = centre_values(np.where(present, gains, np.nan))
    tasks_at_seed = present.sum(axis=0)  # columns x seeds
    effects = _fit_seed_effects(present, centred, counts, tasks_at_seed)
    deviations = np.where(present, centred - effects, 0.0)
    deviations -= np.where(present, deviations.sum(axis=-1, keepdims=True) / np.maximum(1, counts)[..., None], 0.0)
    deviations[np.abs(deviations) < EPSILON] = 0.0

    expected = _count_residual_freedom(present, counts, tasks_at_seed)
    usable = (counts >= MIN_DECOMPOSED_SEEDS) & (expected > EPSILON)
    own = np.divide((deviations**2).sum(axis=-1), expected, out=np.full(mean.shape, np.nan), where=usable)
    task_counts = tasks_at_seed.max(axis=-1, initial=0)
    seed_means = np.where(present, effects, 0.0).sum(axis=-1) / np.maximum(1, counts)
    typical = (2 * tasks_at_seed >= task_counts[:, None]) & (tasks_at_seed > 0)  # not the extra seeds of a few tasks
    _, shared_deviations, shared_counts = centre_values(np.where(typical, effects, np.nan))
    shared_freedom = np.where(shared_counts >= MIN_DECOMPOSED_SEEDS, shared_counts - 1.0, np.nan)
    return GainParts(
        own=own,
        own_freedom=np.where(usable, counts - 1.0, np.nan),
        shared=(shared_deviations**2).sum(axis=-1) / shared_freedom,
        shared_freedom=shared_freedom,
        task_counts=task_counts,
        deviations=deviations,
        effects=mean - seed_means,
        seed_effects=np.where(typical, effects, np.nan),
    )


def _find_usable(gains: Array, is_reference: BoolArray) -> BoolArray:
    present = np.isfinite(gains) & is_reference[:, None, None]
    return np.asarray(present & (present.sum(axis=-1, keepdims=True) >= MIN_DECOMPOSED_SEEDS))


def _fit_seed_effects(present: BoolArray, centred: Array, counts: IntArray, tasks_at_seed: IntArray) -> Array:
    """Return the seeds' effects [columns, seeds], by the normal equations that remain after the tasks' effects."""
    shares = present / np.maximum(1, counts)[..., None]
    equations = np.eye(present.shape[-1]) * tasks_at_seed[:, None, :]
    equations = equations - np.einsum("its,itu->tsu", present.astype(np.float64), shares)
    sums = centred.sum(axis=0)  # columns x seeds
    return np.asarray((np.linalg.pinv(equations, hermitian=True) @ sums[..., None])[..., 0])


def _count_residual_freedom(present: BoolArray, counts: IntArray, tasks_at_seed: IntArray) -> Array:
    """Return what a variance of 1 makes the sum of a task's squared deviations: (n - 1)(1 - 1/k) without holes."""
    per_seed = np.where(present, 1 / np.maximum(1, tasks_at_seed), 0.0).sum(axis=-1)
    return np.asarray(counts - 1 - per_seed + counts / np.maximum(1, present.sum(axis=(0, 2))))
