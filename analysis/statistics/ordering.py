"""Quality of an order of candidates, beside that of a random order (Poth et al. 2021, EMNLP)."""

from math import comb

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array, IntArray


def order_of(predicted: npt.ArrayLike) -> IntArray:
    """Return the indices of the candidates, the one predicted best first; equal ones keep their order."""
    return np.argsort(-np.asarray(predicted, dtype=np.float64), kind="stable")


def ndcg(predicted: npt.ArrayLike, relevance: npt.ArrayLike) -> float:
    """Return the DCG of the predicted order over that of the best, with DCG = sum of (2^rel - 1) / log2(place + 1).

    Both are [candidates], greater is better; `relevance` is 0 or more, not all 0: a true score, 0 to 1, in the paper.
    """
    gains = _dcg_gains(relevance)
    return float(gains[order_of(predicted)] @ _dcg_discounts(gains) / _ideal_dcg(gains))


def random_ndcg(relevance: npt.ArrayLike) -> float:
    """Return the mean of `ndcg` over all orders: each candidate is equally often at each place."""
    gains = _dcg_gains(relevance)
    return float(gains.mean() * _dcg_discounts(gains).sum() / _ideal_dcg(gains))


def regret_at_k(predicted: npt.ArrayLike, scores: npt.ArrayLike, k: int) -> float:
    """Return Regret@k: how far, in per cent, the best of the first `k` candidates falls short of the best of all.

    `predicted` and the true `scores`, which are greater than 0, are [candidates]; there may be fewer than `k`.
    """
    scores = np.asarray(scores, dtype=np.float64)
    return float(100 * (1 - scores[order_of(predicted)[:k]].max() / scores.max()))


def random_regret_at_k(scores: npt.ArrayLike, k: int) -> float:
    """Return the mean of `regret_at_k` over all orders: the j-th of n is best with C(j - 1, k - 1) / C(n, k)."""
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    k = min(k, len(ordered))
    probabilities = [comb(i, k - 1) / comb(len(ordered), k) for i in range(len(ordered))]
    return float(100 * (1 - ordered @ probabilities / ordered[-1]))


def _dcg_gains(relevance: npt.ArrayLike) -> Array:
    return np.asarray(2.0 ** np.asarray(relevance, dtype=np.float64) - 1)


def _dcg_discounts(gains: Array) -> Array:
    return np.asarray(1 / np.log2(np.arange(2, len(gains) + 2)))


def _ideal_dcg(gains: Array) -> float:
    return float(np.sort(gains)[::-1] @ _dcg_discounts(gains))
