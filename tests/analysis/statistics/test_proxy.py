import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from analysis.statistics.proxy import permutation_p, regret, regret_of_chance, spearman

NAN = np.nan
PAIRS = hnp.arrays(np.float64, st.tuples(st.just(2), st.integers(2, 8)), elements=st.integers(0, 6))


def test_regret_worked_by_hand() -> None:
    dev = [[9.0, 8.0, 7.0], [9.0, 9.0, 7.0], [1.0, NAN, 2.0], [NAN, 1.0, NAN]]
    test = [[50.0, 60.0, 55.0], [50.0, 60.0, 70.0], [5.0, 99.0, 3.0], [1.0, NAN, 1.0]]
    # taken: 50 of 60; either of 50 and 60, of 70; 3 of 5, for the arm with a hole is no candidate; none
    assert regret(dev, test) == pytest.approx([10.0, 15.0, 2.0, NAN], nan_ok=True)
    assert regret_of_chance(dev, test) == pytest.approx([5.0, 10.0, 1.0, NAN], nan_ok=True)


@given(values=PAIRS, shift=st.integers(-9, 9), scale=st.integers(1, 9), seed=st.integers(0, 9))
def test_regret_is_at_least_0_and_follows_scale_alone(values: np.ndarray, shift: int, scale: int, seed: int) -> None:
    dev, test = values
    order = np.random.default_rng(seed).permutation(dev.size)
    found = float(regret(dev, test))
    assert found >= 0
    assert float(regret(test, test)) == 0
    assert float(regret((dev * scale + shift)[order], (test * scale + shift)[order])) == pytest.approx(found * scale)


def test_a_rank_correlation_worked_by_hand() -> None:
    # ranks 1 2 3 4 and 2 1 4 3: 1 - 6 x 4 / (4 x 15)
    assert spearman([4.0, 3.0, 2.0, 1.0], [3.0, 4.0, 1.0, 2.0]) == pytest.approx(0.6)
    assert spearman([[1.0, 2.0, NAN], [3.0, 3.0, 3.0], [NAN, 1.0, NAN]], [1.0, 2.0, 0.0]) == pytest.approx(
        [1.0, NAN, NAN], nan_ok=True
    )


@given(values=PAIRS)
def test_rank_correlations_are_those_of_scipy(values: np.ndarray) -> None:
    if np.ptp(values, axis=1).all():
        assert spearman(*values) == pytest.approx(stats.spearmanr(*values).statistic)
    else:
        assert np.isnan(spearman(*values))


@given(values=PAIRS)
def test_a_hole_on_one_side_is_as_if_the_arm_were_not_there(values: np.ndarray) -> None:
    one, other = np.append(values[0], NAN), np.append(values[1], 3.0)
    assert spearman(one, other) == pytest.approx(float(spearman(*values)), nan_ok=True)
    assert regret(one, other) == pytest.approx(float(regret(*values)))


def test_a_permutation_p_value_worked_by_hand() -> None:
    rng = np.random.default_rng(0)
    # of the 6 orders of 3 arms 2 have a correlation of 1 or -1; of the 36 of two rows, 2 have the mean 1 or -1
    assert permutation_p([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], rng) == pytest.approx(1 / 3, abs=0.02)
    rows = [[1.0, 2.0, 3.0, NAN], [1.0, 2.0, NAN, 3.0]]
    assert permutation_p(rows, [[4.0, 5.0, 6.0, 9.0], [7.0, 8.0, 9.0, 10.0]], rng) == pytest.approx(2 / 36, abs=0.01)
    assert permutation_p([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], rng, count=1) in (0.5, 1.0)


def test_rows_without_a_correlation_are_left_out() -> None:
    rng = np.random.default_rng(0)
    assert math.isnan(permutation_p([[1.0, 1.0, 1.0]], [[1.0, 2.0, 3.0]], rng))
    mixed = permutation_p([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]], [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], rng)
    assert mixed == pytest.approx(1 / 3, abs=0.02)


def test_p_values_of_unrelated_rows_are_even() -> None:
    rng = np.random.default_rng(1)
    found = [permutation_p(rng.normal(size=(3, 6)), rng.normal(size=(3, 6)), rng, count=200) for _ in range(300)]
    assert stats.kstest(found, "uniform").pvalue > 0.01
