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

from analysis.statistics.moments import EPSILON, Array

MAX_CORRELATION = 0.95  # of a task's noise between targets, so that matrices stay invertible


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrunkenGains:
    """The posterior of true gains, relative to their mean over the reference tasks, in points."""

    mean: Array  # [tasks, columns]; 0 where nothing is known
    covariance: Array  # [tasks, columns, columns]
    offset: Array  # [columns], the mean gain of the reference tasks

    def average(self, columns: npt.ArrayLike) -> tuple[Array, Array]:
        """Return mean [tasks] and variance [tasks] of the mean over some columns, given by their indices."""
        chosen = np.asarray(columns, dtype=np.int64)
        block = self.covariance[:, chosen[:, None], chosen]
        return self.mean[:, chosen].mean(axis=1) + self.offset[chosen].mean(), block.mean(axis=(1, 2))


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
    gains, noise = np.asarray(means, dtype=np.float64) / scales, np.asarray(variances, dtype=np.float64) / scales**2
    known = np.isfinite(gains) & np.isfinite(noise)
    counts = np.maximum(1, known.sum(axis=0))
    offset = np.where(known, gains, 0.0).sum(axis=0) / counts
    centred, errors = np.where(known, gains - offset, 0.0), np.sqrt(np.where(known, noise, 0.0))
    correlations = np.full((len(scales), len(scales)), correlation)
    np.fill_diagonal(correlations, 1.0)

    prior = _estimate_prior(centred, errors, known, correlations)
    pattern = known[:, :, None] & known[:, None, :]
    total = np.where(pattern, prior + errors[:, :, None] * errors[:, None, :] * correlations, np.eye(len(scales)))
    total = total + EPSILON * np.eye(len(scales))
    seen = np.where(known[:, :, None], prior, 0.0)  # what each known mean says about every column
    weights = np.linalg.solve(total, seen)
    shrunken = np.einsum("itu,it->iu", weights, centred)
    covariance = prior - np.einsum("itu,itv->iuv", seen, weights)
    return ShrunkenGains(
        mean=shrunken * scales, covariance=covariance * scales[:, None] * scales, offset=offset * scales
    )


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


def _estimate_prior(centred: Array, errors: Array, known: Array, correlations: Array) -> Array:
    """Return the prior covariance [columns, columns] of true gains: their observed one less that of the noise."""
    columns = len(correlations)
    pairs = known.astype(np.float64).T @ known
    observed = (centred.T @ centred) / np.maximum(1, pairs - 1)
    excess = observed - correlations * (errors.T @ errors) / np.maximum(1, pairs)
    off_diagonal = ~np.eye(columns, dtype=np.bool_)
    common = max(0.0, float(excess[off_diagonal].mean())) if columns > 1 else 0.0
    own = max(0.0, float(np.diag(excess).mean()) - common)
    return np.full((columns, columns), common) + own * np.eye(columns)
