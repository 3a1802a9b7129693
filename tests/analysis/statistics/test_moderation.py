"""Variances shrunk to priors of their table: what the priors are, and what single variances become."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import polygamma

from analysis.statistics import moderation
from analysis.statistics.decomposition import GainParts, split_gains
from analysis.statistics.log_chi_square import find_degrees_of_freedom
from analysis.statistics.moderation import (
    ModeratedVariances,
    add_freedom,
    count_independent_columns,
    moderate,
    moderate_mean,
)
from analysis.statistics.moments import Array

NAN = np.nan


def make_parts(
    seed: int = 0, sd: object = 1.0, shape: tuple[int, int, int] = (10, 9, 3), base: float = 1.0
) -> GainParts:
    """Return the parts of gains whose tasks vary by `sd` [tasks, columns], and whose baseline varies by `base`."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=shape) * np.broadcast_to(np.asarray(sd), shape[:2])[..., None]
    gains = scores - base * rng.normal(size=(1, *shape[1:]))
    return split_gains(gains, np.ones(shape[0], dtype=np.bool_))


def moderated(parts: GainParts) -> ModeratedVariances:
    variances = moderate(parts)
    assert variances is not None
    return variances


def find_priors(parts: GainParts, variances: ModeratedVariances) -> Array:
    """Return the variance that each own one was shrunk to, by undoing the weighted mean."""
    worth = variances.own_freedom - parts.own_freedom
    return np.asarray((variances.own * variances.own_freedom - parts.own * parts.own_freedom) / worth)


@pytest.mark.parametrize("worth", [4.0, 10.0])
def test_the_prior_of_a_large_table_is_the_one_that_made_it(worth: float) -> None:
    # Smyth 2004: true variances are worth x level / chi-square_worth
    sd = np.sqrt(worth / np.random.default_rng(1).chisquare(worth, (150, 40)))
    parts = make_parts(2, sd, (150, 40, 4))
    variances = moderated(parts)
    assert variances.priors.spread == pytest.approx(polygamma(1, worth / 2), rel=0.12)
    assert variances.own_freedom - parts.own_freedom == pytest.approx(worth, rel=0.12)
    error = (np.log(variances.own) - 2 * np.log(sd)).var()
    assert error < 0.6 * (np.log(parts.own) - 2 * np.log(sd)).var()


def test_equal_variances_are_recognised_as_equal() -> None:
    parts = make_parts(3, 2.0, (60, 20, 3))
    variances = moderated(parts)
    assert (variances.own_freedom - parts.own_freedom > 25).all()
    assert np.log(variances.own).std() < 0.25 < 1.0 < np.log(parts.own).std()
    assert variances.own.mean() == pytest.approx(4.0, rel=0.05)


def test_the_spread_is_taken_larger_than_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = make_parts(4, np.exp(np.random.default_rng(4).normal(0, 0.4, (10, 9))))
    cautious = moderated(parts)
    monkeypatch.setattr(moderation, "CAUTION_ERRORS", 0.0)
    assert moderated(parts).priors.spread < cautious.priors.spread
    assert (moderated(parts).own_freedom > cautious.own_freedom).all()


def test_caution_for_the_shared_parts_lowers_their_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    sd = np.geomspace(0.2, 5, 9)
    parts = replace(make_parts(5), shared=make_parts(5).shared * sd)
    cautious = moderated(parts).priors.shared_freedom
    monkeypatch.setattr(moderation, "SHARED_CAUTION", 0.0)
    assert 0 < cautious < moderated(parts).priors.shared_freedom


@pytest.mark.parametrize("seed", range(5))
def test_a_task_far_noisier_keeps_a_scale_of_its_own(seed: int) -> None:
    factors = np.ones((12, 1))
    factors[3] = 6.0
    variances = moderated(make_parts(seed, factors * np.geomspace(1, 5, 9), (12, 9, 3)))
    scales = variances.priors.scales
    assert 10 < scales[3] < 100 and scales[3] == scales.max()
    assert np.median(scales) == 1.0 and (np.delete(scales, 3) < 4).all()
    assert (variances.priors.scale_errors > 0).tolist() == (scales > 1).tolist()
    others = np.delete(variances.own, 3, axis=0).mean(axis=0)
    assert (variances.own[3] > 4 * others).all()


