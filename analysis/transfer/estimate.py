"""One number of a table: a mean over seeds with its uncertainty, and what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from analysis.statistics.draws import estimate_p_above
from analysis.statistics.interval import compute_intervals
from analysis.statistics.moments import EPSILON, Array, compute_moments
from analysis.statistics.significance import ALPHA, adjust_p_values, compute_p_values
from analysis.transfer.array import DECIDED, Cell, Hole, Transfer
from analysis.transfer.columns import ColumnValues, TransferColumn, compute_column
from analysis.transfer.mean_sampler import MeanSampler

EstimateKey = tuple[str, str]  # chain, column


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over seeds, in points, and what it rests on.

    `parts` of `of_parts` languages (of a column with one target) or targets (of a mean over targets) are in it: the
    fewest of any seed.
    """

    mean: float | None
    sd: float | None = None  # over seeds; null with one seed
    interval: tuple[float, float] | None = None  # of the mean; null with too few seeds
    p: float | None = None  # two-sided, of no difference
    p_holm: float | None = None  # p adjusted for all cells of the table (Holm 1979)
    p_above: float | None = None  # share of the draws above 0
    values: Mapping[int, float]  # by seed
    of_seeds: int
    parts: int
    of_parts: int
    skipped_seed_count: int = 0  # seeds that it lacks because a race decided its chain early
    holes: tuple[Hole, ...] = ()

    @property
    def seeds(self) -> int:
        """How many seeds are in it."""
        return len(self.values)

    @property
    def is_partial(self) -> bool:
        """True if languages, targets or seeds are missing that others have, and that its chain was given."""
        return self.seeds + self.skipped_seed_count < self.of_seeds or self.parts < self.of_parts

    @property
    def excludes_zero(self) -> bool:
        """True if the interval excludes 0."""
        return self.interval is not None and (self.interval[0] > EPSILON or self.interval[1] < -EPSILON)

    @property
    def is_significant(self) -> bool:
        """True if it differs from 0 even when all cells of the table are looked at."""
        return self.p_holm is not None and self.p_holm < ALPHA

    @property
    def hole_status(self) -> str | None:
        """One word for a cell without a mean: the status that its seeds share, or `mixed`."""
        if self.mean is not None or not self.holes:
            return None
        words = {hole.status for hole in self.holes}
        words -= {DECIDED} if len(words) > 1 else set()  # why it has no value at the seeds that it was given
        return words.pop() if len(words) == 1 else "mixed"


def estimate_table(
    found: Transfer,
    array: Array,
    names: Sequence[str],
    columns: Sequence[TransferColumn],
    holes: Mapping[Cell, Hole],
    drawing: MeanSampler | None = None,
) -> dict[EstimateKey, Estimate]:
    """The estimates of a table, by row and column.

    `array` (names x targets x languages x seeds) holds the scores or gains of its rows. With `drawing` they are
    tested against 0; p is adjusted for the cells of single columns together, and for each mean over the targets among
    its own.
    """
    parts = [compute_column(found, column, array) for column in columns]
    values = np.stack([part.values for part in parts], axis=1)  # names x columns x seeds
    tested = _run_tests(values, columns, drawing) if drawing else {}
    spread, bounds = (
        compute_moments(values),
        compute_intervals(values, item_variance=drawing.variances(columns) if drawing else 0.0),
    )

    def one(row: int, place: int) -> Estimate:
        there = np.isfinite(values[row, place])
        part, column = parts[place], columns[place]
        withheld = found.skipped_seeds.get(names[row], frozenset())
        single = column.targets[0] if len(column.targets) == 1 and column.languages is None else None
        ends = (holes.get((names[row], single, seed)) for seed in found.seeds) if single else ()
        return Estimate(
            mean=_none_if_nan(spread.mean[row, place]),
            sd=_none_if_nan(spread.sd[row, place]),
            interval=_none_if_nan_pair(bounds[row, place]),
            **{name: _none_if_nan(each[row, place]) for name, each in tested.items()},
            values=dict(compress(zip(found.seeds, values[row, place].tolist(), strict=True), there)),
            of_seeds=len(found.seeds),
            parts=_count_fewest_parts(part, row, there),
            of_parts=part.of_parts,
            skipped_seed_count=sum(
                seed in withheld for seed, known in zip(found.seeds, there, strict=True) if not known
            ),
            holes=tuple(hole for hole in ends if hole is not None),
        )

    return {(name, column.name): one(i, j) for i, name in enumerate(names) for j, column in enumerate(columns)}


def _run_tests(values: Array, columns: Sequence[TransferColumn], drawing: MeanSampler) -> dict[str, Array]:
    p = compute_p_values(values, drawing.variances(columns))
    single = np.array([not column.is_mean for column in columns])
    adjusted = np.full(p.shape, np.nan)
    adjusted[:, single] = adjust_p_values(p[:, single])
    for place in np.flatnonzero(~single):
        adjusted[:, place] = adjust_p_values(p[:, place])
    above = np.where(np.isnan(p), np.nan, estimate_p_above(drawing.draw(values, columns)))
    return {"p": p, "p_holm": adjusted, "p_above": above}


def _count_fewest_parts(part: ColumnValues, row: int, there: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    """The fewest parts of any seed that counts; where no seed has every target, how many targets the fullest has."""
    parts = part.parts[row]
    return int(parts[there].min() if there.any() else parts.max(initial=0))


def _none_if_nan(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _none_if_nan_pair(bounds: Array) -> tuple[float, float] | None:
    return (float(bounds[0]), float(bounds[1])) if np.isfinite(bounds).all() else None
