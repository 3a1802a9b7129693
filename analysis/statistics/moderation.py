"""Variances over seeds that borrow from each other: moderated, decomposed errors of gains.

With three seeds each gain's own variance has two degrees of freedom, and Student's t needs a gain of 25 standard
deviations to survive a correction for 97 cells. But the gains of one table know a good deal about each other's
variance. Here each variance is shrunk to a prior that is estimated from the table (Smyth 2004, Stat. Appl. Genet. Mol.
Biol. 3:3), in a way that stays honest where a simple prior fails:

- the shared part of all gains of a target (`decomposition`), which holds the baseline's error, has a prior of its own:
  a noisy baseline would otherwise look like many effects;
- each target has its own level; a task that is clearly noisier than the others keeps a scale of its own (the idea of
  Phipson et al. 2016, Ann. Appl. Stat. 10:946; multiplicative variances as in Ritchie et al. 2006, BMC Bioinformatics
  7:261);
- the spread of the true variances, which says how far to shrink, is taken larger than estimated, by CAUTION_ERRORS.

The first and the last are this project's own; tests/bench/moderation.py measures what they keep.
"""

from dataclasses import dataclass

import numpy as np

from analysis.statistics.decomposition import GainParts
from analysis.statistics.log_chi_square import (
    compute_log_bias,
    compute_log_kurtosis,
    compute_log_variance,
    find_degrees_of_freedom,
)
from analysis.statistics.moments import Array, IntArray, average_present

MIN_REFERENCES = 6  # tasks: with fewer the priors are estimated too badly
OWN_SCALE_ERRORS = 2.0  # a task has a scale of its own above so many standard errors
CAUTION_ERRORS = 1.5  # standard errors by which a spread of variances is taken larger than estimated
SHARED_CAUTION = 0.5  # the same for the shared parts, whose spread is the worst known


@dataclass(frozen=True, slots=True, kw_only=True)
class VariancePriors:
    """What a table says about its variances: which tasks are noisier, and how far single variances may lie apart."""

    scales: Array  # [tasks], factor of a task's variances, 1 for nearly all
    scale_errors: Array  # [tasks], variance of the logarithm of an estimated scale; 0 where the scale is 1
    spread: float  # variance of the logarithm of the true own variances around level x scale
    shared_ratio: float  # shared variance over (1 + 1/k) x level: 1 if the baseline is as noisy as a task
    shared_freedom: float  # degrees of freedom that this ratio is worth as a prior


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeratedVariances:
    """Moderated variances over seeds, in points squared, with degrees of freedom; NaN where there is none."""

    own: Array  # [tasks, columns], of a task's score around what its seed does to all tasks
    own_freedom: Array  # [tasks, columns]
    shared: Array  # [columns], of the mean gain of all reference tasks
    shared_freedom: Array  # [columns]
    task_counts: IntArray  # [columns], reference tasks
    priors: VariancePriors

    @property
    def typical_sd(self) -> Array:
        """The median over tasks of the standard deviation of own parts, above 0: [columns]; 1 for a column without."""
        known = np.where(self.own > 0, self.own, np.nan)
        has_any = np.isfinite(known).any(axis=0)
        return np.sqrt(np.where(has_any, np.nanmedian(np.where(has_any, known, 1.0), axis=0), 1.0))

    def combine(self) -> tuple[Array, Array]:
        """Return the variance of a gain at one seed and its degrees of freedom: [tasks, columns] each."""
        own = (1 - 1 / np.maximum(1, self.task_counts)) * self.own
        total = own + self.shared
        return total, add_freedom(own, self.own_freedom, self.shared, self.shared_freedom)


def add_freedom(first: Array, first_freedom: Array, second: Array, second_freedom: Array) -> Array:
    """Return Satterthwaite's degrees of freedom of a sum of two variances; infinite for a sum of 0."""
    total, squares = first + second, first**2 / first_freedom + second**2 / second_freedom
    return np.asarray(np.divide(total**2, squares, out=np.full(squares.shape, np.inf), where=squares != 0))


