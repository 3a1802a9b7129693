import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from analysis.statistics.draws import (
    compute_quantile_interval,
    draw_item_noise,
    draw_means,
    estimate_p_above,
    estimate_p_best,
)
from analysis.statistics.interval import compute_intervals

NAN = np.nan
VALUES = np.array([[[1.0, 4.0, 2.0], [3.0, 3.5, 9.0]], [[0.0, 2.0, -5.0], [2.0, 2.0, 8.0]]])  # arms x targets x seeds
TABLES = hnp.arrays(np.float64, (3, 2, 4), elements=st.integers(-50, 50))


def drawn(values: object, count: int = 200, **more: object) -> np.ndarray:
    return draw_means(values, np.random.default_rng(7), count, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_draws_of_a_mean_have_students_distribution(seeds: int) -> None:
    values = np.random.default_rng(seeds).normal(3, 2, seeds)
    t = (drawn(values, 20_000) - values.mean()) / (values.std(ddof=1) / seeds**0.5)
    assert stats.kstest(t, stats.t(seeds - 1).cdf).pvalue > 0.01


def test_draws_of_a_cell_with_a_hole_have_students_distribution_of_its_own_seeds() -> None:
    values = np.array([[5.0, 1.0, NAN, 0.0], [1.0, 2.0, 3.0, 4.0]])
    t = (drawn(values, 20_000)[:, 0] - 2.0) / (7.0**0.5 / 3**0.5)
    assert stats.kstest(t, stats.t(2).cdf).pvalue > 0.01


@settings(max_examples=25)
@given(values=TABLES)
def test_differences_and_means_of_draws_are_draws_of_differences_and_means(values: np.ndarray) -> None:
    all_at_once = drawn(values)
    assert np.allclose(all_at_once[:, 0] - all_at_once[:, 2], drawn(values[0] - values[2]))
    assert np.allclose(all_at_once.mean(axis=2), drawn(values.mean(axis=1)))


@settings(max_examples=25)
@given(values=TABLES, shift=st.integers(-50, 50), scale=st.integers(1, 9))
def test_draws_follow_shift_and_scale_and_the_order_of_arms(values: np.ndarray, shift: int, scale: int) -> None:
    draws = drawn(values)
    assert np.allclose(drawn(values * scale + shift), draws * scale + shift)
    assert np.allclose(drawn(values[[2, 0, 1]]), draws[:, [2, 0, 1]])


def test_equal_cells_are_drawn_equal_and_the_order_of_seeds_does_not_matter_in_the_long_run() -> None:
    both = drawn([[1.0, 5.0, 2.0], [1.0, 5.0, 2.0]])
    assert np.array_equal(both[:, 0], both[:, 1])
    one, other = (compute_quantile_interval(drawn(values, 20_000)) for values in (VALUES, VALUES[..., [2, 0, 1]]))
    assert np.allclose(one, other, rtol=0.06, atol=0.3)


def test_the_interval_of_many_draws_is_students() -> None:
    assert np.allclose(compute_quantile_interval(drawn(VALUES, 40_000)), compute_intervals(VALUES), rtol=0.06, atol=0.3)


def test_fewer_than_two_seeds_give_no_draws() -> None:
    draws = drawn([[NAN, 1.0, NAN], [NAN, NAN, NAN], [NAN, 1.0, 2.0]])
    assert np.isnan(draws).all(axis=0).tolist() == [True, True, False]
    assert np.isnan(drawn([[1.0], [2.0]])).all()


def test_thousands_of_arms_with_one_seed_take_no_memory() -> None:
    draws = drawn(np.zeros((3000, 40, 1)), count=10_000)
    assert draws.shape == (10_000, 3000, 40) and draws.strides == (0, 0, 0)
    some = drawn(np.array([[1.0, NAN], [1.0, 2.0]]))
    assert np.isnan(some[:, 0]).all() and np.isfinite(some[:, 1]).all()


def test_holes_do_not_change_the_draws_of_the_other_cells() -> None:
    holed = VALUES.copy()
    holed[0, 0, 1] = NAN
    assert np.array_equal(drawn(VALUES)[:, 1], drawn(holed)[:, 1])


def test_seeds_that_do_not_vary_leave_the_mean() -> None:
    assert (drawn([4.0, 4.0, 4.0]) == 4.0).all()


def test_noise_is_added() -> None:
    noise = np.random.default_rng(1).normal(size=(200, 2, 2))
    assert np.allclose(drawn(VALUES, noise=noise), drawn(VALUES) + noise)


def test_item_noise_has_the_covariance_it_was_given() -> None:
    covariance = np.array([[[4.0, 2.0, 2.0], [2.0, 1.0, 1.0], [2.0, 1.0, 1.0]], np.diag([1.0, 0.0, 9.0])])  # singular
    noise = draw_item_noise(covariance, np.random.default_rng(3), 40_000)
    assert noise.shape == (40_000, 2, 3)
    for target in range(2):
        assert np.allclose(np.cov(noise[:, target].T), covariance[target], rtol=0.03, atol=0.03)
    assert np.allclose(noise[:, 0, 1], noise[:, 0, 2], atol=1e-6)  # fully correlated chains
    assert abs(np.corrcoef(noise[:, 0, 0], noise[:, 1, 0])[0, 1]) < 0.02  # targets have items of their own


def test_a_variance_estimated_below_0_makes_no_noise() -> None:
    assert not draw_item_noise([[-1.0]], np.random.default_rng(0), 10).any()


def test_quantiles_worked_by_hand() -> None:
    draws = np.stack([np.arange(101.0), np.full(101, NAN)], axis=1)
    expected = np.array([[5.0, 95.0], [NAN, NAN]])
    assert compute_quantile_interval(draws, level=0.9) == pytest.approx(expected, nan_ok=True)


def test_shares_of_positive_draws_worked_by_hand() -> None:
    draws = np.array([[1.0, 0.0, NAN], [2.0, 1e-12, 1.0], [-1.0, 0.0, 1.0], [3.0, 2.0, 1.0]])
    assert estimate_p_above(draws) == pytest.approx([0.75, 0.625, NAN], nan_ok=True)


def test_shares_of_best_draws_worked_by_hand() -> None:
    draws = np.array([[1.0, 1.0, 0.0, NAN], [5.0, 1.0, 5.0, 9.0], [0.0, 3.0, 2.0, 9.0], [0.0, 3.0, 4.0, 9.0]])
    # first: shared by two, second: by two, third and fourth alone; the arm with a hole is left out
    assert estimate_p_best(draws) == pytest.approx([1 / 4, 1.5 / 4, 1.5 / 4, NAN], nan_ok=True)


@settings(max_examples=25)
@given(values=TABLES)
def test_one_arm_is_the_best_of_every_column(values: np.ndarray) -> None:
    assert np.allclose(estimate_p_best(drawn(values)).sum(axis=0), 1.0)
