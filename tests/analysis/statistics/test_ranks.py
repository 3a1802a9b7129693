import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from analysis.statistics.ranks import (
    average_ranks,
    critical_difference,
    find_complete_columns,
    rank_values,
    run_friedman_test,
)

NAN = np.nan
ROWS = hnp.arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 8)), elements=st.integers(0, 5))
TABLES = hnp.arrays(np.float64, st.tuples(st.integers(3, 6), st.integers(2, 6)), elements=st.integers(0, 9))


def test_ranks_worked_by_hand() -> None:
    ranks = rank_values([[10.0, 30.0, 20.0, 20.0], [5.0, NAN, 7.0, 1.0]])
    assert ranks == pytest.approx(np.array([[4.0, 1.0, 2.5, 2.5], [2.0, NAN, 1.0, 3.0]]), nan_ok=True)


@given(values=ROWS)
def test_ranks_are_those_of_scipy(values: np.ndarray) -> None:
    assert np.allclose(rank_values(values), stats.rankdata(-values, axis=-1))


def test_mean_ranks_worked_by_hand() -> None:
    values = np.array([[1.0, 5.0, 3.0], [2.0, 4.0, NAN], [0.0, 4.0, 9.0]])  # the last column lacks an arm
    assert find_complete_columns(values).tolist() == [True, True, False]
    assert average_ranks(values) == pytest.approx([1.5, 1.75, 2.75])
    assert average_ranks(np.stack([values, -values]))[1] == pytest.approx([2.5, 2.25, 1.25])
    assert np.isnan(average_ranks(values[:, 2:])).all()


@given(values=TABLES, seed=st.integers(0, 9), scale=st.integers(1, 5))
def test_ranks_depend_on_order_alone(values: np.ndarray, seed: int, scale: int) -> None:
    rng = np.random.default_rng(seed)
    arms, columns = rng.permutation(values.shape[0]), rng.permutation(values.shape[1])
    levels = rng.integers(-50, 50, size=values.shape[1])
    assert np.allclose(average_ranks((values * scale + levels)[arms][:, columns]), average_ranks(values)[arms])


def test_friedman_worked_by_hand() -> None:
    # 3 arms in the same order in 4 columns: 12 / (4 x 3 x 4) x (4^2 + 8^2 + 12^2) - 3 x 4 x 4 = 8, p = exp(-8 / 2)
    result = run_friedman_test(np.arange(12.0).reshape(3, 4))
    assert (result.arms, result.columns) == (3, 4)
    assert result.statistic == pytest.approx(8.0)
    assert result.p == pytest.approx(math.exp(-4))
    assert result.largest == 2.0


@settings(max_examples=50)
@given(values=TABLES)
def test_friedman_is_that_of_scipy(values: np.ndarray) -> None:
    result = run_friedman_test(values)
    if (values == values[0]).all():
        assert math.isnan(result.statistic) and math.isnan(result.p)
    else:
        expected = stats.friedmanchisquare(*values)
        assert (result.statistic, result.p) == pytest.approx((expected.statistic, expected.pvalue))


@pytest.mark.parametrize(("arms", "columns", "expected"), [(11, 9, 5.03), (10, 9, 4.52), (5, 9, 2.03), (3, 9, 1.10)])
def test_critical_differences_are_those_of_the_tables(arms: int, columns: int, expected: float) -> None:
    assert critical_difference(arms, columns) == pytest.approx(expected, abs=0.006)


def test_the_verdict_says_whether_the_design_can_answer() -> None:
    order = np.arange(11.0)[:, None]
    nine, one = run_friedman_test(order + np.zeros(9)), run_friedman_test(order + np.zeros(1))
    assert (nine.can_separate, nine.is_separated) == (True, True)
    assert "separate two arms that differ by more than 5.03; the first and the last differ by 10.00" in nine.verdict
    assert nine.verdict.endswith("so they are separated.")
    assert (one.can_separate, one.is_separated) == (False, False)
    assert "11 arms over 1 column can separate no two arms" in one.verdict
    mixed = run_friedman_test(np.array([[1.0, 2.0, 1.0, 2.0], [2.0, 1.0, 2.0, 1.0], [3.0, 3.0, 0.0, 0.0]]))
    assert not mixed.is_separated and mixed.verdict.endswith("so they are not separated.")


def test_no_common_column_is_no_test() -> None:
    result = run_friedman_test([[1.0, NAN], [NAN, 2.0]])
    assert (result.columns, result.difference, result.is_separated) == (0, math.inf, False)
    assert math.isnan(result.p)
    assert "no two arms have a common column" in result.verdict


def test_mean_ranks_and_critical_difference_are_those_of_autorank() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries below it
        autorank = pytest.importorskip("autorank")
        pandas = pytest.importorskip("pandas")
        values = np.random.default_rng(2).normal(size=(6, 12)) + np.arange(6)[:, None] / 2
        theirs = autorank.autorank(pandas.DataFrame(values.T), alpha=0.05, force_mode="nonparametric")
    ours = run_friedman_test(values)
    assert theirs.posthoc == "nemenyi"
    assert ours.difference == pytest.approx(theirs.cd, rel=1e-4)  # from a table
    assert ours.p == pytest.approx(theirs.pvalue)
    assert average_ranks(values) == pytest.approx(theirs.rankdf["meanrank"].sort_index().to_numpy())


@pytest.mark.parametrize("arms", [2, 3, 11, 50])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_the_critical_difference_is_from_the_studentized_range(arms: int, alpha: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    q = stats.studentized_range.ppf(1 - alpha, arms, np.inf) / np.sqrt(2)
    assert critical_difference(arms, 9, alpha) == pytest.approx(q * np.sqrt(arms * (arms + 1) / 54), rel=1e-6)
