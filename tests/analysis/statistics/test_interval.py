import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from analysis.statistics.interval import compute_interval, compute_intervals, t_quantile, two_sided_p

NAN = np.nan
SEEDS = hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(3, 6)), elements=st.integers(-1000, 1000))


def test_an_interval_worked_by_hand() -> None:
    # mean 2, standard deviation 1, t(2) = 4.303: half the width is 4.303 / sqrt(3) = 2.484
    assert compute_interval([1.0, 2.0, 3.0]) == pytest.approx((-0.484, 4.484), abs=1e-3)


def test_no_interval_with_fewer_than_three_seeds() -> None:
    assert compute_interval([1.0, 2.0]) is None
    assert compute_interval([]) is None
    assert np.isnan(compute_intervals([[1.0, 2.0, NAN], [NAN, NAN, NAN]], item_variance=1.0)).all()


@given(values=SEEDS)
def test_intervals_are_those_of_scipy(values: np.ndarray) -> None:
    values = values + np.arange(values.shape[-1]) / 7  # never all equal
    expected = stats.ttest_1samp(values, 0.0, axis=-1).confidence_interval(0.95)
    assert np.allclose(compute_intervals(values), np.stack([expected.low, expected.high], axis=-1))


@given(values=SEEDS, shift=st.integers(-50, 50), scale=st.integers(1, 9), seed=st.integers(0, 9))
def test_intervals_follow_shift_and_scale_and_not_the_order_of_seeds(
    values: np.ndarray, shift: int, scale: int, seed: int
) -> None:
    intervals = compute_intervals(values)
    assert np.allclose(compute_intervals(values * scale + shift), intervals * scale + shift)
    assert np.allclose(compute_intervals(-values), -intervals[..., ::-1])
    assert np.allclose(compute_intervals(np.random.default_rng(seed).permutation(values, axis=-1)), intervals)


def test_a_hole_costs_a_degree_of_freedom() -> None:
    assert np.allclose(compute_intervals([1.0, NAN, 2.0, 3.0]), compute_intervals([1.0, 2.0, 3.0]))


def test_items_widen_an_interval_by_their_variance() -> None:
    # seeds: 1 / 3 with 2 degrees of freedom; items 2 / 3: together 1 with 2 * 3^2 = 18, t(18) = 2.101
    assert compute_intervals([1.0, 2.0, 3.0], item_variance=2 / 3) == pytest.approx([-0.101, 4.101], abs=1e-3)
    # seeds that do not vary leave the items alone, which are normal
    assert compute_intervals([2.0, 2.0, 2.0], item_variance=1.0) == pytest.approx([2 - 1.96, 2 + 1.96], abs=1e-3)
    assert np.allclose(compute_intervals([1.0, 2.0, 3.0], item_variance=-0.1), compute_intervals([1.0, 2.0, 3.0]))
    assert np.allclose(compute_intervals([1.0, 2.0, 3.0], item_variance=0.0), compute_intervals([1.0, 2.0, 3.0]))


def test_quantiles_and_tails_are_one_anothers_inverse() -> None:
    assert t_quantile(2) == pytest.approx(4.303, abs=1e-3)
    assert t_quantile(np.inf) == pytest.approx(1.960, abs=1e-3)
    assert two_sided_p(t_quantile([2, 9, 30], 0.9), [2, 9, 30]) == pytest.approx([0.1, 0.1, 0.1])
    assert two_sided_p(-3.0, 4) == two_sided_p(3.0, 4)


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_95_of_100_intervals_hold_the_truth(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    values = rng.normal(7, 2, (20_000, seeds))
    low, high = compute_intervals(values).T
    assert ((low <= 7) & (high >= 7)).mean() == pytest.approx(0.95, abs=0.006)

    items = rng.normal(0, 1.5, (20_000, 1))  # moves all seeds of a world alike
    alone, both = compute_intervals(values + items), compute_intervals(values + items, item_variance=1.5**2)
    assert ((alone[:, 0] <= 7) & (alone[:, 1] >= 7)).mean() < 0.9
    assert ((both[:, 0] <= 7) & (both[:, 1] >= 7)).mean() == pytest.approx(0.95, abs=0.015)
