"""Numbers of a table, from values per seed and from estimates, and the same numbers inside a sentence."""

import numpy as np
import numpy.typing as npt

from analysis.statistics.effects import Effect
from analysis.statistics.interval import CONFIDENCE_LEVEL, compute_interval
from analysis.tables.grid import GridColumn, GridNumber, format_value
from analysis.transfer.estimate import Estimate

NumberBounds = tuple[float, float]

NO_BOUNDS: NumberBounds = (-np.inf, np.inf)
CORRELATION_BOUNDS: NumberBounds = (-1.0, 1.0)


def summarise_seeds(values: npt.ArrayLike, missing: str = "-", bounds: NumberBounds = NO_BOUNDS) -> GridNumber:
    """Return the mean of one value per seed (NaN for a hole) with its interval, or `missing` if no seed has a value.

    The interval is cut at `bounds`, the range of possible values, which Student's t does not know.
    """
    by_seed = np.asarray(values, dtype=np.float64)
    finite = by_seed[np.isfinite(by_seed)]
    interval = compute_interval(finite.tolist())
    low, high = (None, None) if interval is None else (float(end) for end in np.clip(interval, *bounds))
    if not finite.size:
        return GridNumber(value=None, text=missing, seeds=0, of_seeds=by_seed.size)
    return GridNumber(value=float(finite.mean()), low=low, high=high, seeds=finite.size, of_seeds=by_seed.size)


def number_from_estimate(estimate: Estimate) -> GridNumber:
    """Return an estimate as a field; without a mean, its text is the reason."""
    text = ""
    if estimate.mean is None:
        text = estimate.hole_status or (f"{estimate.parts}/{estimate.of_parts}" if estimate.of_parts > 1 else "none")
    low, high = estimate.interval or (None, None)
    return GridNumber(
        value=estimate.mean,
        low=low,
        high=high,
        seeds=estimate.seeds,
        of_seeds=estimate.of_seeds,
        parts=estimate.parts,
        of_parts=estimate.of_parts,
        text=text,
    )


def number_from_effect(effect: Effect | None) -> GridNumber:
    """Return an effect as a field; None is an effect that the data cannot separate from the others."""
    if effect is None:
        return GridNumber(value=None, text="not apart")
    low, high = effect.interval or (None, None)
    return GridNumber(value=effect.value, low=low, high=high)


def number_or_none(value: float | None) -> GridNumber | None:
    """Return a number without an interval; None for None and NaN."""
    return None if value is None or not np.isfinite(value) else GridNumber(value=value)


def format_difference(number: GridNumber) -> str:
    """Return a difference in points for a sentence: `+1.2 [+0.3, +2.1]`."""
    return format_value(number, GridColumn("", "difference", interval=True))


def format_interval(number: GridNumber, sign: str = "+") -> str:
    """Return ` (95% interval +0.3 to +2.1)` for a sentence, or nothing where there is no interval."""
    if number.low is None or number.high is None:
        return ""
    return f" ({CONFIDENCE_LEVEL:.0%} interval {number.low:{sign}z.1f} to {number.high:{sign}z.1f})"


def format_p(p: float) -> str:
    """Return a p value for a sentence: `p 0.012` or `p below 0.001`."""
    return f"p {p:.3f}" if p >= 0.001 else "p below 0.001"
