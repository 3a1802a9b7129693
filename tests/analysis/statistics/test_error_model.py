"""What an error model says beside errors of gains: contrasts, errors for ranks, gains for choosing; further seeds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics.gain_errors import fit_error_model
from analysis.statistics.interval import compute_intervals
from analysis.statistics.moments import Array
from tests.analysis.statistics.gain_tables import NAN, fit, make_gains, no_scores


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999))
def test_contrasts_are_the_same_both_ways_and_forget_the_baseline(seed: int) -> None:
    gains = make_gains(seed)
    first, second = np.triu_indices(len(gains), 1)
    mean = gains.mean(axis=1)
    p = fit(gains).compute_contrast_p(mean, first, second)
    assert ((p > 0) & (p <= 1)).all()
    assert fit(gains).compute_contrast_p(mean, second, first) == pytest.approx(p)
    assert fit(gains).compute_contrast_p(-mean, first, second) == pytest.approx(p)
    baseline = np.random.default_rng(seed).normal(size=(1, *gains.shape[1:]))
    moved = fit(gains).compute_contrast_p(mean + 9 * baseline.mean(axis=1), first, second)
    assert moved == pytest.approx(p)
    assert fit(gains).compute_contrast_p(mean, first, first) == pytest.approx(1.0)
    assert (fit(gains).compute_contrast_p(mean, first, second, 4.0) >= np.minimum(p, 0.99)).mean() > 0.9


def test_contrasts_take_three_common_seeds() -> None:
    gains = make_gains(6, seeds=4)
    gains[0, :, :2] = NAN
    p = fit(gains).compute_contrast_p(gains.mean(axis=1), np.array([0, 1]), np.array([1, 2]))
    assert np.isnan(p).tolist() == [True, False]


def test_own_errors_leave_out_what_all_tasks_share() -> None:
    gains = make_gains(16, tasks=9)
    model = fit(gains, controls=1)
    own = model.estimate_own_errors(gains)
    moved = gains + 30 * np.random.default_rng(0).normal(size=(1, *gains.shape[1:]))
    other = fit(moved, controls=1).estimate_own_errors(moved)
    assert own is not None and other is not None
    assert other[0] == pytest.approx(own[0]) and np.isfinite(own[0]).all()
    assert (own[1][:8] > 2).all() and (own[1][8] == 2).all()  # the control's is plain
    assert (own[0][:8] < model.estimate_columns(gains, no_scores(gains)).variance[:8]).mean() > 0.8


def test_gains_are_shrunk_among_references_only() -> None:
    gains = make_gains(17, tasks=9)
    gains[:8, :] += 4 * np.arange(8)[:, None, None]
    gains[8] += 500
    shrunken = fit(gains, controls=1).shrink(gains)
    assert shrunken is not None
    by_task = shrunken.average([0, 1, 2, 3])
    assert by_task[8] == pytest.approx(shrunken.offset.mean())
    assert (np.diff(by_task[:8]) > 0).all() and (by_task[:8] < 50).all()
    assert shrunken.offset == pytest.approx(gains[:8].mean(axis=(0, 2)))


def make_scores(seed: int, common: float, seeds: int = 6) -> tuple[Array, Array]:
    """Return scores [tasks, columns, seeds] and the baseline's; `common` is what all chains share at a seed."""
    rng = np.random.default_rng(seed)
    own, shared = rng.normal(size=(13, 5, seeds)), rng.normal(size=(1, 5, seeds))
    scores = np.sqrt(1 - common) * own + np.sqrt(common) * shared
    return scores[1:], scores[0]


def test_further_seeds_of_the_baseline_narrow_every_gain_and_nothing_else() -> None:
    scores, baseline = make_scores(1, 0.0)
    paired = np.where(np.arange(6) < 3, baseline, NAN)
    gains = np.where(np.arange(6) < 3, scores - baseline, NAN)
    reference = np.ones(12, dtype=np.bool_)
    models = [fit_error_model(gains, base, reference, "moderated") for base in (paired, baseline)]
    few, more = (model.estimate_columns(gains, base) for model, base in zip(models, (paired, baseline), strict=True))
    assert (more.variance < few.variance).all() and (more.counts == 3).all()
    shift = more.mean - few.mean
    assert shift == pytest.approx(np.broadcast_to(shift[0], shift.shape))  # one baseline for all
    plain = fit_error_model(gains, baseline, reference, "plain").estimate_columns(gains, baseline)
    assert plain.compute_intervals() == pytest.approx(compute_intervals(gains))


def test_further_seeds_bring_gains_nearer_to_the_truth_unless_pairing_does() -> None:
    squares = {}
    for common in (0.0, 0.9):
        errors = []
        for seed in range(120):
            scores, baseline = make_scores(seed, common)
            gains = np.where(np.arange(6) < 3, scores - baseline, NAN)
            model = fit_error_model(gains, baseline, np.ones(12, dtype=np.bool_), "moderated")
            means = [model.estimate_columns(gains, base).mean for base in (np.full((5, 6), NAN), baseline)]
            errors.append([(mean**2).mean() for mean in means])
        squares[common] = np.mean(errors, axis=0)
    assert squares[0.0][1] < 0.85 * squares[0.0][0]
    assert squares[0.9][1] < 1.05 * squares[0.9][0]
