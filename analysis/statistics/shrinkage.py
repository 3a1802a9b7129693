"""Gains shrunk towards what the other gains of the table make likely: for choosing, not for reporting.

The largest of many noisy gains is partly luck, and more so where a target is noisy. Empirical Bayes: the true gain of
task i on target t, relative to the mean of all tasks and in standard deviations over seeds of that target, is taken as
a_i + b_it, with a_i ~ N(0, A) an effect common to all targets and b_it ~ N(0, B). A and B are estimated from the table
by moments, the noise by moderated variances. The posterior means (best linear unbiased predictions) use all targets
for each, and order tasks; the plain mean stays the estimate that is shown.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import EPSILON, Array, BoolArray

MAX_CORRELATION = 0.95  # of a task's noise between targets, so that matrices stay invertible


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrunkenGains:
    """The posterior of true gains [tasks, columns], relative to their mean over the reference tasks."""

    mean: Array  # [tasks, columns], points; 0 where nothing is known
    offset: Array  # [columns], points: the mean gain of the reference tasks
    scales: Array  # [columns], points of one standard deviation; the fields below are in these units
    noise: Array  # [tasks, columns], standard error of each observed gain; NaN where there is none
    correlation: float  # of a task's noise between two columns
    common: float  # prior variance of a task's effect on all columns
    own: float  # prior variance of its effect on one column

    @property
    def covariance(self) -> Array:
        """The posterior covariance [tasks, columns, columns], points squared; slow with many columns."""
        prior = self.common + self.own * np.eye(len(self.scales))
        known = np.isfinite(self.noise)
        solved = [
            _solve(self.noise, self.correlation, self.common, self.own, np.where(known, row, 0.0)) for row in prior
        ]
        seen = np.einsum("vs,uis->iuv", prior, np.stack(solved))
        return np.asarray((prior - seen) * self.scales[:, None] * self.scales)

    def average(self, columns: npt.ArrayLike) -> Array:
        """Return the posterior mean [tasks] of the mean gain over some columns, given by their indices."""
        chosen = np.asarray(columns, dtype=np.int64)
        return np.asarray(self.mean[:, chosen].mean(axis=1) + self.offset[chosen].mean())

    def average_variance(self, columns: npt.ArrayLike) -> Array:
        """Return the posterior variance [tasks] of the same, in points squared."""
        chosen = np.asarray(columns, dtype=np.int64)
        weights = np.zeros(len(self.scales))
        weights[chosen] = self.scales[chosen] / len(chosen)
        prior = self.common * weights.sum() ** 2 + self.own * (weights**2).sum()
        seen = np.where(np.isfinite(self.noise), self.common * weights.sum() + self.own * weights, 0.0)
        known = (seen * _solve(self.noise, self.correlation, self.common, self.own, seen)).sum(axis=1)
        return np.asarray(np.maximum(prior - known, 0.0))


def shrink_gains(
    means: npt.ArrayLike, variances: npt.ArrayLike, scales: npt.ArrayLike, correlation: float
) -> ShrunkenGains:
    """Return the posterior of the gains `means` [tasks, columns].

    Args:
        means: mean over seeds, NaN where missing
        variances: [tasks, columns], of the own part of each mean (`ModeratedVariances.own` over its seeds); NaN where
            unknown, and then the mean says nothing
        scales: [columns], a typical standard deviation over seeds, greater than 0
        correlation: of a task's noise between two columns (`estimate_correlation`)
    """
    scales = np.asarray(scales, dtype=np.float64)
    gains, errors = np.asarray(means, dtype=np.float64) / scales, np.sqrt(variances) / scales
    known = np.isfinite(gains) & np.isfinite(errors)
    noise = np.where(known, errors, np.nan)
    offset = np.where(known, gains, 0.0).sum(axis=0) / np.maximum(1, known.sum(axis=0))
    centred = np.where(known, gains - offset, 0.0)
    common, own = _estimate_prior(centred, np.where(known, errors, 0.0), known, correlation)
    weights = _solve(noise, correlation, common, own, centred)
    return ShrunkenGains(
        mean=(common * weights.sum(axis=1, keepdims=True) + own * weights) * scales,
        offset=offset * scales,
        scales=scales,
        noise=noise,
        correlation=correlation,
        common=common,
        own=own,
    )


def _solve(noise: Array, correlation: float, common: float, own: float, values: Array) -> Array:
    """Return the inverse of each task's covariance of observed gains, times its `values` [tasks, columns].

    The covariance is diagonal but for two products: the common effect, and the correlated part of the noise. So its
    inverse takes two by two matrices only (Sherman, Morrison and Woodbury). Columns without noise are left out: 0.
    """
    known = np.isfinite(noise)
    errors = np.where(known, noise, 0.0)
    precision = np.where(known, 1 / (own + (1 - correlation) * errors**2 + EPSILON), 0.0)
    products = np.stack([np.sqrt(common) * known, np.sqrt(correlation) * errors], axis=-1)  # tasks x columns x 2
    weighted = precision[..., None] * products
    inner = np.eye(2) + np.swapaxes(products, 1, 2) @ weighted
    projected = np.linalg.solve(inner, (weighted * values[..., None]).sum(axis=1)[..., None])
    return np.asarray(precision * values - (weighted @ projected)[..., 0])


def estimate_correlation(deviations: npt.ArrayLike) -> float:
    """Return the mean correlation over seeds between two columns of a task's own parts [tasks, columns, seeds].

    0 where it is negative or unknown: tasks are taken to share at most an error of the intermediate run.
    """
    deviations = np.asarray(deviations, dtype=np.float64)
    lengths = np.sqrt((deviations**2).sum(axis=-1, keepdims=True))
    known = lengths[..., 0] > 0
    units = deviations / np.where(lengths > 0, lengths, 1.0)
    pairs = float((known.sum(axis=1) * (known.sum(axis=1) - 1)).sum())
    products = float((units.sum(axis=1) ** 2).sum()) - float(known.sum())
    return float(np.clip(products / pairs, 0.0, MAX_CORRELATION)) if pairs else 0.0


def _estimate_prior(centred: Array, errors: Array, known: BoolArray, correlation: float) -> tuple[float, float]:
    """Return the prior variances, common and own: the observed covariance of gains less that of the noise."""
    columns = centred.shape[1]
    pairs = known.astype(np.float64).T @ known
    excess = (centred.T @ centred) / np.maximum(1, pairs - 1)
    noise = (errors.T @ errors) / np.maximum(1, pairs)
    diagonal = np.eye(columns, dtype=np.bool_)
    excess -= np.where(diagonal, 1.0, correlation) * noise
    common = max(0.0, float(excess[~diagonal].mean())) if columns > 1 else 0.0
    return common, max(0.0, float(excess[diagonal].mean()) - common)
