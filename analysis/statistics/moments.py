"""Mean, standard deviation and count over the trailing axis, which is seeds; NaN marks a missing value."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

EPSILON = 1e-9  # points: differences of equal scores are rounding errors below this


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean, standard deviation and count: three arrays of one shape."""

    mean: Array  # NaN without a value
    sd: Array  # with n - 1 in the denominator; NaN with fewer than two values
    count: IntArray


def compute_moments(values: npt.ArrayLike) -> Moments:
    """Return mean, standard deviation and count of the present `values` [..., seeds]; NaN marks a missing one."""
    mean, deviations, count = centre_values(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.sqrt((deviations**2).sum(axis=-1) / np.where(count > 1, count - 1, np.nan))
    return Moments(mean, sd, count)


def centre_values(values: npt.ArrayLike) -> tuple[Array, Array, IntArray]:
    """Return mean [...], deviations [..., seeds] (0 for a missing value and below EPSILON) and count [...]."""
    values = np.asarray(values, dtype=np.float64)
    present = np.isfinite(values)
    count = present.sum(axis=-1)
    mean = np.where(present, values, 0.0).sum(axis=-1) / np.where(count > 0, count, np.nan)
    deviations = np.where(present, values - mean[..., None], 0.0)
    deviations[np.abs(deviations) < EPSILON] = 0.0
    return mean, deviations, count


def average_present(values: Array, axis: int) -> Array:
    """Return the means along `axis` of the values that are not NaN; NaN where there is none."""
    present = np.isfinite(values)
    count = present.sum(axis=axis)
    return np.asarray(np.where(present, values, 0.0).sum(axis=axis) / np.where(count > 0, count, np.nan))


def finite_or_none(value: float) -> float | None:
    """Return None in place of NaN."""
    return float(value) if math.isfinite(value) else None
