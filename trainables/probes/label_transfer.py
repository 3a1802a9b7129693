"""How much the answers of a source task's head say about the labels of a target: NCE and LEEP, in nats per row.

Both are expected log likelihoods of the target's labels, so 0 at most; greater is better. They need no training.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def nce(answers: Labels, labels: Labels) -> float:
    """Negative conditional entropy -H(Y|Z) of target labels given the source head's answers (Tran et al. 2019, ICCV).

    Args:
        answers: [rows], the likeliest source label of each row
        labels: [rows], target labels
    """
    joint = np.zeros((answers.max() + 1, labels.max() + 1))
    np.add.at(joint, (answers, labels), 1 / len(labels))
    given = joint / np.where(joint > 0, joint.sum(axis=1, keepdims=True), 1.0)
    return float((joint * np.log(np.where(joint > 0, given, 1.0))).sum())


def leep(probabilities: Floats, labels: Labels) -> float:
    """Mean log likelihood of target labels under sum_z p(y|z) p(z|x) (Nguyen et al. 2020, ICML).

    p(y|z) is the share of the source label z's probability that rows with target label y have.

    Args:
        probabilities: [rows, source labels], of the source head
        labels: [rows], target labels from 0
    """
    of_label = np.eye(labels.max() + 1)[labels]  # rows x target labels
    joint = probabilities.T @ of_label  # source x target labels
    total = joint.sum(axis=1, keepdims=True)
    given = joint / np.where(total > 0, total, 1.0)
    return float(np.log((probabilities @ given)[np.arange(len(labels)), labels]).mean())
