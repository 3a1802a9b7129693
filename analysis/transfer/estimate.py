"""One number of a table: a mean over seeds with its uncertainty and the data behind it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from analysis.statistics.gain_errors import GainErrors
from analysis.statistics.interval import MIN_SEEDS, compute_intervals, t_quantile
from analysis.statistics.moments import EPSILON, Array, compute_moments, finite_or_none
from analysis.statistics.significance import ALPHA, adjust_for_discovery, adjust_p_values
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, compute_column
from analysis.transfer.holes import DECIDED, Cell, Hole
from analysis.transfer.uncertainty import Uncertainty

EstimateKey = tuple[str, str]  # chain, column


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over seeds, in points, and the data behind it.

    The mean of a gain also uses seeds that only the baseline has (`statistics.baseline`).

    It includes `parts` of `of_parts` languages (of a column with one target) or targets (of a mean over targets): the
    fewest at any seed.
    """

    mean: float | None
    sd: float | None = None  # over seeds; None with one seed
    interval: tuple[float, float] | None = None  # of the mean; None with too few seeds
    p: float | None = None  # two-sided, of no difference; None without a width of the interval
    p_holm: float | None = None  # p adjusted for all cells of the table (Holm 1979)
    p_fdr: float | None = None  # p by the false discovery rate over the same cells (Benjamini and Hochberg 1995)
    p_above: float | None = None  # P(gain > 0)
    values: Mapping[int, float]  # by seed
    of_seeds: int
    parts: int
    of_parts: int
    skipped_seed_count: int = 0  # seeds that it lacks because a race decided its chain early
    holes: tuple[Hole, ...] = ()

    @property
    def seeds(self) -> int:
        """The number of seeds in it."""
        return len(self.values)

    @property
    def is_partial(self) -> bool:
        """True if it lacks languages, targets or seeds that others have, seeds that a race skipped not counted."""
        return self.seeds + self.skipped_seed_count < self.of_seeds or self.parts < self.of_parts

    @property
    def excludes_zero(self) -> bool:
        """True if the interval excludes 0; never where it has no width or rests on too few seeds for a verdict."""
        if self.interval is None or self.is_same_with_every_seed or self.seeds < MIN_SEEDS:
            return False
        return self.interval[0] > EPSILON or self.interval[1] < -EPSILON

    @property
    def is_gain(self) -> bool:
        """True if it is above 0 and its interval says so (`excludes_zero`)."""
        return self.excludes_zero and (self.mean or 0.0) > 0

    @property
    def is_same_with_every_seed(self) -> bool:
        """True if its interval has no width, which says nothing: the seeds may be copies of one run."""
        return self.interval is not None and self.interval[1] - self.interval[0] <= EPSILON

    @property
    def is_significant(self) -> bool:
        """True if it differs from 0 after Holm's correction for all cells of the table."""
        return self.p_holm is not None and self.p_holm < ALPHA

    @property
    def is_discovery(self) -> bool:
        """True if it differs from 0 by the false discovery rate: of all such cells, ALPHA are expected to be wrong."""
        return self.p_fdr is not None and self.p_fdr < ALPHA

    @property
    def hole_status(self) -> str | None:
        """The status of the seeds of a cell without a mean, or `mixed` if they differ."""
        if self.mean is not None or not self.holes:
            return None
        statuses = {hole.status for hole in self.holes}
        if len(statuses) > 1:
            statuses.discard(DECIDED)  # the others say why the seeds that it was given have no value
        return statuses.pop() if len(statuses) == 1 else "mixed"


