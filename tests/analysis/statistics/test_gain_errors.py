"""Errors of mean gains: plain ones are today's, moderated ones say more and keep their word, and edges say nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.draws import draw_means
from analysis.statistics.gain_errors import ErrorModel, GainErrors
from analysis.statistics.interval import compute_intervals
from analysis.statistics.moments import Array
from analysis.statistics.significance import adjust_p_values, compute_p_values
from tests.analysis.statistics.gain_tables import fit, make_gains, no_scores

NAN = np.nan


def estimate(gains: Array, kind: str = "moderated", controls: int = 0) -> GainErrors:
    return fit(gains, kind, controls).estimate_columns(gains, no_scores(gains))


def estimate_mean(model: ErrorModel, means: Array) -> GainErrors:
    return model.estimate_mean(means, np.full(means.shape[1:], NAN))


def assert_plain(errors: GainErrors, gains: Array) -> None:
    assert errors.compute_intervals() == pytest.approx(compute_intervals(gains), nan_ok=True)
    assert errors.compute_p_values() == pytest.approx(compute_p_values(gains), nan_ok=True)


@pytest.mark.parametrize("holes", [0.0, 0.2])
def test_plain_errors_are_students(holes: float) -> None:
    gains = make_gains(1, seeds=4, holes=holes)
    model = fit(gains, "plain")
    assert model.kind == "plain"
    assert_plain(model.estimate_columns(gains, no_scores(gains)), gains)
    mean = gains.mean(axis=1)
    assert_plain(estimate_mean(model, mean), mean[:, None])
    first, second = np.triu_indices(10, 1)
    p = model.compute_contrast_p(mean, first, second)
    assert p == pytest.approx(compute_p_values(mean[first] - mean[second]), nan_ok=True)
    assert model.shrink(gains) is None and model.estimate_own_errors(gains) is None


def test_fewer_than_six_references_are_plain() -> None:
    gains = make_gains(2, tasks=5)
    assert fit(gains).kind == "plain"
    assert_plain(estimate(gains), gains)
    gains = make_gains(2, tasks=8)
    assert fit(gains, controls=3).kind == "plain" and fit(gains, controls=2).kind == "moderated"


def test_columns_with_few_tasks_stay_plain_beside_moderated_ones() -> None:
    gains = make_gains(3, tasks=8)
    gains[5:, 2] = NAN
    errors, plain = estimate(gains), estimate(gains, "plain")
    assert np.array_equal(errors.variance[:, 2], plain.variance[:, 2], equal_nan=True)
    assert (errors.freedom[:, [0, 1, 3]] > 2).all() and (errors.freedom[:5, 2] == 2).all()


def test_the_same_three_seeds_say_more() -> None:
    gains = make_gains(4, tasks=10, columns=9)
    gains[3, 5] += 6 * 5**0.625 * 2**0.5  # six standard deviations of this gain over seeds
    planted = np.zeros(gains.shape[:2], dtype=bool)
    planted[3, 5] = True
    plain, moderated = (adjust_p_values(estimate(gains, kind).compute_p_values()) for kind in ("plain", "moderated"))
    assert plain[3, 5] > 0.05 > moderated[3, 5] and (moderated[~planted] > 0.05).all()


def test_in_null_tables_intervals_and_findings_keep_their_level() -> None:
    covered, findings = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        scores = rng.normal(size=(11, 5, 3)) * np.geomspace(1, 5, 5)[:, None]
        errors = estimate(scores[1:] - scores[:1])
        low, high = np.moveaxis(errors.compute_intervals(), -1, 0)
        covered.append(((low < 0) & (high > 0)).mean())
        findings.append((adjust_p_values(errors.compute_p_values()) < 0.05).any())
    assert np.mean(covered) == pytest.approx(0.955, abs=0.025)
    assert np.mean(findings) < 0.09  # 0.05, and three standard errors


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), holes=st.sampled_from([0.0, 0.1]))
def test_p_follows_no_scale_and_no_order_and_errors_follow_no_shift(seed: int, holes: float) -> None:
    gains, rng = make_gains(seed, holes=holes, seeds=4), np.random.default_rng(seed)
    before = estimate(gains)
    tasks, columns, seeds = (rng.permutation(size) for size in gains.shape)
    after = estimate(7 * gains[tasks][:, columns][:, :, seeds])
    assert after.compute_p_values() == pytest.approx(before.compute_p_values()[tasks][:, columns], nan_ok=True)
    assert after.freedom == pytest.approx(before.freedom[tasks][:, columns], nan_ok=True)
    moved = estimate(gains + 50 * rng.normal(size=(*gains.shape[:2], 1)))
    assert moved.variance == pytest.approx(before.variance, nan_ok=True)


def test_controls_are_plain_and_influence_nobody() -> None:
    gains = make_gains(7, tasks=9)
    errors = estimate(gains, controls=2)
    assert_plain(errors_of(errors, slice(7, 9)), gains[7:])
    wild = gains.copy()
    wild[7:] = 1e3 * make_gains(8, tasks=2)
    other, alone = estimate(wild, controls=2), estimate(gains[:7])
    for name in ("mean", "variance", "freedom"):
        assert np.array_equal(getattr(other, name)[:7], getattr(errors, name)[:7])
        assert getattr(other, name)[:7] == pytest.approx(getattr(alone, name))
    mean = estimate_mean(fit(gains, controls=2), gains.mean(axis=1))
    assert_plain(errors_of(mean, slice(7, 9)), gains[7:].mean(axis=1)[:, None])
    first, second = np.array([0, 0]), np.array([1, 8])
    p = fit(gains, controls=2).compute_contrast_p(gains[:, 0], first, second)
    assert p[1] == pytest.approx(compute_p_values(gains[0, 0] - gains[8, 0]))


def errors_of(errors: GainErrors, rows: slice) -> GainErrors:
    return GainErrors(
        mean=errors.mean[rows], counts=errors.counts[rows], variance=errors.variance[rows], freedom=errors.freedom[rows]
    )


def test_two_seeds_give_an_interval_and_no_verdict() -> None:
    gains = make_gains(9, seeds=2)
    model = fit(gains)
    for errors in (model.estimate_columns(gains, no_scores(gains)), estimate_mean(model, gains.mean(axis=1))):
        low, high = np.moveaxis(errors.compute_intervals(), -1, 0)
        assert (low < errors.mean).all() and (errors.mean < high).all()
        assert np.isnan(errors.compute_p_values()).all() and np.isnan(errors.compute_p_above()).all()
    assert np.isnan(model.compute_contrast_p(gains[:, 0], np.array([0]), np.array([1]))).all()


def test_one_seed_gives_nothing() -> None:
    gains = make_gains(10, seeds=1)
    errors = estimate(gains)
    assert fit(gains).kind == "plain"
    assert np.isnan(errors.compute_intervals()).all() and np.isnan(errors.compute_p_values()).all()
    gains = make_gains(10)
    gains[4, 1, 1:] = NAN
    errors = estimate(gains)
    assert np.isnan(errors.compute_intervals()[4, 1]).all() and np.isfinite(errors.compute_p_values()).sum() == 39


def test_a_hole_widens_its_own_cell() -> None:
    gains = make_gains(11, seeds=4)
    holed = gains.copy()
    holed[2, 1, 3] = NAN
    whole, errors = estimate(gains), estimate(holed)
    assert errors.counts[2, 1] == 3 and errors.mean[2, 1] == pytest.approx(gains[2, 1, :3].mean())
    assert errors.freedom[2, 1] < errors.freedom[2].max()
    assert np.isfinite(errors.compute_p_values()).all()
    assert errors.variance[:, 3] == pytest.approx(whole.variance[:, 3], rel=0.2)


def test_equal_seeds_get_a_width_and_no_certainty() -> None:
    gains = make_gains(12)
    gains[5] = [[2.0], [3.0], [-4.0], [0.0]]
    errors = estimate(gains)
    low, high = np.moveaxis(errors.compute_intervals()[5], -1, 0)
    p = errors.compute_p_values()[5]
    assert (high - low > 0.5).all()
    assert (p > 1e-4).all() and p[3] == pytest.approx(1.0) and np.isfinite(errors.freedom[5]).all()
    assert np.isnan(estimate(gains, "plain").compute_p_values()[5]).all()


def test_a_table_of_equal_seeds_has_no_p_value() -> None:
    gains = np.repeat(make_gains(13, seeds=1), 3, axis=2)
    errors = estimate(gains)
    assert fit(gains).kind == "plain"
    assert np.isnan(errors.compute_p_values()).all() and np.isnan(errors.compute_p_above()).all()
    assert np.isfinite(errors.add_items(1.0).compute_p_values()).all()  # test items give them a width


def test_the_variance_of_items_adds() -> None:
    errors = estimate(make_gains(14))
    items = np.array([0.0, 1.0, 4.0, -1.0])
    both = errors.add_items(items)
    assert both.variance == pytest.approx(errors.variance + np.maximum(items, 0.0))
    assert both.freedom[:, [0, 3]] == pytest.approx(errors.freedom[:, [0, 3]])
    assert (both.freedom[:, 1:3] > errors.freedom[:, 1:3]).all()
    expected = errors.freedom * (both.variance / errors.variance) ** 2  # Welch and Satterthwaite
    assert both.freedom == pytest.approx(expected)
    plain = make_gains(14, tasks=3)
    assert estimate(plain).add_items(2.0).compute_p_values() == pytest.approx(compute_p_values(plain, 2.0))


def test_a_mean_over_one_target_is_about_that_target() -> None:
    gains = make_gains(15)
    model = fit(gains)
    mean, column = estimate_mean(model, gains[:, 2]), model.estimate_columns(gains, no_scores(gains))
    assert mean.variance[:, 0] == pytest.approx(column.variance[:, 2], rel=0.3)
    assert mean.mean[:, 0] == pytest.approx(column.mean[:, 2])


@given(values=st.lists(st.integers(-100, 100), min_size=3, max_size=6))
def test_p_above_is_students_share_above_0(values: list[int]) -> None:
    gains = np.array(values) + np.arange(len(values)) / 7
    t = gains.mean() / stats.sem(gains)
    above = estimate(gains[None, None], "plain").compute_p_above()
    assert above[0, 0] == pytest.approx(stats.t(len(gains) - 1).cdf(t), abs=1e-9)


def test_p_above_is_the_share_of_draws_above_0() -> None:
    gains = np.array([[1.0, -0.5, 2.0], [-3.0, 1.0, -2.0], [0.0, 0.0, 0.0], [1.0, NAN, 2.0]])
    drawn = (draw_means(gains[:2], np.random.default_rng(0), 40_000) > 0).mean(axis=0)
    above = estimate(gains[:, None], "plain").compute_p_above()[:, 0]
    assert above[:2] == pytest.approx(drawn, abs=0.01) and np.isnan(above[2:]).all()
