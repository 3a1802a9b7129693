"""Minimal detectable effects: the power that they promise is the power that tests have."""

import math

import numpy as np
import pytest
from scipy.stats import nct
from scipy.stats import t as student

from spaces.detectable_effect import (
    ALPHA,
    POWER,
    detectable_from_interval,
    detectable_in_spreads,
    find_critical_value,
    find_noncentrality,
)

FREEDOMS = [1, 2, 4, 9, 30, 300, 1e7, math.inf]


@pytest.mark.parametrize("freedom", FREEDOMS)
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 99])
def test_critical_value_and_power_are_those_of_student(freedom: float, alpha: float) -> None:
    finite = min(freedom, 1e9)
    assert find_critical_value(freedom, alpha) == pytest.approx(student.isf(alpha / 2, finite), rel=1e-6)
    if freedom < 1e6:  # beyond it scipy's own integral fails
        power = nct.sf(student.isf(alpha / 2, freedom), freedom, find_noncentrality(freedom, alpha))
        assert power == pytest.approx(POWER, abs=0.003)


@pytest.mark.parametrize(("seeds", "tests"), [(3, 1), (3, 12), (5, 1), (5, 99), (10, 4)])
def test_at_the_stated_effect_four_of_five_sweeps_find_it(seeds: int, tests: int) -> None:
    """Simulated: the effect passes the first step of Holm's method, whatever the other tests are."""
    rng = np.random.default_rng(0)
    values = detectable_in_spreads(seeds, tests) + rng.normal(size=(40_000, seeds))
    t = values.mean(axis=1) / values.std(axis=1, ddof=1) * math.sqrt(seeds)
    assert (2 * student.sf(t, seeds - 1) < ALPHA / tests).mean() == pytest.approx(POWER, abs=0.01)


def test_more_seeds_find_less_and_more_tests_find_less_often() -> None:
    assert detectable_in_spreads(3) > detectable_in_spreads(5) > detectable_in_spreads(10)
    assert detectable_in_spreads(5, 99) > detectable_in_spreads(5, 2) > detectable_in_spreads(5)
    assert math.isinf(detectable_in_spreads(2))


def test_an_interval_gives_the_effect_by_its_width_alone() -> None:
    half = student.isf(0.025, 4)  # a standard error of 1
    for centre in (0.0, 7.0):
        found = detectable_from_interval(centre - half, centre + half, 4)
        assert found == pytest.approx(find_noncentrality(4))
    assert detectable_from_interval(-2 * half, 2 * half, 4) == pytest.approx(2 * find_noncentrality(4))
    assert detectable_from_interval(1.0, 1.0, 4) == 0


@pytest.mark.parametrize("arguments", [(0, 0.05, 0.8), (3, 0.0, 0.8), (3, 0.9, 0.8), (3, 0.05, 1.0)])
def test_numbers_without_a_test_are_refused(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="needs freedom > 0 and 0 < alpha < power < 1, got"):
        find_noncentrality(*arguments)
