from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from analysis.statistics.groups import assign_letters, compute_pairwise_p, group_arms

NAN = np.nan
WAVE = np.array([-1.0, 1.0, -0.5, 0.5, 0.0])
TABLES = hnp.arrays(np.float64, st.tuples(st.integers(1, 7), st.just(4)), elements=st.integers(-20, 20) | st.just(NAN))


def arms(*means: float) -> np.ndarray:
    """Arms whose differences vary over seeds, all alike."""
    return np.array([mean + np.roll(WAVE, number) for number, mean in enumerate(means)])


def test_pairs_are_tested_by_seed_and_adjusted_for_their_number() -> None:
    values = arms(0.0, 3.0, 9.0)
    raw = {pair: stats.ttest_rel(values[pair[0]], values[pair[1]]).pvalue for pair in [(0, 1), (0, 2), (1, 2)]}
    p = compute_pairwise_p(values)
    for position, pair in enumerate(sorted(raw, key=lambda pair: raw[pair])):
        assert p[pair] == p[pair[::-1]] == pytest.approx(raw[pair] * (3 - position))
    assert np.isnan(np.diag(p)).all()


def test_groups_worked_by_hand() -> None:
    assert group_arms(arms(0.0, 50.0, 0.1)) == ((1,), (2, 0))
    assert group_arms(arms(0.0, 0.2, 0.1)) == ((1, 2, 0),)
    assert group_arms(arms(0.0, 50.0, 100.0)) == ((2,), (1,), (0,))


def test_an_arm_between_two_that_differ_is_in_two_groups() -> None:
    values = arms(0.0, 1.9, 3.8)
    p = compute_pairwise_p(values)
    assert p[0, 2] < 0.05 < min(p[0, 1], p[1, 2])
    assert group_arms(values) == ((2, 1), (1, 0))
    assert assign_letters(group_arms(values), 3) == ("b", "ab", "a")


@settings(max_examples=200)
@given(values=TABLES)
def test_arms_share_a_group_if_and_only_if_they_do_not_differ(values: np.ndarray) -> None:
    groups, p = group_arms(values, alpha=0.3), compute_pairwise_p(values)
    present = [arm for arm in range(len(values)) if np.isfinite(values[arm]).any()]
    for one, other in combinations(present, 2):
        assert any(one in arms and other in arms for arms in groups) == (not p[one, other] < 0.3)
    assert {arm for arms in groups for arm in arms} == set(present)
    assert not any(set(one) <= set(other) for one in groups for other in groups if one is not other)


@settings(max_examples=50)
@given(values=hnp.arrays(np.float64, (5, 4), elements=st.integers(-20, 20), unique=True), seed=st.integers(0, 9))
def test_groups_do_not_depend_on_the_order_of_arms_and_seeds(values: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = rng.permutation(5)
    mixed = group_arms(values[order][:, rng.permutation(4)])
    assert {frozenset(order[list(arms)].tolist()) for arms in mixed} == {frozenset(arms) for arms in group_arms(values)}


def test_an_arm_without_values_is_in_no_group_and_one_with_two_seeds_differs_from_none() -> None:
    values = np.vstack([arms(0.0, 90.0), np.full(5, NAN), [500.0, 500.1, NAN, NAN, NAN]])
    assert group_arms(values) == ((3, 1), (3, 0))
    assert assign_letters(group_arms(values), 4) == ("b", "a", "", "ab")
    assert group_arms(np.full((2, 3), NAN)) == ()


def test_more_groups_than_letters_are_numbered() -> None:
    marks = assign_letters(tuple((arm,) for arm in range(54)), 54)
    assert marks[0] == "a" and marks[51:] == ("Z", "(53)", "(54)")