def test_a_quiet_task_gets_no_scale_and_so_no_small_errors_of_its_own() -> None:
    factors = np.ones((12, 1))
    factors[3] = 0.1
    assert (moderated(make_parts(6, factors, (12, 9, 3))).priors.scales[3] == 1.0).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), cell=st.sampled_from([0.0, 0.5, 1.5]))
def test_own_variances_lie_between_their_own_and_one_prior_of_the_column(seed: int, cell: float) -> None:
    rng = np.random.default_rng(seed)
    parts = make_parts(seed, np.exp(rng.normal(0, cell, (10, 6))) * np.geomspace(1, 9, 6), (10, 6, 3))
    variances = moderated(parts)
    priors = find_priors(parts, variances)
    levels = priors / variances.priors.scales[:, None]
    assert levels == pytest.approx(np.broadcast_to(levels[0], levels.shape))
    low, high = np.minimum(parts.own, priors), np.maximum(parts.own, priors)
    assert ((low * (1 - 1e-9) <= variances.own) & (variances.own <= high * (1 + 1e-9))).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), cell=st.sampled_from([0.0, 0.5, 1.5]))
def test_degrees_of_freedom_are_bounded(seed: int, cell: float) -> None:
    rng = np.random.default_rng(seed)
    parts = make_parts(seed, np.exp(rng.normal(0, cell, (10, 6))), (10, 6, 3))
    variances = moderated(parts)
    total, freedom = variances.combine()
    assert (variances.own_freedom > parts.own_freedom).all() and np.isfinite(variances.own_freedom).all()
    # a level is a mean of k variances, so that no prior is worth more than these
    assert (variances.own_freedom - parts.own_freedom <= 9 * 2).all()
    assert (variances.shared_freedom >= parts.shared_freedom).all()
    assert (freedom <= variances.own_freedom + variances.shared_freedom + 1e-9).all()
    assert (freedom >= np.minimum(variances.own_freedom, variances.shared_freedom) - 1e-9).all()
    assert total == pytest.approx(0.9 * variances.own + variances.shared)


def test_a_prior_is_worth_less_for_the_spread_and_for_the_error_of_its_level() -> None:
    parts = make_parts(7, np.exp(np.random.default_rng(7).normal(0, 0.5, (10, 9))))
    variances = moderated(parts)
    spread, usual = variances.priors.spread, variances.priors.scales == 1
    level_error = polygamma(1, 9 * 2 / 2) + spread / 10  # of the mean of ten variances, estimated on 2 df each
    expected = find_degrees_of_freedom(spread + level_error)
    assert spread > 0.1 and usual.any()
    assert variances.own_freedom[usual] - 2 == pytest.approx(float(expected))


def test_freedom_of_a_sum_is_satterthwaites() -> None:
    assert add_freedom(np.array([1.0]), np.array([4.0]), np.array([1.0]), np.array([4.0])).tolist() == [8.0]
    assert add_freedom(np.array([3.0]), np.array([2.0]), np.array([1.0]), np.array([np.inf])) == pytest.approx(32 / 9)
    assert add_freedom(np.zeros(1), np.ones(1), np.zeros(1), np.ones(1)).tolist() == [np.inf]


@pytest.mark.parametrize("base", [0.4, 1.0, 2.5])
def test_the_baselines_noise_is_estimated_and_not_taken_from_the_tasks(base: float) -> None:
    variances = moderated(make_parts(7, 1.0, (40, 40, 5), base))
    assert variances.priors.shared_ratio == pytest.approx((base**2 + 1 / 40) / (1 + 1 / 40), rel=0.2)
    assert variances.shared.mean() == pytest.approx(base**2 + 1 / 40, rel=0.2)
    assert variances.own.mean() == pytest.approx(1.0, rel=0.05)


def test_one_column_knows_nothing_of_its_baseline_but_its_own_seeds() -> None:
    parts = make_parts(8, shape=(10, 1, 3))
    variances = moderated(parts)
    assert variances.shared == pytest.approx(parts.shared) and variances.shared_freedom.tolist() == [2.0]
    assert (variances.own_freedom > 4).all()


