"""Mean, standard deviation and count over the trailing axis, which is seeds; NaN is a hole."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

EPSILON = 1e-9  # points: what rounding leaves of a difference of equal scores


@dataclass(frozen=True, slots=True)
class Moments:
    """Three arrays of one shape."""

    mean: Array  # NaN without a value
    sd: Array  # with n - 1 in the denominator; NaN with fewer than two values
    count: IntArray


def compute_moments(values: npt.ArrayLike) -> Moments:
    """Mean, standard deviation and count of the values that are there.

    Args:
        values: [..., seeds]
    """
    mean, deviations, count = centre_values(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.sqrt((deviations**2).sum(axis=-1) / np.where(count > 1, count - 1, np.nan))
    return Moments(mean, sd, count)


def centre_values(values: npt.ArrayLike) -> tuple[Array, Array, IntArray]:
    """Mean [...], deviations from it [..., seeds] and count [...]; a hole deviates by 0, as does what is rounding."""
    values = np.asarray(values, dtype=np.float64)
    there = np.isfinite(values)
    count = there.sum(axis=-1)
    mean = np.where(there, values, 0.0).sum(axis=-1) / np.where(count > 0, count, np.nan)
    deviations = np.where(there, values - mean[..., None], 0.0)
    deviations[np.abs(deviations) < EPSILON] = 0.0
    return mean, deviations, count


def finite_or_none(value: float) -> float | None:
    """Return None in place of NaN."""
    return float(value) if np.isfinite(value) else None
