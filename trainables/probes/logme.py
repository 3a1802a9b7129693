"""LogME: how well a linear model with the best priors explains labels by frozen features (You et al. 2021, ICML)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MAX_ITERATIONS = 11  # of the fixed point at most, as published
TOLERANCE = 1e-3  # relative change of alpha / beta at which it has settled
TINY = 1e-12  # instead of 0 where features explain all, or nothing


def logme(features: Floats, labels: NDArray[np.int64]) -> float:
    """Mean over classes of the log evidence per row that features explain `this class or not`; greater is better.

    Args:
        features: [rows, width]
        labels: [rows], class of each row

    Raises:
        ValueError: there are fewer than two classes.
    """
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError("LogME needs rows of two classes.")
    left, singular, _ = np.linalg.svd(np.asarray(features, dtype=np.float64), full_matrices=False)
    targets = (labels[:, None] == classes).astype(np.float64)
    return float(np.mean([_log_evidence(left.T @ y, singular, y) for y in targets.T]))


def _log_evidence(projected: Floats, singular: Floats, y: Floats) -> float:
    """Log evidence per row of one 0/1 target; `projected` is y in the basis of the left singular vectors.

    Directions without a singular value give alpha / 2 - alpha / 2 and cancel, so only the others are summed.
    """
    rows, squares = len(y), singular**2
    beyond = max(float(y @ y - projected @ projected), 0.0)  # of y, outside of what features span
    alpha = beta = 1.0
    for _ in range(MAX_ITERATIONS):
        ratio = alpha / beta
        gamma, length, residual = _fit(projected, squares, beyond, ratio)
        alpha, beta = gamma / max(length, TINY), max(rows - gamma, TINY) / max(residual, TINY)
        if abs(alpha / beta - ratio) <= TOLERANCE * ratio:
            break
    _, length, residual = _fit(projected, squares, beyond, alpha / beta)
    evidence = (
        len(squares) * np.log(alpha)
        + rows * np.log(beta)
        - np.log(alpha + beta * squares).sum()
        - beta * residual
        - alpha * length
        - rows * np.log(2 * np.pi)
    )
    return float(evidence / 2 / rows)


def _fit(projected: Floats, squares: Floats, beyond: float, ratio: float) -> tuple[float, float, float]:
    """Effective parameters, squared length of the weights, and squared residual at this alpha / beta."""
    gamma = float((squares / (squares + ratio)).sum())
    length = float((squares * projected**2 / (squares + ratio) ** 2).sum())
    residual = float(((ratio / (squares + ratio) * projected) ** 2).sum()) + beyond
    return gamma, length, residual
