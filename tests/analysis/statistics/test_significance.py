import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from analysis.statistics.interval import compute_intervals
from analysis.statistics.significance import (
    adjust_for_discovery,
    adjust_p_values,
    compute_p_values,
    smallest_gain_in_sd,
)

NAN = np.nan
P = hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=6), elements=st.floats(0, 1) | st.just(NAN))
PAIRS = hnp.arrays(np.float64, st.tuples(st.just(2), st.integers(3, 6)), elements=st.integers(-100, 100))


def test_a_p_value_worked_by_hand() -> None:
    # mean 2, sd 1, t = 2 sqrt(3) = 3.464; for 2 degrees of freedom p = 1 - t / sqrt(t^2 + 2) = 1 - sqrt(12 / 14)
    assert compute_p_values([1.0, 2.0, 3.0]) == pytest.approx(1 - (12 / 14) ** 0.5)


@given(values=PAIRS)
def test_p_values_are_those_of_scipy(values: np.ndarray) -> None:
    values = values + np.array([[0.0], [1.0]]) * np.arange(values.shape[1]) / 7  # differences are never all equal
    assert compute_p_values(values[0] - values[1]) == pytest.approx(stats.ttest_rel(*values).pvalue)
    assert compute_p_values(values[1]) == pytest.approx(stats.ttest_1samp(values[1], 0.0).pvalue)


@given(values=PAIRS)
def test_p_is_below_5_percent_where_the_interval_excludes_0(values: np.ndarray) -> None:
    low, high = compute_intervals(values[0] + 0.5)
    p = compute_p_values(values[0] + 0.5)
    if high > low:
        assert (low > 0 or high < 0) == (p < 0.05) or p == pytest.approx(0.05)


def test_too_few_seeds_and_equal_seeds_are_no_test() -> None:
    table = [[1.0, 2.0, NAN], [3.0, 3.0, 3.0], [0.0, 0.0, 0.0], [NAN, NAN, NAN], [0.3 - 0.1 - 0.2, 0.0, 0.0]]
    assert np.isnan(compute_p_values(table)).all()
    assert np.isfinite(compute_p_values([3.0, 3.0, 3.0], item_variance=1.0))  # test items give them a width


def test_holm_worked_by_hand() -> None:
    # in order 0.005 x 4, 0.01 x 3, 0.03 x 2, then 0.04 x 1, which must not be below the one before it
    adjusted = adjust_p_values([[0.01, NAN, 0.04], [0.03, 0.005, NAN]])
    assert adjusted == pytest.approx(np.array([[0.03, NAN, 0.06], [0.06, 0.02, NAN]]), nan_ok=True)
    assert adjust_p_values([0.6, 0.7]) == pytest.approx([1.0, 1.0])


@given(p=P, seed=st.integers(0, 9))
def test_holm_lowers_none_keeps_the_order_and_does_not_depend_on_places(p: np.ndarray, seed: int) -> None:
    adjusted, present = adjust_p_values(p), np.isfinite(p)
    assert np.array_equal(np.isnan(adjusted), ~present)
    assert (adjusted[present] >= p[present]).all() and (adjusted[present] <= 1).all()
    assert (np.diff(adjusted[present][np.argsort(p[present])]) >= 0).all()
    mixed = np.random.default_rng(seed).permutation(p.size)
    assert np.allclose(adjust_p_values(p.ravel()[mixed]), adjusted.ravel()[mixed], equal_nan=True)


def test_holm_is_that_of_statsmodels() -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    rng = np.random.default_rng(6)
    for size in range(1, 21):
        p = np.round(rng.random(size) ** 3, 2)  # some are equal
        assert np.allclose(adjust_p_values(p), multitest.multipletests(p, method="holm")[1])


def test_benjamini_hochberg_worked_by_hand() -> None:
    # in order 0.005 x 5 / 1, 0.01 x 5 / 2, 0.03 x 5 / 3, 0.039 x 5 / 4, 0.9; none is above the one after it
    adjusted = adjust_for_discovery([[0.01, NAN, 0.039], [0.03, 0.005, 0.9]])
    assert adjusted == pytest.approx(np.array([[0.025, NAN, 0.04875], [0.04875, 0.025, 0.9]]), nan_ok=True)
    assert adjust_for_discovery([0.6, 0.7]) == pytest.approx([0.7, 0.7])
    assert np.isnan(adjust_for_discovery([NAN, NAN])).all() and adjust_for_discovery([]).shape == (0,)


@given(p=P, seed=st.integers(0, 9))
def test_benjamini_hochberg_is_that_of_scipy_at_any_place(p: np.ndarray, seed: int) -> None:
    adjusted, present = adjust_for_discovery(p), np.isfinite(p)
    assert np.array_equal(np.isnan(adjusted), ~present)
    if present.any():
        assert adjusted[present] == pytest.approx(stats.false_discovery_control(p[present]))
    assert (adjusted[present] >= p[present]).all()
    assert (adjusted[present] <= adjust_p_values(p)[present] + 1e-12).all()  # never fewer findings than by Holm
    mixed = np.random.default_rng(seed).permutation(p.size)
    assert np.allclose(adjust_for_discovery(p.ravel()[mixed]), adjusted.ravel()[mixed], equal_nan=True)


def test_of_the_discoveries_5_in_100_are_false() -> None:
    rng, shares = np.random.default_rng(9), []
    for _ in range(400):
        z = rng.normal(size=60) + np.where(np.arange(60) < 20, 4.0, 0.0)
        found = adjust_for_discovery(2 * stats.norm.sf(np.abs(z))) < 0.05
        shares.append(found[20:].sum() / max(1, found.sum()))
    assert np.mean(shares) == pytest.approx(0.05 * 40 / 60, abs=0.008)


def test_the_smallest_gain_worked_by_hand() -> None:
    # for 2 degrees of freedom p = 1 - t / sqrt(t^2 + 2), so that p = 0.05 / 99 at t = 44.48
    share = 1 - 0.05 / 99
    t = (2 * share**2 / (1 - share**2)) ** 0.5
    assert smallest_gain_in_sd(3, 99) == pytest.approx(t / 3**0.5) == pytest.approx(25.68, abs=0.01)
    assert smallest_gain_in_sd(3, 1) == pytest.approx(4.303 / 3**0.5, abs=1e-3)
    assert smallest_gain_in_sd(5, 99) == pytest.approx(stats.t.isf(0.025 / 99, 4) / 5**0.5)


def test_that_gain_is_where_the_smallest_of_many_p_values_becomes_significant() -> None:
    seeds, tests = 4, 20
    spread = np.array([-1.0, -1.0, 1.0, 1.0]) / (4 / 3) ** 0.5  # standard deviation 1
    limit = smallest_gain_in_sd(seeds, tests)
    for gain, significant in ((limit * 1.001, True), (limit * 0.999, False)):
        p = np.r_[compute_p_values(spread + gain), np.full(tests - 1, 0.9)]
        assert (adjust_p_values(p)[0] < 0.05) == significant
    assert smallest_gain_in_sd(2, 1) == math.inf


def test_of_100_tables_without_an_effect_5_have_a_finding() -> None:
    p = compute_p_values(np.random.default_rng(8).normal(size=(2_000, 20, 3)))
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.005)
    assert np.mean([(adjust_p_values(table) < 0.05).any() for table in p]) == pytest.approx(0.05, abs=0.015)
