import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from analysis.statistics import draws as draws_module
from analysis.statistics.draws import (
    average_blocks,
    compute_quantile_interval,
    draw_blocks,
    draw_means,
    draw_student_blocks,
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


def test_draws_do_not_depend_on_the_size_of_their_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    covariance = np.stack([np.eye(2), np.ones((2, 2))])
    whole = drawn(VALUES, 100, covariance=covariance)
    for draws_of_a_block in (1, 7, 100):
        monkeypatch.setattr(draws_module, "BLOCK_BYTES", draws_of_a_block * VALUES[..., 0].size * 8)
        blocks = [*draw_blocks(VALUES, np.random.default_rng(7), 100, covariance)]
        assert {len(block) for block in blocks[:-1]} <= {draws_of_a_block}
        assert np.allclose(np.concatenate(blocks), whole, rtol=0, atol=1e-9)
        assert average_blocks(estimate_p_best, blocks) == pytest.approx(estimate_p_best(whole))


def test_a_block_of_a_huge_table_takes_bounded_memory() -> None:
    block = next(draw_blocks(np.zeros((3000, 40, 3)), np.random.default_rng(0), 10_000))
    assert block.nbytes <= draws_module.BLOCK_BYTES and block.shape == (69, 3000, 40)


def test_holes_do_not_change_the_draws_of_the_other_cells() -> None:
    holed = VALUES.copy()
    holed[0, 0, 1] = NAN
    assert np.array_equal(drawn(VALUES)[:, 1], drawn(holed)[:, 1])


def test_seeds_that_do_not_vary_leave_the_mean() -> None:
    assert (drawn([4.0, 4.0, 4.0]) == 4.0).all()


def test_errors_of_items_have_the_covariance_they_were_given() -> None:
    covariance = np.array([[[4.0, 2.0, 2.0], [2.0, 1.0, 1.0], [2.0, 1.0, 1.0]], np.diag([1.0, 0.0, 9.0])])  # singular
    noise = drawn(np.full((2, 3, 3), 5.0), 40_000, covariance=covariance) - 5.0
    for target in range(2):
        assert np.allclose(np.cov(noise[:, target].T), covariance[target], rtol=0.03, atol=0.03)
    assert np.allclose(noise[:, 0, 1], noise[:, 0, 2], atol=1e-6)  # fully correlated chains
    assert abs(np.corrcoef(noise[:, 0, 0], noise[:, 1, 0])[0, 1]) < 0.02  # targets have items of their own


def test_a_variance_estimated_below_0_makes_no_noise() -> None:
    assert (drawn([[4.0, 4.0]], 10, covariance=[[-1.0]]) == 4.0).all()


def students(mean: object, variance: object, freedom: object, count: int = 20_000, **more: object) -> np.ndarray:
    arrays = (np.asarray(part, dtype=np.float64) for part in (mean, variance, freedom))
    blocks = draw_student_blocks(*arrays, np.random.default_rng(7), count, **more)  # type: ignore[arg-type]
    return np.concatenate([*blocks])


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_draws_by_errors_have_students_distribution_of_each_mean(correlation: float) -> None:
    mean, variance, freedom = [[1.0, -5.0], [0.0, 2.0]], [[4.0, 1.0], [0.25, 9.0]], [[2.0, 7.5], [30.0, np.inf]]
    draws = students(mean, variance, np.minimum(freedom, 1e9), correlation=correlation)
    assert draws.shape == (20_000, 2, 2)
    for place in np.ndindex(2, 2):
        t = (draws[(slice(None), *place)] - np.array(mean)[place]) / np.array(variance)[place] ** 0.5
        assert stats.kstest(t, stats.t(min(np.array(freedom)[place], 1e9)).cdf).pvalue > 0.01


def test_an_arms_draws_correlate_between_columns_and_arms_do_not() -> None:
    draws = students(np.zeros((2, 2)), np.ones((2, 2)), np.full((2, 2), 1e6), correlation=0.6)
    correlations = np.corrcoef(draws.reshape(-1, 4).T)  # column 0: arms 0 and 1, column 1: arms 0 and 1
    expected = np.array([[1, 0, 0.6, 0], [0, 1, 0, 0.6], [0.6, 0, 1, 0], [0, 0.6, 0, 1]])
    assert correlations == pytest.approx(expected, abs=0.03)


def test_draws_by_errors_add_the_items_and_leave_out_what_is_unknown() -> None:
    covariance = np.array([[[4.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 9.0]]])
    draws = students([[3.0, 3.0, 3.0]], [[0.0, 0.0, 0.0]], [[5.0, 5.0, 5.0]], covariance=covariance)
    assert np.cov(draws[:, 0].T) == pytest.approx(covariance[0], rel=0.05, abs=0.15)
    unknown = students([[1.0, NAN, 2.0, 3.0]], [[1.0, 1.0, NAN, 1.0]], [[4.0, 4.0, 4.0, NAN]], 10)
    assert np.isnan(unknown).all(axis=(0, 1)).tolist() == [False, True, True, True]


def test_blocks_of_draws_by_errors_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws_module, "BLOCK_BYTES", 7 * 6 * 8)
    arrays = (np.zeros((2, 3)), np.ones((2, 3)), np.full((2, 3), 4.0))
    blocks = [*draw_student_blocks(*arrays, np.random.default_rng(0), 20)]
    assert [len(block) for block in blocks] == [7, 7, 6]
    assert np.unique(np.concatenate(blocks)).size == 20 * 6  # no block repeats another


def test_quantiles_worked_by_hand() -> None:
    draws = np.stack([np.arange(101.0), np.full(101, NAN)], axis=1)
    expected = np.array([[5.0, 95.0], [NAN, NAN]])
    assert compute_quantile_interval(draws, level=0.9) == pytest.approx(expected, nan_ok=True)


def test_shares_of_best_draws_worked_by_hand() -> None:
    draws = np.array([[1.0, 1.0, 0.0, NAN], [5.0, 1.0, 5.0, 9.0], [0.0, 3.0, 2.0, 9.0], [0.0, 3.0, 4.0, 9.0]])
    # first: shared by two, second: by two, third and fourth alone; the arm with a hole is left out
    assert estimate_p_best(draws) == pytest.approx([1 / 4, 1.5 / 4, 1.5 / 4, NAN], nan_ok=True)


@settings(max_examples=25)
@given(values=TABLES)
def test_one_arm_is_the_best_of_every_column(values: np.ndarray) -> None:
    assert np.allclose(estimate_p_best(drawn(values)).sum(axis=0), 1.0)
