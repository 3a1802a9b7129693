"""Tables of gains for the tests of their errors."""

import numpy as np

from analysis.statistics.gain_errors import ErrorModel, fit_error_model
from analysis.statistics.moments import Array

NAN = np.nan


def make_gains(seed: int = 0, tasks: int = 10, columns: int = 4, seeds: int = 3, holes: float = 0.0) -> Array:
    """Return gains over a common baseline, of targets whose noise differs."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(1 + tasks, columns, seeds)) * np.geomspace(1, 5, columns)[:, None]
    gains = scores[1:] - scores[:1] + rng.normal(size=(tasks, columns, 1))
    gains[rng.random(gains.shape) < holes] = NAN
    return np.asarray(gains)


def no_scores(gains: Array) -> Array:
    """Return scores of a baseline that has no seeds but those of the gains."""
    return np.full(gains.shape[1:], NAN)


def fit(gains: Array, kind: str = "moderated", controls: int = 0) -> ErrorModel:
    is_reference = np.arange(len(gains)) < len(gains) - controls
    return fit_error_model(gains, no_scores(gains), is_reference, kind)  # type: ignore[arg-type]
