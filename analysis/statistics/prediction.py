"""A number as a predictor of another one in a column that was not seen: leave one column out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import EPSILON, Array


@dataclass(frozen=True, slots=True)
class PredictionErrors:
    """Root mean squared errors by column, in the unit of what is predicted; NaN where nothing is predicted."""

    line_rmse: Array  # of a line through the cells of all other columns
    mean_rmse: Array  # of their mean

    @property
    def out_of_sample_r2(self) -> float:
        """Share of the squared error of the mean that the line saves, over all columns; below 0 if it adds to it."""
        there = np.isfinite(self.line_rmse)
        if not there.any() or (total := float((self.mean_rmse[there] ** 2).sum())) < EPSILON:
            return float("nan")
        return 1 - float((self.line_rmse[there] ** 2).sum()) / total


def leave_one_column_out(predictor: npt.ArrayLike, values: npt.ArrayLike) -> PredictionErrors:
    """How far a line of values on the predictor, fitted on all other columns, misses those of each column.

    The predictor is standardised within columns first: distances to different columns have different scales, and no
    value of the column is needed for it.

    Args:
        predictor: [candidates, columns], NaN for a hole
        values: of the same shape
    """
    predictor, values = np.asarray(predictor, dtype=np.float64), np.asarray(values, dtype=np.float64)
    there = np.isfinite(predictor) & np.isfinite(values)
    scaled = _standardise(predictor, there)
    there &= np.isfinite(scaled)
    line, mean = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    for column in range(values.shape[1]):
        own, rest = there[:, column], there.copy()
        rest[:, column] = False
        if not own.any() or not rest.any():
            continue
        level, x, y = values[rest].mean(), scaled[rest], values[rest]
        slope = (x * (y - level)).sum() / (x**2).sum()  # x has mean 0 in every column, so also in all
        line[column] = _rmse(level + slope * scaled[own, column] - values[own, column])
        mean[column] = _rmse(level - values[own, column])
    return PredictionErrors(line, mean)


def _standardise(values: Array, there: npt.NDArray[np.bool_]) -> Array:
    """Mean 0 and variance 1 within each column; NaN where all are equal, or nothing is."""
    number = np.maximum(there.sum(axis=0), 1)
    centred = np.where(there, values, 0.0)
    centred = np.where(there, centred - centred.sum(axis=0) / number, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / number)
    return np.where(there & (spread > EPSILON), centred / np.where(spread > EPSILON, spread, 1.0), np.nan)


def _rmse(errors: Array) -> float:
    return float(np.sqrt((errors**2).mean()))
