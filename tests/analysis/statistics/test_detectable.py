"""What a sweep could have found depends on its errors and never on its estimates."""

import math

import numpy as np
import pytest

from analysis.statistics.detectable import find_detectable_correlation, find_detectable_effect, find_detectable_mean
from analysis.statistics.effects import Effect
from spaces.detectable_effect import detectable_in_spreads


def test_a_mean_counts_by_its_spread_over_seeds() -> None:
    values = [1.0, 2.0, 4.0, np.nan]
    spread = float(np.std(values[:3], ddof=1))
    assert find_detectable_mean(values) == pytest.approx(spread * detectable_in_spreads(3))
    assert find_detectable_mean([each + 50 for each in values]) == pytest.approx(find_detectable_mean(values))
    assert find_detectable_mean(values, tests=4) == pytest.approx(spread * detectable_in_spreads(3, 4))
    assert find_detectable_mean([1.0, 2.0, np.nan]) is None


def test_an_effect_without_an_error_could_find_nothing_known() -> None:
    def effect(error: float, freedom: float) -> Effect:
        return Effect(value=3.0, standard_error=error, degrees_of_freedom=freedom, rows=9, seeds=3)

    one, two = find_detectable_effect(effect(1.0, 6.0)), find_detectable_effect(effect(2.0, 6.0))
    assert one is not None and two == pytest.approx(2 * one)
    assert find_detectable_effect(effect(np.nan, np.nan)) is None and find_detectable_effect(None) is None


def test_a_correlation_must_leave_the_permuted_ones() -> None:
    rng = np.random.default_rng(0)
    null = rng.normal(scale=0.2, size=10_000)
    found = find_detectable_correlation(null)
    assert found == pytest.approx(0.2 * (1.96 + 0.84), abs=0.01)
    assert found is not None and found < (find_detectable_correlation(null, tests=5) or 0)
    assert find_detectable_correlation(3 * null, tests=10) == math.inf  # more than 1
    assert find_detectable_correlation(null[:6]) == math.inf  # one permutation of six is more than 5 %
    assert find_detectable_correlation(np.zeros(0)) is None
