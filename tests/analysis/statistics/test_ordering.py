"""NDCG and regret of an order, and of a random one by enumerating all."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.ordering import ndcg, random_ndcg, random_regret_at_k, regret_at_k

scores = st.lists(st.floats(0.01, 1).map(lambda value: round(value, 3)), min_size=3, max_size=5)


def test_ndcg_by_hand() -> None:
    # 2^rel - 1 is 7, 3, 1 at places 1, 3, 2 of the order that is taken.
    expected = (7 + 1 / np.log2(3) + 3 / 2) / (7 + 3 / np.log2(3) + 1 / 2)
    assert ndcg([0.9, 0.1, 0.5], [3, 2, 1]) == pytest.approx(expected)
    assert ndcg([3, 2, 1], [3, 2, 1]) == pytest.approx(1)


def test_regret_by_hand() -> None:
    worth = [0.5, 0.8, 0.6]
    assert regret_at_k([3, 1, 2], worth, 1) == pytest.approx(100 * 0.3 / 0.8)
    assert regret_at_k([3, 1, 2], worth, 2) == pytest.approx(100 * 0.2 / 0.8)
    assert regret_at_k([3, 1, 2], worth, 3) == regret_at_k([3, 1, 2], worth, 9) == 0
    assert regret_at_k([1, 1, 1], worth, 1) == regret_at_k([3, 1, 2], worth, 1)  # of equals the first


@given(scores, st.integers(1, 4))
def test_blind_is_the_mean_over_all_orders(worth: list[float], k: int) -> None:
    orders = [np.array(order) for order in permutations(range(len(worth)))]
    assert random_regret_at_k(worth, k) == pytest.approx(np.mean([regret_at_k(order, worth, k) for order in orders]))
    assert random_ndcg(worth) == pytest.approx(np.mean([ndcg(order, worth) for order in orders]))


@given(scores)
def test_nothing_orders_better_than_the_truth(worth: list[float]) -> None:
    assert ndcg(worth, worth) == pytest.approx(1)
    assert regret_at_k(worth, worth, 1) == pytest.approx(0)
    assert 0 < ndcg(-np.array(worth), worth) <= 1 + 1e-9
