import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.effects import compute_relabelled_p, encode_one_hot, estimate_effect, find_complete_block

ONES = np.ones((6, 1))
X = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])


def test_two_groups_by_hand_are_welchs_test() -> None:
    """With one constant and one group, HC2 and Bell-McCaffrey are Welch's t test of the means over seeds."""
    means = np.array([1.0, 2.0, 6.0, 8.0, 9.0, 8.5])
    effect = estimate_effect(np.repeat(means[:, None], 3, axis=1), X, ONES)
    assert effect is not None
    expected = stats.ttest_ind(means[3:], means[:3], equal_var=False)
    assert effect.value == pytest.approx(5.5)
    assert effect.value / effect.standard_error == pytest.approx(expected.statistic)
    assert effect.degrees_of_freedom == pytest.approx(4.0)  # Bell and McCaffrey's: of equal variances
    low, high = effect.interval or (0, 0)
    half = stats.t(4).ppf(0.975) * effect.standard_error
    assert (low, high) == (pytest.approx(5.5 - half), pytest.approx(5.5 + half))
    assert effect.p == pytest.approx(2 * stats.t(4).sf(expected.statistic))


def test_what_others_explain_is_no_effect() -> None:
    rng = np.random.default_rng(0)
    others = np.column_stack([np.ones(12), rng.normal(size=(12, 2))])
    column = rng.normal(size=12)
    values = (others @ [3.0, -2.0, 5.0] + 0.5 * column)[:, None] + rng.normal(0, 1e-3, (12, 4))
    effect = estimate_effect(values, column, others)
    assert effect is not None and effect.value == pytest.approx(0.5, abs=0.01)


def test_a_column_that_others_make_up_has_no_effect() -> None:
    assert estimate_effect(np.ones((6, 3)), X, np.column_stack([1 - X, ONES])) is None


def test_an_effect_that_seeds_do_not_share_has_a_wider_interval() -> None:
    """All rows alike in each seed, but the difference goes up and down with the seed."""
    slopes = np.array([-3.0, 1.0, 5.0])
    effect = estimate_effect(np.outer(X, slopes), X, ONES)
    assert effect is not None and effect.value == pytest.approx(1.0)
    assert effect.standard_error == pytest.approx(4.0 / np.sqrt(3)) and effect.degrees_of_freedom == pytest.approx(2.0)
    alike = estimate_effect(np.outer(X, [1.0, 1.0, 1.0]), X, ONES)
    assert alike is not None and (alike.standard_error, alike.p) == (0.0, 0.0)


def test_without_seeds_or_rows_to_spare_there_is_a_value_and_no_interval() -> None:
    effect = estimate_effect(np.outer(X, [1.0, 2.0]), X, ONES)
    assert effect is not None and effect.value == pytest.approx(1.5) and effect.interval is None and np.isnan(effect.p)
    one_row = estimate_effect(np.outer(X[2:4], [1.0, 2.0, 3.0]), X[2:4], ONES[:2])
    assert one_row is not None and one_row.interval is None


@given(st.integers(0, 2**32 - 1), st.floats(-3, 3), st.floats(0.1, 10))
def test_effects_follow_shift_and_scale(seed: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    values, column, others = rng.normal(size=(8, 3)), rng.normal(size=8), np.ones((8, 1))
    one, other = estimate_effect(values, column, others), estimate_effect(values * scale + shift, column, others)
    assert one is not None and other is not None
    assert other.value == pytest.approx(one.value * scale, abs=1e-7)
    assert other.standard_error == pytest.approx(one.standard_error * scale, rel=1e-5)
    assert other.degrees_of_freedom == pytest.approx(one.degrees_of_freedom, rel=1e-5)


def test_labels_say_as_much_as_few_others_do() -> None:
    """Of the 20 ways to choose 3 of 6 rows, the true one and its complement say most."""
    from itertools import combinations

    dealt = np.array([[float(row in chosen) for row in range(6)] for chosen in combinations(range(6), 3)])
    values = np.array([1.0, 2.0, 3.0, 11.0, 12.0, 13.0])
    # The column itself, once more as a draw, and its complement.
    assert compute_relabelled_p(values, X, dealt, ONES) == pytest.approx(3 / 21)
    assert compute_relabelled_p(np.ones(6), X, dealt, ONES) == 1.0
    assert compute_relabelled_p(values, X, np.ones((9, 6)), ONES) == pytest.approx(1 / 10)  # a constant says nothing


def test_whole_keeps_as_many_values_as_it_can() -> None:
    values = np.ones((4, 3))
    assert [places.tolist() for places in find_complete_block(values)] == [[0, 1, 2, 3], [0, 1, 2]]
    values[1, 2] = np.nan
    assert [places.tolist() for places in find_complete_block(values)] == [[0, 2, 3], [0, 1, 2]]
    values[:3, 2] = np.nan  # a seed that has just begun
    assert [places.tolist() for places in find_complete_block(values)] == [[0, 1, 2, 3], [0, 1]]
    assert [places.size for places in find_complete_block(np.full((2, 2), np.nan))] == [0, 0]


def test_indicators_stand_in_the_order_of_their_levels() -> None:
    assert encode_one_hot(["b", "a", "b"]).tolist() == [[1, 0], [0, 1], [1, 0]]


@pytest.mark.parametrize("seeds", [3, 10])
def test_p_is_below_five_hundredths_in_five_of_a_hundred_null_worlds(seeds: int) -> None:
    """Rows have something of their own that stays over seeds: seeds alone would find it for certain."""
    rng = np.random.default_rng(seeds)
    column = np.tile([0.0, 1.0], 8)
    others = np.column_stack([np.ones(16), rng.normal(size=(16, 3))])
    worlds = rng.normal(0, 2, (400, 16, 1)) + rng.normal(0, 1, (400, 16, seeds))
    p = np.array([effect.p for world in worlds if (effect := estimate_effect(world, column, others)) is not None])
    assert len(p) == 400 and 0.02 < (p < 0.05).mean() < 0.08
