"""Do the nearest neighbours of a row have its label? Leave-one-out accuracy on frozen features."""

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 5


def leave_one_out_accuracy(
    features: NDArray[np.float64], labels: NDArray[np.int64], groups: NDArray[np.int64], count: int = NEIGHBOURS
) -> float:
    """Share of rows whose nearest neighbours (by cosine) of other groups vote for its label; from 0 to 1.

    The commonest label among them wins, of equally common ones that of the nearest. A group is an input: words of a
    sentence and options of a question are alike because they stand side by side, whatever their labels.

    Args:
        features: [rows, width]
        labels: [rows], from 0
        groups: [rows]
        count: neighbours that vote; fewer where other groups have fewer rows

    Raises:
        ValueError: a row has no other group beside its own.
    """
    sizes = np.unique(groups, return_counts=True)[1]
    if len(sizes) < 2:
        raise ValueError("leaving one input out needs two inputs.")
    count = min(count, len(groups) - int(sizes.max()))
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(lengths > 0, lengths, 1.0)
    cosines = np.where(groups[:, None] == groups, -np.inf, unit @ unit.T)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    votes = labels[nearest]  # rows x neighbours, nearest first
    same = votes[:, :, None] == votes[:, None, :]
    # Of equally common labels argmax takes the first, and the nearest stands first.
    winner = np.take_along_axis(votes, same.sum(axis=2).argmax(axis=1)[:, None], axis=1)[:, 0]
    return float((winner == labels).mean())
