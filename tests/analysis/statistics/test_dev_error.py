"""Variances of dev scores, worked by hand, and how often a run at chance is called learnt."""

import math

import numpy as np
import pytest

from analysis.statistics.dev_error import bound_variance, combine_variances, compute_seed_variance, is_above

EXAMPLES, TENTHS = 100, 10


def test_variances_worked_by_hand() -> None:
    assert bound_variance(0.5, 100) == 0.0025  # 5 points
    assert bound_variance(0.9, 900) == pytest.approx(0.0001)
    assert bound_variance(1.0, 10) == bound_variance(0.0, 10) == 0
    assert combine_variances([0.0025, 0.0011]) == pytest.approx(0.0036 / 4)
    assert compute_seed_variance([0.5, 0.7]) == pytest.approx(0.02 / 2)
    assert compute_seed_variance([0.5, 0.5, 0.5]) == compute_seed_variance([0.5]) == 0


def test_no_score_between_0_and_1_varies_more_than_right_or_wrong_answers() -> None:
    rng = np.random.default_rng(0)
    for values in (rng.random(1000), rng.beta(0.2, 0.3, 1000), rng.integers(0, 2, 1000)):
        assert values.var() <= bound_variance(float(values.mean()), 1) + 1e-12


def test_more_than_two_and_a_half_standard_errors_are_enough() -> None:
    assert not is_above(5.0, 2.0) and is_above(5.01, 2.0)
    assert not is_above(0.0, 0.0) and is_above(1.0, 0.0)


def share_called_learnt(seeds: int, above: float, worlds: int = 400) -> float:
    """Of runs that are so far above a third on average, and keep the best of ten tenths; tests/bench/learnt.py."""
    rng = np.random.default_rng([seeds, round(100 * above)])
    trivial = rng.binomial(EXAMPLES, 1 / 3, worlds) / EXAMPLES
    scores = (rng.binomial(EXAMPLES, 1 / 3 + above, (worlds, seeds, TENTHS)) / EXAMPLES).max(axis=2)
    found = 0
    for base, values in zip(trivial.tolist(), scores.tolist(), strict=True):
        mean = sum(values) / seeds
        variance = bound_variance(mean, EXAMPLES) + bound_variance(base, EXAMPLES) + compute_seed_variance(values)
        found += is_above(mean - base, math.sqrt(variance))
    return found / worlds


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_runs_at_chance_are_seldom_called_learnt_although_the_best_tenth_counts(seeds: int) -> None:
    assert share_called_learnt(seeds, 0.0) <= 0.07


def test_runs_well_above_chance_are_called_learnt() -> None:
    assert share_called_learnt(3, 0.25) >= 0.95