def moderate(parts: GainParts) -> ModeratedVariances | None:
    """Return the variances of `parts` shrunk to priors that all of them give; None without such priors.

    A column with fewer than MIN_REFERENCES tasks, or only variances of 0, is NaN. A single variance of 0, from seeds
    that are all equal, is in no prior, and is shrunk like the others.
    """
    logs = _compute_logs(parts)
    if not np.isfinite(logs).any():
        return None
    noise = _average(np.where(np.isfinite(logs), compute_log_variance(parts.own_freedom), np.nan))
    kurtosis = _average(np.where(np.isfinite(logs), compute_log_kurtosis(parts.own_freedom), np.nan))
    columns = count_independent_columns(parts)
    scales, scale_errors = _find_scales(logs, noise, columns)
    spread = _estimate_spread(logs - np.log(scales)[:, None], noise, kurtosis)
    levels, level_errors = _find_levels(parts, scales, spread)

    ratios = parts.shared / (1 + 1 / np.maximum(1, parts.task_counts)) / levels
    ratio, shared_prior = _fit_shared_ratio(ratios, parts.shared_freedom, spread, level_errors, columns)
    priors = VariancePriors(
        scales=scales, scale_errors=scale_errors, spread=spread, shared_ratio=ratio, shared_freedom=shared_prior
    )
    return _shrink_parts(parts, priors, levels, level_errors)


def moderate_mean(parts: GainParts, priors: VariancePriors) -> ModeratedVariances | None:
    """Return the variances of `parts` of one column, a mean over others, with the priors that the others gave."""
    if not np.isfinite(_compute_logs(parts)).any():
        return None
    levels, level_errors = _find_levels(parts, priors.scales, priors.spread)
    return _shrink_parts(parts, priors, levels, level_errors)


def count_independent_columns(parts: GainParts) -> float:
    """Return how many columns without correlation over seeds would say as much about a task's scale: 1 or more.

    With T columns whose own parts correlate by rho this is T / (1 + (T - 1) rho^2), since logarithms of variances
    correlate by about rho^2. With two seeds rho is unknown, and a third of the columns is taken.
    """
    usable = np.isfinite(parts.own).any(axis=0)
    columns, freedom = int(usable.sum()), _average(parts.own_freedom)
    if freedom < 1.5:
        return max(1.0, columns / 3)
    lengths = np.sqrt((parts.deviations**2).sum(axis=-1))  # tasks x columns
    known = lengths > 0
    if columns < 2 or (known.sum(axis=1) < 2).all():
        return 1.0
    units = parts.deviations / np.where(known, lengths, 1.0)[..., None]
    # The sum of squared correlations of all pairs of columns, without a table of the pairs.
    squares = np.einsum("its,itu->isu", units, units) ** 2
    pairs = known.sum(axis=1) * (known.sum(axis=1) - 1)
    mean_square = (squares.sum() - known.sum()) / pairs.sum()
    square = float(np.clip((mean_square - 1 / freedom) / (1 - 1 / freedom), 0, 1))
    return float(columns / (1 + (columns - 1) * square))


def _compute_logs(parts: GainParts) -> Array:
    """Return the logarithms of the own variances without their bias; NaN for those that are in no prior."""
    known = (parts.task_counts >= MIN_REFERENCES) & (parts.own > 0)
    bias = compute_log_bias(np.where(known, parts.own_freedom, 1.0))
    return np.where(known, np.log(np.where(known, parts.own, 1.0)) - bias, np.nan)


