"""Mean gains with their errors over seeds: plain, each from its own seeds, or moderated, with what the table knows."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from analysis.statistics.baseline import add_further_spread, estimate_common_share, use_further_seeds
from analysis.statistics.decomposition import split_gains
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS, t_quantile, two_sided_p
from analysis.statistics.moderation import ModeratedVariances, add_freedom, moderate, moderate_mean
from analysis.statistics.moments import EPSILON, Array, BoolArray, IntArray, compute_moments
from analysis.statistics.shrinkage import ShrunkenGains, estimate_correlation, shrink_gains

ErrorKind = Literal["moderated", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GainErrors:
    """Mean gains and the variances of these means: [tasks, columns] each; NaN where there is none."""

    mean: Array
    counts: IntArray  # seeds
    variance: Array  # of the mean, over new seeds and, after `add_items`, over new test items
    freedom: Array  # degrees of freedom of the variance

    def add_items(self, item_variance: npt.ArrayLike) -> "GainErrors":
        """Return the errors over new test items too; the degrees of freedom of their variance count as infinite."""
        items = np.broadcast_to(np.maximum(item_variance, 0.0), self.variance.shape)
        freedom = add_freedom(self.variance, self.freedom, items, np.full(items.shape, np.inf))
        return replace(self, variance=self.variance + items, freedom=freedom)

    def compute_intervals(self, level: float = CONFIDENCE_LEVEL) -> Array:
        """Return low and high [tasks, columns, 2] of Student's interval."""
        half_width = t_quantile(self.freedom, level) * np.sqrt(self.variance)
        return np.stack([self.mean - half_width, self.mean + half_width], axis=-1)

    def compute_p_values(self) -> Array:
        """Return two-sided p values of no gain; NaN with fewer than MIN_SEEDS seeds, or where all seeds are equal."""
        return np.where(self._has_verdict, two_sided_p(self._compute_t(), self.freedom), np.nan)

    def compute_p_above(self) -> Array:
        """Return the probability that the true gain is above 0, NaN where there is no p value."""
        return np.where(self._has_verdict, stdtr(self.freedom, self._compute_t()), np.nan)

    @property
    def _has_verdict(self) -> BoolArray:
        return np.asarray((self.counts >= MIN_SEEDS) & (self.variance > 0))

    def _compute_t(self) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(np.abs(self.mean) < EPSILON, 0.0, self.mean / np.sqrt(self.variance))


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorModel:
    """How errors over seeds are estimated: from the gains by target, or, without `target_variances`, each alone."""

    is_reference: BoolArray  # [tasks], False for controls, whose errors are always plain
    target_variances: ModeratedVariances | None  # tasks x targets
    correlation: float  # of a task's own parts between targets, over seeds
    common_share: float  # of the baseline's variance over seeds, the part that all chains have in common

    @property
    def kind(self) -> ErrorKind:
        """The kind of the errors."""
        return "plain" if self.target_variances is None else "moderated"

    def estimate_columns(self, values: npt.ArrayLike, baseline: npt.ArrayLike) -> GainErrors:
        """Return the errors of gains [tasks, columns, seeds]; the columns, e.g. targets, give each other priors.

        `baseline` [columns, seeds] has the baseline's scores. Seeds that a task lacks are used where errors are
        moderated.
        """
        values, scores = np.asarray(values, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
        moderated = None
        if self.target_variances is not None:
            parts = split_gains(values, self.is_reference)
            moderated = moderate(add_further_spread(parts, scores, self.common_share))
        return self._combine(values, scores, moderated)

    def estimate_mean(self, values: npt.ArrayLike, baseline: npt.ArrayLike) -> GainErrors:
        """Return the errors of one mean over targets [tasks, seeds] as [tasks, 1]; the targets give the priors."""
        column, scores = np.asarray(values, dtype=np.float64)[:, None], np.asarray(baseline, dtype=np.float64)[None]
        return self._combine(column, scores, self._moderate_mean(column, scores))

    def _combine(self, values: Array, baseline: Array, moderated: ModeratedVariances | None) -> GainErrors:
        errors = _replace_plain(values, moderated)
        if moderated is None:
            return errors
        shift, reduction = use_further_seeds(values, baseline, moderated, self.common_share)
        return replace(errors, mean=errors.mean + shift, variance=errors.variance - reduction)

    def compute_contrast_p(
        self, values: npt.ArrayLike, first: IntArray, second: IntArray, item_variance: npt.ArrayLike = 0.0
    ) -> Array:
        """Return p values [pairs] of no difference between two tasks, paired by seed and not adjusted.

        `values` [tasks, seeds] is one mean over targets, or one target; `first` and `second` [pairs] are indices of
        tasks; `item_variance` [pairs] is of the error that the choice of test items leaves in the difference. NaN for
        fewer than MIN_SEEDS common seeds.
        """
        values = np.asarray(values, dtype=np.float64)
        errors = _estimate_plain((values[first] - values[second])[:, None])
        moderated = self._moderate_mean(values[:, None], None)
        if moderated is not None:
            own, own_freedom = moderated.own[:, 0], moderated.own_freedom[:, 0]
            variance = own[first] + own[second]
            freedom = add_freedom(own[first], own_freedom[first], own[second], own_freedom[second])
            errors = _replace_known(errors, variance[:, None], freedom[:, None])
        return errors.add_items(np.reshape(item_variance, (-1, 1))).compute_p_values()[:, 0]

    def shrink(self, values: npt.ArrayLike) -> ShrunkenGains | None:
        """Return the gains [tasks, targets, seeds] shrunk for choosing; None where errors are plain.

        Controls take no part: their rows hold the mean of the other tasks.
        """
        values = np.asarray(values, dtype=np.float64)
        parts = split_gains(values, self.is_reference)
        moderated = moderate(parts) if self.target_variances else None
        if moderated is None:
            return None
        counts = np.maximum(1, np.isfinite(values).sum(axis=-1))
        return shrink_gains(parts.effects, moderated.own / counts, moderated.typical_sd, self.correlation)

    def estimate_own_errors(self, values: npt.ArrayLike) -> tuple[Array, Array] | None:
        """Return variance and degrees of freedom of the own part of each mean [tasks, columns]; None if plain.

        Own parts alone decide ranks, because the shared part moves all tasks. Controls have their plain variance.
        """
        values = np.asarray(values, dtype=np.float64)
        moderated = moderate(split_gains(values, self.is_reference)) if self.target_variances else None
        if moderated is None:
            return None
        plain = split_gains(values, np.ones_like(self.is_reference))
        known, counts = np.isfinite(moderated.own), np.maximum(1, np.isfinite(values).sum(axis=-1))
        own = np.where(known, moderated.own, plain.own) / counts
        return own, np.where(known, moderated.own_freedom, plain.own_freedom)

    def _moderate_mean(self, column: Array, baseline: Array | None) -> ModeratedVariances | None:
        if self.target_variances is None:
            return None
        parts = split_gains(column, self.is_reference)
        if baseline is not None:
            parts = add_further_spread(parts, baseline, self.common_share)
        return moderate_mean(parts, self.target_variances.priors)


def fit_error_model(
    target_gains: npt.ArrayLike, baseline: npt.ArrayLike, is_reference: npt.ArrayLike, kind: ErrorKind
) -> ErrorModel:
    """Return the model for a table of gains by target; plain where no prior can be estimated.

    Args:
        target_gains: [tasks, targets, seeds], NaN where missing
        baseline: [targets, seeds], the baseline's scores
        is_reference: [tasks], False for controls, which are made to differ from the others
        kind: of the errors
    """
    gains, reference = np.asarray(target_gains, dtype=np.float64), np.asarray(is_reference, dtype=np.bool_)
    parts = split_gains(gains, reference)
    share = estimate_common_share(parts, baseline)
    return ErrorModel(
        is_reference=reference,
        target_variances=moderate(add_further_spread(parts, baseline, share)) if kind == "moderated" else None,
        correlation=estimate_correlation(parts.deviations),
        common_share=share,
    )


def _estimate_plain(values: Array) -> GainErrors:
    moments = compute_moments(values)
    enough = moments.count >= MIN_SEEDS
    return GainErrors(
        mean=moments.mean,
        counts=moments.count,
        variance=np.where(enough, moments.sd**2 / np.maximum(1, moments.count), np.nan),
        freedom=np.where(enough, moments.count - 1.0, np.nan),
    )


def _replace_plain(values: Array, moderated: ModeratedVariances | None) -> GainErrors:
    plain = _estimate_plain(values)
    return plain if moderated is None else _replace_known(plain, *moderated.combine())


def _replace_known(plain: GainErrors, variance: Array, freedom: Array) -> GainErrors:
    """Return `plain` with the variance at one seed and its degrees of freedom where these are known."""
    known = np.isfinite(variance) & (plain.counts > 1)
    return replace(
        plain,
        variance=np.where(known, variance / np.maximum(1, plain.counts), plain.variance),
        freedom=np.where(known, freedom, plain.freedom),
    )