def estimate_table(
    transfer: Transfer,
    array: Array,
    names: Sequence[str],
    columns: Sequence[TransferColumn],
    holes: Mapping[Cell, Hole],
    uncertainty: Uncertainty | None = None,
    *,
    wanted: Collection[str] | None = None,
) -> dict[EstimateKey, Estimate]:
    """Return the estimates of a table, by row and column, of all rows or of those `wanted`.

    `array` (names x targets x languages x seeds) holds the scores or gains of its rows. With `uncertainty`, that of
    gains, they are tested against 0. p is adjusted over the cells of all single columns together, and for each mean
    over targets over its own cells.
    """
    column_values = [compute_column(transfer, column, array) for column in columns]
    values = np.stack([column.values for column in column_values], axis=1)  # names x columns x seeds
    errors = uncertainty.estimate(values, columns) if uncertainty else None
    p_values = _run_tests(errors, columns) if errors else {}
    moments = compute_moments(values)
    intervals = errors.compute_intervals() if errors else compute_intervals(values)
    parts = np.stack([column.parts for column in column_values], axis=1)  # names x columns x seeds
    # The fewest of any seed that counts; where no seed has every target, the most targets of any.
    fewest = np.where(np.isfinite(values), parts, np.iinfo(np.int64).max).min(axis=-1, initial=np.iinfo(np.int64).max)
    part_counts = np.where(moments.count > 0, fewest, parts.max(axis=-1, initial=0)).tolist()
    means = errors.mean if errors else moments.mean
    numbers = {"mean": means.tolist(), "sd": moments.sd.tolist()}  # lists are read faster than arrays
    numbers |= {name: p.tolist() for name, p in p_values.items()}
    bounds, points = intervals.tolist(), values.tolist()
    planned = {name: transfer.count_planned_seeds(name) for name in names}

    def build_estimate(row: int, j: int) -> Estimate:
        column = columns[j]
        by_seed = {seed: value for seed, value in zip(transfer.seeds, points[row][j], strict=True) if isfinite(value)}
        skipped = transfer.skipped_seeds.get(names[row], frozenset())
        single = column.targets[0] if len(column.targets) == 1 and column.languages is None else None
        cell_holes = (holes.get((names[row], single, seed)) for seed in transfer.seeds) if single else ()
        low, high = map(finite_or_none, bounds[row][j])
        return Estimate(
            **{name: finite_or_none(number[row][j]) for name, number in numbers.items()},
            interval=None if low is None or high is None else (low, high),
            values=by_seed,
            of_seeds=planned[names[row]],
            parts=part_counts[row][j],
            of_parts=column_values[j].of_parts,
            skipped_seed_count=len(skipped.intersection(transfer.seeds).difference(by_seed)),
            holes=tuple(hole for hole in cell_holes if hole is not None),
        )

    return {
        (name, column.name): build_estimate(i, j)
        for i, name in enumerate(names)
        if wanted is None or name in wanted
        for j, column in enumerate(columns)
    }


def _run_tests(errors: GainErrors, columns: Sequence[TransferColumn]) -> dict[str, Array]:
    """Return the p values of a table by their field of Estimate."""
    p = errors.compute_p_values()
    single = np.array([not column.is_mean for column in columns])
    families = [single, *(np.arange(len(columns)) == j for j in np.flatnonzero(~single))]
    holm, fdr = np.full(p.shape, np.nan), np.full(p.shape, np.nan)
    for family in families:
        holm[:, family], fdr[:, family] = adjust_p_values(p[:, family]), adjust_for_discovery(p[:, family])
    return {"p": p, "p_holm": holm, "p_fdr": fdr, "p_above": errors.compute_p_above()}


def find_holm_threshold(
    transfer: Transfer, columns: Sequence[TransferColumn], uncertainty: Uncertainty
) -> float | None:
    """Return the gain in points that passes the first step of Holm's method in the median cell; None if none is tested.

    The cells are those of all single columns.
    """
    single = [column for column in columns if not column.is_mean]
    if not single:
        return None
    values = np.stack([compute_column(transfer, column, transfer.gains).values for column in single], axis=1)
    errors = uncertainty.estimate(values, single)
    tested = np.isfinite(errors.compute_p_values())
    if not tested.any():
        return None
    widths = t_quantile(errors.freedom[tested], 1 - ALPHA / int(tested.sum())) * np.sqrt(errors.variance[tested])
    return float(np.median(widths))