def test_a_variance_of_0_is_in_no_prior_and_is_shrunk_like_the_others() -> None:
    parts = make_parts(9)
    own = parts.own.copy()
    own[2, 4] = 0.0
    without = np.where(own == 0, NAN, own)
    equal, hole = moderated(replace(parts, own=own)), moderated(replace(parts, own=without))
    assert equal.priors.spread == hole.priors.spread and np.array_equal(equal.priors.scales, hole.priors.scales)
    assert 0 < equal.own[2, 4] < equal.own[:, 4].max() and np.isfinite(equal.own_freedom[2, 4])
    others = np.delete(equal.own.ravel(), 2 * 9 + 4)
    assert others == pytest.approx(np.delete(hole.own.ravel(), 2 * 9 + 4))


def test_a_shared_variance_of_0_is_shrunk_too() -> None:
    parts = make_parts(10)
    shared = parts.shared.copy()
    shared[0] = 0.0
    variances = moderated(replace(parts, shared=shared))
    assert 0 < variances.shared[0] < variances.shared[1:].max()


def test_without_six_tasks_or_a_spread_there_is_no_prior() -> None:
    assert moderate(make_parts(11, shape=(5, 9, 3))) is None
    assert moderate(make_parts(11, shape=(6, 9, 3))) is not None
    assert moderate(make_parts(11, shape=(10, 9, 1))) is None
    assert moderate(make_parts(11, 0.0, base=0.0)) is None
    gains = np.random.default_rng(0).normal(size=(7, 3, 3))
    gains[5:, 1] = NAN
    variances = moderate(split_gains(gains, np.ones(7, dtype=np.bool_)))
    assert variances is not None
    assert np.isnan(variances.own).all(axis=0).tolist() == [False, True, False]
    assert np.isnan(variances.combine()[0][:, 1]).all()


def test_a_column_whose_seeds_are_all_equal_has_no_variance() -> None:
    sd = np.ones((8, 4))
    sd[:, 2] = 0.0
    parts = make_parts(12, sd, (8, 4, 3), 0.0)
    assert np.isnan(moderated(parts).own).all(axis=0).tolist() == [False, False, True, False]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999))
def test_variances_follow_scale_and_the_order_of_tasks_and_columns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gains = rng.normal(size=(8, 5, 3)) * np.exp(rng.normal(0, 0.6, (8, 5, 1)))
    reference = np.arange(8) < 7
    before = moderated(split_gains(gains, reference))
    tasks, columns, seeds = (rng.permutation(size) for size in gains.shape)
    after = moderated(split_gains(5 * gains[tasks][:, columns][:, :, seeds] + 3, reference[tasks]))
    assert after.own == pytest.approx(25 * before.own[tasks][:, columns], nan_ok=True)
    assert after.own_freedom == pytest.approx(before.own_freedom[tasks][:, columns], nan_ok=True)
    assert after.shared == pytest.approx(25 * before.shared[columns])
    assert after.shared_freedom == pytest.approx(before.shared_freedom[columns])


def test_columns_that_move_together_count_as_fewer() -> None:
    rng, reference = np.random.default_rng(13), np.ones(12, dtype=np.bool_)
    gains = rng.normal(size=(12, 6, 4))
    run = rng.normal(size=(12, 1, 4))
    apart, together = (count_independent_columns(split_gains(x, reference)) for x in (gains, run + 1e-6 * gains))
    between = count_independent_columns(split_gains(run + gains, reference))
    assert together == pytest.approx(1.0, abs=1e-3) and 4.5 < apart <= 6
    assert together < between < apart
    assert count_independent_columns(split_gains(gains[:, :1], reference)) == 1.0
    assert count_independent_columns(split_gains(gains[..., :2], reference)) == 2.0  # with two seeds a third


def test_a_mean_over_targets_takes_the_priors_of_the_targets() -> None:
    gains = np.random.default_rng(14).normal(size=(10, 9, 3))
    gains[4] *= 8
    reference = np.ones(10, dtype=np.bool_)
    targets = moderated(split_gains(gains, reference))
    parts = split_gains(gains.mean(axis=1)[:, None], reference)
    mean = moderate_mean(parts, targets.priors)
    assert mean is not None and mean.priors is targets.priors
    priors = find_priors(parts, mean)[:, 0]
    assert priors == pytest.approx(priors[0] * targets.priors.scales)
    assert (mean.own_freedom > parts.own_freedom).all()
    assert mean.shared_freedom == pytest.approx(2 + targets.priors.shared_freedom)
    assert moderate_mean(split_gains(gains[:5, :1], reference[:5]), targets.priors) is None
