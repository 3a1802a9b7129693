"""Numbers of a table from values per seed and from estimates."""

import numpy as np
import numpy.typing as npt

from analysis.statistics.interval import student
from analysis.tables.grid import Number
from analysis.transfer.estimate import Estimate

Bounds = tuple[float, float]

NO_BOUNDS: Bounds = (-np.inf, np.inf)


def over_seeds(values: npt.ArrayLike, missing: str = "-", bounds: Bounds = NO_BOUNDS) -> Number:
    """The mean of one value per seed, NaN for a hole, with its interval; `missing` is shown if no seed has one.

    The interval is cut at `bounds`, which no value can pass: Student's t knows nothing of them.
    """
    every = np.asarray(values, dtype=np.float64)
    there = every[np.isfinite(every)]
    interval = student(there.tolist())
    low, high = (None, None) if interval is None else (float(end) for end in np.clip(interval, *bounds))
    if not there.size:
        return Number(value=None, text=missing, seeds=0, of_seeds=every.size)
    return Number(value=float(there.mean()), low=low, high=high, seeds=there.size, of_seeds=every.size)


def of_estimate(one: Estimate) -> Number:
    """An estimate as a field; where there is none, why."""
    if one.mean is None:
        text = one.hole or (f"{one.parts}/{one.of_parts}" if one.of_parts > 1 else "none")
        return Number(value=None, seeds=0, of_seeds=one.of_seeds, parts=one.parts, of_parts=one.of_parts, text=text)
    low, high = one.interval or (None, None)
    return Number(
        value=one.mean,
        low=low,
        high=high,
        seeds=one.seeds,
        of_seeds=one.of_seeds,
        parts=one.parts,
        of_parts=one.of_parts,
    )


def of_p(p: float) -> str:
    """A p value in a sentence."""
    return f"p {p:.3f}" if p >= 0.001 else "p below 0.001"
