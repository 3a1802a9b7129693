from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from analysis.statistics import groups as groups_module
from analysis.statistics.groups import (
    MAX_LETTERS,
    MAX_SETS,
    TOP,
    ArmGroups,
    assign_letters,
    compute_pairwise_p,
    find_separated,
    group_arms,
    label_arms,
)
from analysis.statistics.moments import compute_moments

NAN = np.nan
WAVE = np.array([-1.0, 1.0, -0.5, 0.5, 0.0])
TABLES = hnp.arrays(np.float64, st.tuples(st.integers(1, 7), st.just(4)), elements=st.integers(-20, 20) | st.just(NAN))


def arms(*means: float) -> np.ndarray:
    """Arms whose differences vary over seeds, all alike."""
    return np.array([mean + np.roll(WAVE, number) for number, mean in enumerate(means)])


def group(values: np.ndarray, alpha: float = 0.05) -> ArmGroups:
    """The groups of arms by their plain pairwise tests."""
    found = group_arms(compute_pairwise_p(values), compute_moments(values).mean, alpha)
    assert found is not None
    return found


def test_pairs_are_tested_by_seed_and_adjusted_for_their_number() -> None:
    values = arms(0.0, 3.0, 9.0)
    raw = {pair: stats.ttest_rel(values[pair[0]], values[pair[1]]).pvalue for pair in [(0, 1), (0, 2), (1, 2)]}
    p = compute_pairwise_p(values)
    for position, pair in enumerate(sorted(raw, key=lambda pair: raw[pair])):
        assert p[pair] == p[pair[::-1]] == pytest.approx(raw[pair] * (3 - position))
    assert np.isnan(np.diag(p)).all()


def test_groups_worked_by_hand() -> None:
    assert group(arms(0.0, 50.0, 0.1)) == ((1,), (2, 0))
    assert group(arms(0.0, 0.2, 0.1)) == ((1, 2, 0),)
    assert group(arms(0.0, 50.0, 100.0)) == ((2,), (1,), (0,))


def test_an_arm_between_two_that_differ_is_in_two_groups() -> None:
    values = arms(0.0, 1.9, 3.8)
    p = compute_pairwise_p(values)
    assert p[0, 2] < 0.05 < min(p[0, 1], p[1, 2])
    assert group(values) == ((2, 1), (1, 0))
    assert assign_letters(group(values), 3) == ("b", "ab", "a")


@settings(max_examples=200)
@given(values=TABLES)
def test_arms_share_a_group_if_and_only_if_they_do_not_differ(values: np.ndarray) -> None:
    groups, p = group(values, 0.3), compute_pairwise_p(values)
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
    mixed = group(values[order][:, rng.permutation(4)])
    assert {frozenset(order[list(arms)].tolist()) for arms in mixed} == {frozenset(arms) for arms in group(values)}


def test_an_arm_without_values_is_in_no_group_and_one_with_two_seeds_differs_from_none() -> None:
    values = np.vstack([arms(0.0, 90.0), np.full(5, NAN), [500.0, 500.1, NAN, NAN, NAN]])
    assert group(values) == ((3, 1), (3, 0))
    assert assign_letters(group(values), 4) == ("b", "a", "", "ab")
    assert group(np.full((2, 3), NAN)) == ()


@settings(max_examples=100)
@given(data=st.data(), arms=st.integers(1, 12))
def test_any_matrix_of_p_values_is_displayed_exactly(data: st.DataObject, arms: int) -> None:
    upper = np.triu(data.draw(hnp.arrays(np.float64, (arms, arms), elements=st.sampled_from([0.01, 0.5, NAN]))), 1)
    p, means = upper + upper.T, data.draw(hnp.arrays(np.float64, arms, elements=st.integers(0, 5) | st.just(NAN)))
    labels, apart = label_arms(p, means), find_separated(p)
    present = np.flatnonzero(np.isfinite(means))
    assert all(bool(label) == bool(np.isfinite(mean)) for label, mean in zip(labels, means, strict=True))
    for one, other in combinations(present, 2):
        assert bool({*labels[one]} & {*labels[other]}) != apart[one, other]
    if len(present):
        assert "a" in labels[int(np.nanargmax(means))]


def separate(arms: int, reach: int) -> np.ndarray:
    """The p values of arms in a row that differ from those beyond `reach` places."""
    places = np.arange(arms)
    return np.where(np.abs(places[:, None] - places) > reach, 0.0, 1.0)


def test_more_sets_than_letters_mark_the_arms_that_do_not_differ_from_the_best() -> None:
    assert label_arms(separate(MAX_SETS, 0), -np.arange(MAX_SETS))[-1] == "Z"
    labels = label_arms(separate(MAX_SETS + 2, 1), -np.arange(MAX_SETS + 2.0))
    assert labels == (TOP, TOP, *[""] * MAX_SETS)
    assert group_arms(separate(MAX_SETS + 1, 0), np.arange(MAX_SETS + 1)) is None


def test_more_letters_than_a_reader_compares_give_way_to_the_same_mark() -> None:
    assert max(map(len, label_arms(separate(40, MAX_LETTERS - 1), -np.arange(40)))) == MAX_LETTERS
    assert label_arms(separate(40, MAX_LETTERS), -np.arange(40)) == (*[TOP] * (MAX_LETTERS + 1), *[""] * 29)


def test_a_hundred_noisy_arms_take_no_more_sets_than_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 3, (100, 1)) + rng.normal(size=(100, 4))
    monkeypatch.setattr(groups_module, "MAX_SETS", 10_000)
    monkeypatch.setattr(groups_module, "MAX_LETTERS", 10_000)
    apart = find_separated(compute_pairwise_p(values))
    share = np.zeros((100, 100), np.bool_)
    for members in group(values):  # insertion and absorption never ended here
        share[np.ix_(members, members)] = True
    assert (share == ~apart).all()
