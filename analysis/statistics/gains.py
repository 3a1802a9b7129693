"""Gains over the baseline: paired by target, language and seed, then averaged over languages, seeds and targets.

The functions take long frames, or lists of one number per seed, and know nothing of files or of printing.
"""

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from analysis.scores.tidy import CELL
from analysis.statistics.interval import student
from spaces.benchmark import NONE

POINTS = 100.0
EPSILON = 1e-9  # points: what rounding leaves of a difference of equal scores


@dataclass(frozen=True, slots=True)
class Hole:
    """A seed that is planned for a cell and not in its mean."""

    seed: int
    status: str  # stopped, degenerate, failed, missing, or unpaired: finished, but its baseline is not
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over seeds, in points, and what it rests on.

    `parts` of `of_parts` languages (of a cell) or targets (of a mean over targets) are in it: the fewest of any seed.
    """

    mean: float | None
    sd: float | None = None  # over seeds; null with one seed
    interval: tuple[float, float] | None = None  # of the mean; null with too few seeds
    seeds: int
    of_seeds: int
    parts: int
    of_parts: int
    holes: tuple[Hole, ...] = ()

    @property
    def partial(self) -> bool:
        """True if languages, targets or seeds are missing that others have."""
        return self.seeds < self.of_seeds or self.parts < self.of_parts

    @property
    def beyond(self) -> bool:
        """True if the interval excludes 0."""
        return self.interval is not None and (self.interval[0] > EPSILON or self.interval[1] < -EPSILON)

    @property
    def hole(self) -> str | None:
        """One word for a cell without a mean: the status that its seeds share, or `mixed`."""
        if self.mean is not None or not self.holes:
            return None
        words = {hole.status for hole in self.holes}
        return words.pop() if len(words) == 1 else "mixed"


@dataclass(frozen=True, slots=True)
class Point:
    """One cell at one seed: points, and how many languages they are the mean of."""

    value: float
    parts: int


def estimate(
    points: Mapping[int, Point], seeds: Collection[int], of_parts: int, holes: Sequence[Hole] = ()
) -> Estimate:
    """The mean of one point per seed; `seeds` are those that are planned."""
    values = [points[seed].value for seed in sorted(points)]
    return Estimate(
        mean=statistics.fmean(values) if values else None,
        sd=statistics.stdev(values) if len(values) > 1 else None,
        interval=student(values),
        seeds=len(values),
        of_seeds=len(seeds),
        parts=min((point.parts for point in points.values()), default=0),
        of_parts=of_parts,
        holes=tuple(holes),
    )


Cells = dict[tuple[str, str], dict[int, Point]]  # intermediate, target -> seed -> point


def paired(languages: pl.DataFrame) -> Cells:
    """Gain over the baseline of every cell and seed that both have.

    `languages` has CELL, `language` and `score` (a share, not null). Scores are differenced language by language, so
    a language that one side lacks is in neither mean.
    """
    base = languages.filter(pl.col("intermediate") == NONE).drop("intermediate").rename({"score": "base"})
    others = languages.filter(pl.col("intermediate") != NONE)
    both = others.join(base, on=["target", "seed", "language"])
    return _cells(both.with_columns(value=pl.col("score") - pl.col("base")))


def absolute(languages: pl.DataFrame) -> Cells:
    """Scores in points of every cell and seed; `languages` as in `paired`."""
    return _cells(languages.with_columns(value="score"))


def _cells(languages: pl.DataFrame) -> Cells:
    # Sorted, so that sums do not depend on the order of the rows in a file.
    groups = languages.sort(*CELL, "language").group_by(CELL, maintain_order=True)
    cells: Cells = {}
    for intermediate, target, seed, value, parts in groups.agg(pl.col("value").mean(), parts=pl.len()).iter_rows():
        cells.setdefault((intermediate, target), {})[seed] = Point(value * POINTS, parts)
    return cells


def over_targets(
    row: Mapping[str, Mapping[int, Point]], targets: Sequence[str], seeds: Collection[int], widest: Mapping[str, int]
) -> Estimate:
    """The mean over `targets` of one row of the matrix (target -> seed -> point), then over seeds.

    Only seeds that have every target count: a mean over fewer targets would be another quantity. If no seed has, the
    mean is null and `parts` tells how many targets the fullest seed has; else `parts` counts the targets that have
    all their languages, `widest[target]` of them.
    """
    there = {seed: [target for target in targets if seed in row[target]] for seed in seeds}
    complete = {
        seed: Point(
            statistics.fmean(row[target][seed].value for target in targets),
            sum(row[target][seed].parts == widest[target] for target in targets),
        )
        for seed, found in there.items()
        if len(found) == len(targets)
    }
    result = estimate(complete, seeds, len(targets))
    if complete:
        return result
    fullest = max((len(found) for found in there.values()), default=0)
    return Estimate(mean=None, seeds=0, of_seeds=len(seeds), parts=fullest, of_parts=len(targets))
