"""The uncertainty of gains, over seeds and test items: errors of columns, draws for ranks, and gains for choosing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.statistics.draws import draw_blocks, draw_student_blocks
from analysis.statistics.gain_errors import ErrorKind, ErrorModel, GainErrors, fit_error_model
from analysis.statistics.moderation import MIN_REFERENCES
from analysis.statistics.moments import Array, BoolArray, IntArray, compute_moments
from analysis.statistics.shrinkage import ShrunkenGains
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, column_of, compute_column
from analysis.transfer.item_level import ItemLevel
from spaces.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """What is known about the errors of a transfer's gains.

    `item_covariances` has, for each column, the covariance over intermediates of the error that the choice of test
    items leaves in its means, in points squared. It is empty without an item level.
    """

    transfer: Transfer
    gains: Array  # intermediates x targets x seeds
    is_reference: BoolArray  # intermediates; False for controls
    model: ErrorModel
    shrunken: ShrunkenGains | None  # gains for choosing, intermediates x targets; None where errors are plain
    item_covariances: Mapping[TransferColumn, Array]
    rng: np.random.Generator
    draw_count: int

    @property
    def kind(self) -> ErrorKind:
        """The kind of the errors over seeds."""
        return self.model.kind

    @property
    def is_fully_raced(self) -> BoolArray:
        """Mask of the intermediates that no race decided early."""
        return np.array([name not in self.transfer.skipped_seeds for name in self.transfer.intermediates], np.bool_)

    @property
    def is_candidate(self) -> BoolArray:
        """Mask of the intermediates that may be chosen: no controls, and none that a race decided early."""
        return self.is_reference & self.is_fully_raced

    def estimate(self, values: Array, columns: Sequence[TransferColumn]) -> GainErrors:
        """Return the errors of `values` (intermediates x columns x seeds) over seeds and items."""
        is_mean = np.array([column.is_mean for column in columns])
        fields = {name: np.full(values.shape[:2], np.nan) for name in ("mean", "counts", "variance", "freedom")}
        baseline = _compute_baseline(self.transfer, columns)
        parts = []
        if not is_mean.all():
            parts.append((~is_mean, self.model.estimate_columns(values[:, ~is_mean], baseline[~is_mean])))
        for j in np.flatnonzero(is_mean):
            parts.append((np.arange(len(columns)) == j, self.model.estimate_mean(values[:, j], baseline[j])))
        for mask, errors in parts:
            for name, field in fields.items():
                field[:, mask] = getattr(errors, name)
        counts = fields.pop("counts").astype(np.int64)
        return GainErrors(**fields, counts=counts).add_items(self.compute_item_variances(columns))

    def compute_item_variances(self, columns: Sequence[TransferColumn]) -> Array:
        """Return squared standard errors over new items: intermediates x columns; 0 without an item level."""
        if not self.item_covariances:
            return np.zeros((1, len(columns)))
        diagonals = (np.diagonal(self.compute_item_covariance(column)) for column in columns)
        return np.stack([np.maximum(diagonal, 0.0) for diagonal in diagonals], axis=1)

    def compute_item_covariance(self, column: TransferColumn) -> Array:
        """Return the covariance of a column's means over new items: intermediates x intermediates.

        Items of different targets are independent, which gives that of a mean over whole targets.
        """
        if (covariance := self.item_covariances.get(column)) is not None:
            return covariance
        parts = [self.item_covariances[column_of(target)] for target in column.targets]
        return np.asarray(np.sum(parts, axis=0) / len(parts) ** 2)

    def compute_contrast_p(self, values: Array, column: TransferColumn, first: IntArray, second: IntArray) -> Array:
        """Return the p values of pairs of intermediates in `values` (intermediates x seeds) of a column."""
        items: Array = np.zeros(len(first))
        if self.item_covariances:
            covariance = self.compute_item_covariance(column)
            items = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
        return self.model.compute_contrast_p(values, first, second, np.maximum(items, 0.0))

    def restrict(self, seeds: BoolArray) -> "Uncertainty":
        """Return what is known from some of the seeds alone."""
        gains = np.where(seeds, self.gains, np.nan)
        return replace(self, gains=gains, shrunken=self.model.shrink(gains))

    def find_values(self, column: TransferColumn) -> Array:
        """Return the gains in a column of whole targets: intermediates x seeds."""
        return np.asarray(self.gains[:, self.locate(column)].mean(axis=1))

    def choose_by(self, column: TransferColumn) -> Array:
        """Return the number by which an intermediate is chosen for a column of whole targets, the best one highest.

        That is the shrunken gain; the plain mean for controls and where errors are plain. NaN without a gain on every
        target.
        """
        targets = self.locate(column)
        by_target = compute_moments(self.gains[:, targets]).mean
        if self.shrunken is None:
            return compute_moments(self.find_values(column)).mean
        plain = by_target.mean(axis=1)
        return np.where(self.is_reference & np.isfinite(plain), self.shrunken.average(targets), plain)

    def draw_for_best(self, column: TransferColumn, is_candidate: BoolArray) -> Iterator[Array]:
        """Yield draws [..., intermediates] of the true gains of candidates in a column, NaN for the others."""
        targets = self.locate(column)
        items = self.compute_item_covariance(column)[None] if self.item_covariances else None
        own = self.model.estimate_own_errors(self.gains) if self.shrunken else None
        if self.shrunken is None or own is None:
            values = np.where(is_candidate[:, None], self.find_values(column), np.nan)
            blocks = draw_blocks(values[None], self.rng, self.draw_count, items)
        else:
            mean, variance = self.shrunken.average(targets), self.shrunken.average_variance(targets)
            freedom = own[1][:, targets].mean(axis=1)
            known = np.where(is_candidate, variance, np.nan)
            blocks = draw_student_blocks(
                mean[None], known[None], freedom[None], self.rng, self.draw_count, covariance=items
            )
        for draws in blocks:
            yield draws[:, 0]

    def draw_for_ranks(self, targets: Sequence[TransferColumn], count: int) -> Iterator[Array]:
        """Yield draws [..., targets, intermediates] of the true gains on single targets, up to what all share."""
        columns = [self.locate(target)[0] for target in targets]
        gains = np.swapaxes(self.gains[:, columns], 0, 1)
        items = None
        if self.item_covariances:
            items = np.stack([self.compute_item_covariance(target) for target in targets])
        own = self.model.estimate_own_errors(self.gains)
        if own is None:
            return draw_blocks(gains, self.rng, count, items)
        variance, freedom = (part[:, columns].T for part in own)
        mean = compute_moments(gains).mean
        correlation = self.model.correlation
        return draw_student_blocks(mean, variance, freedom, self.rng, count, correlation=correlation, covariance=items)

    def locate(self, column: TransferColumn) -> list[int]:
        """Return the indices of a column's targets."""
        return [self.transfer.targets.index(target) for target in column.targets]