def _find_scales(logs: Array, noise: float, columns: float) -> tuple[Array, Array]:
    """Return the scale of each task, and the variance of the logarithm of those that are not 1."""
    centred = logs - average_present(logs, axis=0)
    by_task = average_present(centred, axis=1)
    known, rows = np.isfinite(logs), logs.shape[0]
    spare = (known.any(axis=0).sum() - 1) * (known.any(axis=1).sum() - 1) - (rows * logs.shape[1] - known.sum())
    left = max(noise, float(np.nansum((centred - by_task[:, None]) ** 2)) / max(1, spare)) / columns
    excess = np.where(np.isfinite(by_task), by_task - float(np.median(by_task[np.isfinite(by_task)])), 0.0)
    stands_apart = excess > OWN_SCALE_ERRORS * np.sqrt(left)
    return np.where(stands_apart, np.exp(excess), 1.0), np.where(stands_apart, left, 0.0)


def _estimate_spread(logs: Array, noise: float, kurtosis: float) -> float:
    """Return the variance of true log variances within columns, some standard errors above its estimate."""
    spare = max(1.0, float((np.isfinite(logs).sum(axis=0) - 1).clip(0).sum()))
    within = float(np.nansum((logs - average_present(logs, axis=0)) ** 2)) / spare
    return max(0.0, within * (1 + CAUTION_ERRORS * float(np.sqrt((2 + kurtosis) / spare))) - noise)


def _find_levels(parts: GainParts, scales: Array, spread: float) -> tuple[Array, Array]:
    """Return each column's mean own variance at scale 1, and the variance of the logarithm of that mean."""
    known = np.isfinite(_compute_logs(parts))
    tasks = known.sum(axis=0)
    levels = average_present(np.where(known, parts.own / scales[:, None], np.nan), axis=0)
    freedom = np.maximum(1, tasks - 1) * average_present(np.where(known, parts.own_freedom, np.nan), axis=0)
    return levels, compute_log_variance(freedom) + spread / np.maximum(1, tasks)


def _fit_shared_ratio(
    ratios: Array, freedom: Array, spread: float, level_errors: Array, columns: float
) -> tuple[float, float]:
    """Return the mean of the shared variances over their levels, and its worth in degrees of freedom.

    Only other columns can say anything about the shared variance of one; with one column the worth is 0.
    """
    known = ratios > 0
    if known.sum() < 2 or columns <= 1:
        return 1.0, 0.0
    logs = np.log(ratios[known]) - compute_log_bias(freedom[known])
    noise, kurtosis = _average(compute_log_variance(freedom[known])), _average(compute_log_kurtosis(freedom[known]))
    between, level_error = float(logs.var(ddof=1)), _average(level_errors[known])
    cautious = between * (1 + SHARED_CAUTION * np.sqrt((2 + kurtosis) / (columns - 1)))
    shared_spread = max(spread, cautious - noise - level_error)
    worth = find_degrees_of_freedom(shared_spread + max(between, noise) / (columns - 1) + level_error)
    return float(ratios[known].mean()), float(worth)


def _shrink_parts(parts: GainParts, priors: VariancePriors, levels: Array, level_errors: Array) -> ModeratedVariances:
    own_prior = find_degrees_of_freedom(priors.spread + level_errors + priors.scale_errors[:, None])
    own, own_freedom = _shrink(parts.own, parts.own_freedom, priors.scales[:, None] * levels, own_prior)
    expected = priors.shared_ratio * (1 + 1 / np.maximum(1, parts.task_counts)) * levels
    shared, shared_freedom = _shrink(parts.shared, parts.shared_freedom, expected, np.full(1, priors.shared_freedom))
    return ModeratedVariances(
        own=own,
        own_freedom=own_freedom,
        shared=shared,
        shared_freedom=shared_freedom,
        task_counts=parts.task_counts,
        priors=priors,
    )


def _shrink(variance: Array, freedom: Array, prior: Array, prior_freedom: Array) -> tuple[Array, Array]:
    total = freedom + prior_freedom
    return (freedom * variance + prior_freedom * prior) / total, np.broadcast_to(total, variance.shape)


def _average(values: Array) -> float:
    """Return the mean of the values that are not NaN; there is at least one."""
    return float(np.nanmean(values))
