import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from analysis.statistics.decisions import (
    RANDOM_REGRET,
    RANK_CORRELATION,
    REGRET,
    Decision,
    DecisionSet,
    group_by_target,
    spearman,
)

points = st.floats(0, 100).map(lambda value: round(value, 3))
pairs = st.lists(st.tuples(points, points), min_size=2, max_size=8)


def decision(criterion: list[float], utility: list[float], target: str = "xnli", seed: int = 0) -> Decision:
    names = tuple(f"task{i}" for i in range(len(criterion)))
    numbers = {"criterion": np.array(criterion), "utility": np.array(utility)}
    return Decision(target=target, seed=seed, alternatives=names, **numbers)


def test_a_decision_by_hand() -> None:
    choice = decision([70, 80, 75], [50, 56, 59])
    assert (choice.chosen_index, choice.oracle_index) == (1, 2)
    assert choice.regret == pytest.approx(3)
    assert choice.random_regret == pytest.approx(59 - 55)
    assert choice.correlation == pytest.approx(0.5)


def test_of_equals_the_first_is_taken_and_an_equal_best_is_right() -> None:
    choice = decision([80, 80], [60, 50])
    assert (choice.chosen_index, choice.regret) == (0, 0)
    tied = decision([70, 80], [60, 60])
    assert (tied.chosen_index, tied.oracle_index) == (1, 1)
    assert DecisionSet((tied,)).correct_count == 1


@given(pairs)
def test_nothing_beats_the_oracle_and_a_perfect_judge_loses_nothing(numbers: list[tuple[float, float]]) -> None:
    criterion, utility = (list(side) for side in zip(*numbers, strict=True))
    choice = decision(criterion, utility)
    assert choice.regret >= 0 and choice.random_regret >= 0
    assert choice.utility[choice.oracle_index] == pytest.approx(max(utility))
    perfect = decision(utility, utility)
    assert perfect.regret == 0
    assert perfect.correlation is None if len(set(utility)) == 1 else perfect.correlation == pytest.approx(1)


@given(pairs)
def test_spearman_agrees_with_scipy(numbers: list[tuple[float, float]]) -> None:
    first, second = np.array(numbers).T
    ours = spearman(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert ours is None
    else:
        assert ours == pytest.approx(spearmanr(first, second).statistic)


def test_decisions_together_are_averaged_by_seed_and_by_target() -> None:
    decisions = [
        decision([1, 2], [50, 40], "xnli", 0),  # loses 10, blind 5, order -1
        decision([1, 2], [40, 42], "panx", 0),  # loses 0, blind 1, order +1
        decision([1, 2], [44, 40], "panx", 1),  # loses 4, blind 2, order -1
        decision([1, 1], [40, 48], "panx", 1),  # loses 8, blind 4, no order
    ]
    groups = group_by_target(decisions, "all")
    assert list(groups) == ["xnli", "panx", "all"]
    assert groups["all"].correct_count == 1
    assert groups["all"].worst_decision is decisions[0]
    assert groups["all"].average_by_seed(REGRET) == (5, 6)
    assert groups["all"].average_by_seed(RANDOM_REGRET) == (3, 3)
    assert groups["all"].average_by_seed(RANK_CORRELATION) == pytest.approx((0, -1))
    assert groups["all"].average_by_target(REGRET) == (10, 4)
    assert group_by_target([], "all") == {}


@pytest.mark.parametrize(("criterion", "utility"), [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, math.nan], [1.0, 2.0])])
def test_a_decision_needs_two_options_and_every_number(criterion: list[float], utility: list[float]) -> None:
    with pytest.raises(ValueError, match="decision"):
        decision(criterion, utility)
