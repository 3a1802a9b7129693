"""How good an order of candidates is, beside what a blind order would get (Poth et al. 2021, EMNLP)."""

from math import comb

import numpy as np
import numpy.typing as npt

from analysis.statistics.moments import Array


def order_of(predicted: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Places of the candidates, the one predicted best first; of equals the one that stands first."""
    return np.argsort(-np.asarray(predicted, dtype=np.float64), kind="stable")


def ndcg(predicted: npt.ArrayLike, relevance: npt.ArrayLike) -> float:
    """DCG of the predicted order over that of the best one, with DCG = sum of (2^rel - 1) / log2(place + 1).

    Args:
        predicted: [candidates], greater is better
        relevance: [candidates], 0 or more and not all 0; a true score from 0 to 1 in the paper
    """
    worth = _dcg_gains(relevance)
    return float(worth[order_of(predicted)] @ _dcg_discounts(worth) / _ideal_dcg(worth))


def random_ndcg(relevance: npt.ArrayLike) -> float:
    """Its mean over all orders: every place has every candidate equally often."""
    worth = _dcg_gains(relevance)
    return float(worth.mean() * _dcg_discounts(worth).sum() / _ideal_dcg(worth))


def regret_at_k(predicted: npt.ArrayLike, scores: npt.ArrayLike, k: int) -> float:
    """Regret@k: by how many per cent the best of the first `k` in the predicted order falls short of the best of all.

    Args:
        predicted: [candidates], greater is better
        scores: [candidates], true scores, greater than 0
        k: how many of them could be tried; all, where there are fewer
    """
    scores = np.asarray(scores, dtype=np.float64)
    return float(100 * (1 - scores[order_of(predicted)[:k]].max() / scores.max()))


def random_regret_at_k(scores: npt.ArrayLike, k: int) -> float:
    """Its mean over all orders: the j-th smallest is the best of k with probability C(j - 1, k - 1) / C(n, k)."""
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    k = min(k, len(ordered))
    chance = [comb(place, k - 1) / comb(len(ordered), k) for place in range(len(ordered))]
    return float(100 * (1 - ordered @ chance / ordered[-1]))


def _dcg_gains(relevance: npt.ArrayLike) -> Array:
    return np.asarray(2.0 ** np.asarray(relevance, dtype=np.float64) - 1)


def _dcg_discounts(worth: Array) -> Array:
    return np.asarray(1 / np.log2(np.arange(2, len(worth) + 2)))


def _ideal_dcg(worth: Array) -> float:
    return float(np.sort(worth)[::-1] @ _dcg_discounts(worth))