def build_uncertainty(
    transfer: Transfer,
    item_level: ItemLevel,
    columns: Sequence[TransferColumn],
    kind: ErrorKind | None,
    rng: np.random.Generator,
    draw_count: int,
) -> Uncertainty:
    """Return the uncertainty of the gains, with the item level of `columns`.

    Errors are moderated where that is possible, unless `kind` says otherwise. Raise UsageError if it says moderated and
    there are too few tasks.
    """
    targets = [column_of(target) for target in transfer.targets]
    gains = np.stack([compute_column(transfer, target, transfer.gains).values for target in targets], axis=1)
    is_reference = np.array([name not in transfer.loaded_scores.controls for name in transfer.intermediates], np.bool_)
    model = fit_error_model(gains, _compute_baseline(transfer, targets), is_reference, kind or "moderated")
    if kind == "moderated" and model.kind == "plain":
        raise UsageError(
            f"Moderated errors take {MIN_REFERENCES} intermediate tasks, controls not counted, with two seeds on one "
            "target. Leave out --errors, or train more tasks."
        )
    covariances = {} if item_level.covariance is None else dict(zip(columns, item_level.covariance, strict=True))
    return Uncertainty(
        transfer=transfer,
        gains=gains,
        is_reference=is_reference,
        model=model,
        shrunken=model.shrink(gains),
        item_covariances=covariances,
        rng=rng,
        draw_count=draw_count,
    )


def _compute_baseline(transfer: Transfer, columns: Sequence[TransferColumn]) -> Array:
    """Return the baseline's scores: columns x seeds."""
    return np.stack([compute_column(transfer, column, transfer.scores[:1]).values[0] for column in columns])
