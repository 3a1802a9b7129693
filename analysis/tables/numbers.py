"""Numbers of a table from values per seed and from estimates."""

import numpy as np
import numpy.typing as npt

from analysis.statistics.interval import compute_interval
from analysis.tables.grid import GridNumber
from analysis.transfer.estimate import Estimate

NumberBounds = tuple[float, float]

NO_BOUNDS: NumberBounds = (-np.inf, np.inf)


def summarise_seeds(values: npt.ArrayLike, missing: str = "-", bounds: NumberBounds = NO_BOUNDS) -> GridNumber:
    """The mean of one value per seed, NaN for a hole, with its interval; `missing` is shown if no seed has one.

    The interval is cut at `bounds`, which no value can pass: Student's t knows nothing of them.
    """
    every = np.asarray(values, dtype=np.float64)
    there = every[np.isfinite(every)]
    interval = compute_interval(there.tolist())
    low, high = (None, None) if interval is None else (float(end) for end in np.clip(interval, *bounds))
    if not there.size:
        return GridNumber(value=None, text=missing, seeds=0, of_seeds=every.size)
    return GridNumber(value=float(there.mean()), low=low, high=high, seeds=there.size, of_seeds=every.size)


def number_from_estimate(one: Estimate) -> GridNumber:
    """An estimate as a field; where there is none, why."""
    if one.mean is None:
        text = one.hole_status or (f"{one.parts}/{one.of_parts}" if one.of_parts > 1 else "none")
        return GridNumber(value=None, seeds=0, of_seeds=one.of_seeds, parts=one.parts, of_parts=one.of_parts, text=text)
    low, high = one.interval or (None, None)
    return GridNumber(
        value=one.mean,
        low=low,
        high=high,
        seeds=one.seeds,
        of_seeds=one.of_seeds,
        parts=one.parts,
        of_parts=one.of_parts,
    )


def format_p(p: float) -> str:
    """A p value in a sentence."""
    return f"p {p:.3f}" if p >= 0.001 else "p below 0.001"
