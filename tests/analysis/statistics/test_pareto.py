import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.winner import find_pareto_front

NAN = np.nan
ARMS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8)


def test_a_front_worked_by_hand() -> None:
    cost = [3.0, 1.0, 2.0, 2.0, 9.0, NAN, 0.5]
    gain = [5.0, 1.0, 4.0, 3.0, 5.0, 9.0, NAN]
    assert find_pareto_front(cost, gain) == (1, 2, 0)


def test_arms_equal_in_both_are_all_in_it() -> None:
    assert find_pareto_front([1.0, 1.0, 2.0, 2.0], [5.0, 5.0, 4.0, 4.0]) == (0, 1)
    assert find_pareto_front([], []) == ()


@given(arms=ARMS)
def test_none_in_it_is_beaten_and_each_other_one_is(arms: list[tuple[int, int]]) -> None:
    def beats(one: tuple[int, int], other: tuple[int, int]) -> bool:
        return one != other and one[0] <= other[0] and one[1] >= other[1]

    front = find_pareto_front([cost for cost, _ in arms], [gain for _, gain in arms])
    assert set(front) == {i for i, arm in enumerate(arms) if not any(beats(other, arm) for other in arms)}
    assert [arms[i][0] for i in front] == sorted(arms[i][0] for i in front)
