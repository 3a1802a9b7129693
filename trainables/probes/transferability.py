"""Estimates of how well frozen features, or the predictions of a source task's head, fit the labels of a target.

LogME and neighbours read features. NCE and LEEP read predictions: both are expected log likelihoods of the target's
labels in nats per row, so at most 0. A greater value is better for all four. None of them needs training.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_ITERATIONS = 11  # of LogME's fixed point, as published
TOLERANCE = 1e-3  # relative change of alpha / beta at which the fixed point has converged
TINY = 1e-12  # replaces 0 where features explain everything, or nothing
NEIGHBOURS = 5


def logme(features: Floats, labels: Ints) -> float:
    """Return LogME, the evidence for labels of a linear model with the best priors (You et al. 2021, ICML).

    It is the mean over classes of the log evidence per row that `features` [rows, width] explain `this class or not`.
    Raises ValueError if `labels` [rows] have fewer than two classes.
    """
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError("LogME needs rows of two classes.")
    left, singular, _ = np.linalg.svd(np.asarray(features, dtype=np.float64), full_matrices=False)
    targets = (labels[:, None] == classes).astype(np.float64)
    return float(np.mean([_log_evidence(left.T @ y, singular, y) for y in targets.T]))


def _log_evidence(projected: Floats, singular: Floats, y: Floats) -> float:
    """Return the log evidence per row of one 0/1 target; `projected` is y in the basis of the left singular vectors.

    Directions without a singular value contribute alpha / 2 - alpha / 2 and cancel, so only the others are summed.
    """
    rows, squares = len(y), singular**2
    outside = max(float(y @ y - projected @ projected), 0.0)  # squared length of y outside the span of the features
    alpha = beta = 1.0
    for _ in range(MAX_ITERATIONS):
        ratio = alpha / beta
        gamma, length, residual = _fit(projected, squares, outside, ratio)
        alpha, beta = gamma / max(length, TINY), max(rows - gamma, TINY) / max(residual, TINY)
        if abs(alpha / beta - ratio) <= TOLERANCE * ratio:
            break
    _, length, residual = _fit(projected, squares, outside, alpha / beta)
    evidence = (
        len(squares) * np.log(alpha)
        + rows * np.log(beta)
        - np.log(alpha + beta * squares).sum()
        - beta * residual
        - alpha * length
        - rows * np.log(2 * np.pi)
    )
    return float(evidence / 2 / rows)


def _fit(projected: Floats, squares: Floats, outside: float, ratio: float) -> tuple[float, float, float]:
    """Return effective parameters, squared length of the weights, and squared residual at a ratio alpha / beta."""
    gamma = float((squares / (squares + ratio)).sum())
    length = float((squares * projected**2 / (squares + ratio) ** 2).sum())
    residual = float(((ratio / (squares + ratio) * projected) ** 2).sum()) + outside
    return gamma, length, residual


def leave_one_out_accuracy(features: Floats, labels: Ints, groups: Ints, count: int = NEIGHBOURS) -> float:
    """Return the share of rows whose nearest neighbours (by cosine) of other groups vote for its label; from 0 to 1.

    The most frequent label among the neighbours wins; of equally frequent ones that of the nearest neighbour. A group
    is an input: words of a sentence and options of a question are similar because they are side by side, whatever their
    labels. `features` are [rows, width], `labels` (from 0) and `groups` [rows]. `count` neighbours vote, or fewer where
    other groups have fewer rows. Raises ValueError if all rows are in one group.
    """
    sizes = np.unique(groups, return_counts=True)[1]
    if len(sizes) < 2:
        raise ValueError("leave-one-out accuracy needs rows of two inputs.")
    count = min(count, len(groups) - int(sizes.max()))
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(lengths > 0, lengths, 1.0)
    cosines = np.where(groups[:, None] == groups, -np.inf, unit @ unit.T)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    votes = labels[nearest]  # rows x neighbours, nearest first
    same = votes[:, :, None] == votes[:, None, :]
    # argmax takes the first of equally frequent labels, which is that of the nearest neighbour.
    winner = np.take_along_axis(votes, same.sum(axis=2).argmax(axis=1)[:, None], axis=1)[:, 0]
    return float((winner == labels).mean())


def nce(predictions: Ints, labels: Ints) -> float:
    """Return the negative conditional entropy -H(Y|Z) of labels given the source head's (Tran et al. 2019, ICCV).

    `predictions` [rows] are the most likely source labels, `labels` [rows] the target labels.
    """
    joint = np.zeros((predictions.max() + 1, labels.max() + 1))
    np.add.at(joint, (predictions, labels), 1 / len(labels))
    return float((joint * np.log(np.where(joint > 0, _conditional(joint), 1.0))).sum())


def leep(probabilities: Floats, labels: Ints) -> float:
    """Return the mean log likelihood of labels under sum_z p(y|z) p(z|x) (Nguyen et al. 2020, ICML).

    p(y|z) is the share of the source label z's probability in rows with target label y. `probabilities` of the source
    head are [rows, source labels], `labels` [rows] target labels from 0.
    """
    one_hot = np.eye(labels.max() + 1)[labels]  # rows x target labels
    likelihoods = probabilities @ _conditional(probabilities.T @ one_hot)
    return float(np.log(likelihoods[np.arange(len(labels)), labels]).mean())


def _conditional(joint: Floats) -> Floats:
    """Return p(y|z) of a joint distribution [source labels, target labels]; 0 for a z that never occurs."""
    total = joint.sum(axis=1, keepdims=True)
    return joint / np.where(total > 0, total, 1.0)
