"""A quantity as a predictor of another one in an unseen column: leave one column out."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import EPSILON, Array, BoolArray


@dataclass(frozen=True, slots=True)
class PredictionErrors:
    """Root mean squared errors by column, in the unit of the predicted values; NaN where nothing is predicted."""

    line_rmse: Array  # of a line through the cells of all other columns
    mean_rmse: Array  # of their mean

    @property
    def out_of_sample_r2(self) -> float:
        """Share of the mean's squared error that the line saves, over all columns; below 0 if it adds to it."""
        predicted = np.isfinite(self.line_rmse)
        if not predicted.any() or (total := float((self.mean_rmse[predicted] ** 2).sum())) < EPSILON:
            return float("nan")
        return 1 - float((self.line_rmse[predicted] ** 2).sum()) / total


def leave_one_column_out(predictor: npt.ArrayLike, values: npt.ArrayLike) -> PredictionErrors:
    """Return the errors, in each column, of a line of values on the predictor that is fitted on all other columns.

    Both are [candidates, columns], NaN where missing. The predictor is first standardised within columns: distances to
    different columns have different scales. This uses no value of the column.
    """
    predictor, values = np.asarray(predictor, dtype=np.float64), np.asarray(values, dtype=np.float64)
    present = np.isfinite(predictor) & np.isfinite(values)
    scaled = _standardise(predictor, present)
    present &= np.isfinite(scaled)
    line_rmse, mean_rmse = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    for column in range(values.shape[1]):
        own, others = present[:, column], present.copy()
        others[:, column] = False
        if not own.any() or not others.any():
            continue
        level, x, y = values[others].mean(), scaled[others], values[others]
        slope = (x * (y - level)).sum() / (x**2).sum()  # x has mean 0 in every column, so in all together
        line_rmse[column] = _rmse(level + slope * scaled[own, column] - values[own, column])
        mean_rmse[column] = _rmse(level - values[own, column])
    return PredictionErrors(line_rmse, mean_rmse)


def _standardise(values: Array, present: BoolArray) -> Array:
    """Return values with mean 0 and variance 1 within each column; NaN where all are equal or none is present."""
    count = np.maximum(present.sum(axis=0), 1)
    centred = np.where(present, values, 0.0)
    centred = np.where(present, centred - centred.sum(axis=0) / count, 0.0)
    sd = np.sqrt((centred**2).sum(axis=0) / count)
    return np.where(present & (sd > EPSILON), centred / np.where(sd > EPSILON, sd, 1.0), np.nan)


def _rmse(errors: Array) -> float:
    return float(np.sqrt((errors**2).mean()))
