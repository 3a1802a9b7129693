"""Gains shrunk for choosing, against closed forms, against Bayes by brute force, and against what made the table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics import shrinkage
from analysis.statistics.moments import Array
from analysis.statistics.shrinkage import estimate_correlation, shrink_gains

NAN = np.nan


def make_table(
    seed: int, tasks: int = 12, columns: int = 4, common: float = 1.0, own: float = 0.5
) -> tuple[Array, ...]:
    """Return means and variances [tasks, columns], scales [columns], and the true gains."""
    rng = np.random.default_rng(seed)
    scales = np.geomspace(1, 6, columns)
    truth = scales * (common * rng.normal(size=(tasks, 1)) + own * rng.normal(size=(tasks, columns)))
    variances = scales**2 * rng.uniform(0.2, 0.6, (tasks, columns))
    return truth + np.sqrt(variances) * rng.normal(size=truth.shape), variances, scales, truth


def test_one_column_is_shrunk_by_the_closed_form() -> None:
    means, variances = np.array([[4.0], [1.0], [-2.0], [-3.0]]), np.array([[1.0], [2.0], [1.0], [4.0]])
    shrunken = shrink_gains(means, variances, [1.0], 0.0)
    prior = means.var(ddof=1) - variances.mean()  # the mean of the table is 0
    weights = prior / (prior + variances)
    assert shrunken.mean == pytest.approx(weights * means)
    assert shrunken.covariance[:, 0] == pytest.approx((1 - weights) * prior)
    assert shrunken.average([0]) == pytest.approx((weights * means)[:, 0])
    assert shrunken.average_variance([0]) == pytest.approx(((1 - weights) * prior)[:, 0])


def test_the_posterior_is_that_of_bayes_by_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    prior = 1.2 + 0.5 * np.eye(2)
    monkeypatch.setattr(shrinkage, "_estimate_prior", lambda *_: (1.2, 0.5))
    means, variances = np.array([[2.0, -1.0], [-2.0, 1.0]]), np.array([[0.5, 2.0], [1.0, 0.3]])
    correlation = 0.4
    shrunken = shrink_gains(means, variances, [1.0, 1.0], correlation)
    grid = np.stack(np.meshgrid(*[np.linspace(-8, 8, 201)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    for i in range(2):
        off = correlation * np.sqrt(variances[i].prod())
        noise = np.array([[variances[i, 0], off], [off, variances[i, 1]]])
        weights = stats.multivariate_normal(np.zeros(2), prior).pdf(grid)
        weights *= stats.multivariate_normal(means[i], noise).pdf(grid)
        weights /= weights.sum()
        mean = weights @ grid
        assert shrunken.mean[i] == pytest.approx(mean, abs=1e-4)
        assert shrunken.covariance[i] == pytest.approx((weights[:, None] * (grid - mean)).T @ (grid - mean), abs=1e-3)


@pytest.mark.parametrize(("common", "own"), [(1.0, 0.5), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_the_prior_of_a_large_table_is_the_one_that_made_it(common: float, own: float) -> None:
    means, variances, scales, _ = make_table(1, tasks=4_000, common=common, own=own)
    shrunken = shrink_gains(means, variances, scales, 0.0)
    assert (shrunken.common, shrunken.own) == pytest.approx((common**2, own**2), abs=0.08)


def test_shrunken_gains_are_nearer_to_the_truth_and_know_how_near() -> None:
    means, variances, scales, truth = make_table(2, tasks=2_000)
    shrunken = shrink_gains(means, variances, scales, 0.0)
    errors = (shrunken.mean + shrunken.offset - truth) / scales
    assert (errors**2).mean() < 0.75 * (((means - truth) / scales) ** 2).mean()
    said = np.diagonal(shrunken.covariance, axis1=1, axis2=2) / scales**2
    assert (errors**2).mean() == pytest.approx(said.mean(), rel=0.05)
    columns = [0, 1, 2, 3]
    squares = (shrunken.average(columns) - truth.mean(axis=1)) ** 2
    assert squares.mean() == pytest.approx(shrunken.average_variance(columns).mean(), rel=0.1)


def test_noise_that_columns_share_is_not_taken_for_an_effect() -> None:
    rng = np.random.default_rng(3)
    variances, run = np.ones((3_000, 4)), rng.normal(size=(3_000, 1))
    means = np.sqrt(0.6) * run + np.sqrt(0.4) * rng.normal(size=(3_000, 4))  # no task has an effect
    assert np.abs(shrink_gains(means, variances, np.ones(4), 0.6).mean).mean() < 0.15
    assert np.abs(shrink_gains(means, variances, np.ones(4), 0.0).mean).mean() > 0.4


def test_a_missing_gain_is_guessed_from_the_other_columns() -> None:
    means, variances, scales, _ = make_table(4)
    means[3], variances[5, 1] = NAN, NAN
    means[:, 0] -= means[7, 0] - 30.0
    means[7, 1:] = [NAN, NAN, 40.0]
    shrunken = shrink_gains(means, variances, scales, 0.0)
    assert (shrunken.mean[3] == 0).all()  # nothing is known
    assert shrunken.covariance[3] == pytest.approx(shrunken.covariance[3].T)
    diagonal = np.diagonal(shrunken.covariance, axis1=1, axis2=2)
    assert (diagonal[3] >= diagonal.max(axis=0) - 1e-9).all() and diagonal[7, 1] < diagonal[3, 1]
    assert shrunken.mean[7, 1] > 0 and np.isfinite(shrunken.mean).all()


def test_tasks_that_do_not_differ_are_all_equal() -> None:
    rng = np.random.default_rng(5)
    shrunken = shrink_gains(0.1 * rng.normal(size=(8, 3)), np.ones((8, 3)), np.ones(3), 0.0)
    assert shrunken.mean == pytest.approx(0.0, abs=1e-3) and shrunken.covariance == pytest.approx(0.0, abs=1e-2)


@settings(max_examples=20)
@given(seed=st.integers(0, 999), correlation=st.sampled_from([0.0, 0.3, 0.95]), hole=st.booleans())
def test_shrunken_gains_follow_scale_shift_and_order(seed: int, correlation: float, hole: bool) -> None:
    means, variances, scales, _ = make_table(seed)
    if hole:
        means[2, 1] = NAN
    rng = np.random.default_rng(seed)
    before = shrink_gains(means, variances, scales, correlation)
    shifts, factors = 20 * rng.normal(size=4), rng.uniform(0.2, 5, 4)
    moved = shrink_gains(factors * means + shifts, factors**2 * variances, factors * scales, correlation)
    assert moved.mean == pytest.approx(factors * before.mean, abs=1e-6)
    assert moved.offset == pytest.approx(factors * before.offset + shifts)
    assert moved.covariance == pytest.approx(before.covariance * factors[:, None] * factors, abs=1e-6)
    tasks, columns = rng.permutation(len(means)), rng.permutation(4)
    other = shrink_gains(means[tasks][:, columns], variances[tasks][:, columns], scales[columns], correlation)
    assert other.mean == pytest.approx(before.mean[tasks][:, columns], abs=1e-9)


@settings(max_examples=20)
@given(seed=st.integers(0, 999), correlation=st.sampled_from([0.0, 0.3, 0.95]))
def test_covariances_are_covariances_and_no_larger_than_the_noise(seed: int, correlation: float) -> None:
    means, variances, scales, _ = make_table(seed)
    covariance = shrink_gains(means, variances, scales, correlation).covariance
    assert covariance == pytest.approx(np.swapaxes(covariance, 1, 2), abs=1e-9)
    assert np.linalg.eigvalsh(covariance).min() > -1e-9
    assert (np.diagonal(covariance, axis1=1, axis2=2) <= variances + 1e-9).all()


@pytest.mark.parametrize("correlation", [0.0, 0.4])
def test_an_average_is_that_of_its_columns(correlation: float) -> None:
    means, variances, scales, _ = make_table(7)
    means[3, 2] = NAN
    shrunken = shrink_gains(means, variances, scales, correlation)
    assert shrunken.average([0, 2]) == pytest.approx((shrunken.mean + shrunken.offset)[:, [0, 2]].mean(axis=1))
    block = shrunken.covariance[:, [[0], [2]], [0, 2]]
    assert shrunken.average_variance([0, 2]) == pytest.approx(block.mean(axis=(1, 2)), rel=1e-6)


def test_a_correlation_between_columns_worked_by_hand() -> None:
    rng = np.random.default_rng(6)
    run, rest = rng.normal(size=(400, 1, 4)), rng.normal(size=(400, 5, 4))
    assert estimate_correlation(np.sqrt(0.5) * (run + rest)) == pytest.approx(0.5, abs=0.06)
    assert estimate_correlation(rest) < 0.03
    assert estimate_correlation(run * np.ones((1, 5, 1))) == 0.95  # matrices stay invertible
    assert estimate_correlation(np.array([[[1.0, -1.0], [-2.0, 2.0]]])) == 0.0  # opposite
    for nothing in (rest[:, :1], np.zeros((3, 2, 4))):
        assert estimate_correlation(nothing) == 0.0
    holed = np.concatenate([np.sqrt(0.5) * (run + rest), np.zeros((400, 1, 4))], axis=1)
    assert estimate_correlation(holed) == pytest.approx(0.5, abs=0.06)  # a column without a spread says nothing
