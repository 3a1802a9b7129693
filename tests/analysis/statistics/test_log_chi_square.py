import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import polygamma

from analysis.statistics.log_chi_square import (
    compute_log_bias,
    compute_log_kurtosis,
    compute_log_variance,
    find_degrees_of_freedom,
)

FREEDOMS = (1.0, 2.0, 3.5, 9.0, 200.0)


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_moments_are_those_of_scipys_logarithm_of_a_gamma_variable(freedom: float) -> None:
    # chi-square_d / d is 2 / d times a gamma variable of shape d / 2
    mean, variance, kurtosis = stats.loggamma.stats(freedom / 2, moments="mvk")
    assert compute_log_bias(freedom) == pytest.approx(mean + np.log(2 / freedom))
    assert compute_log_variance(freedom) == pytest.approx(variance)
    assert compute_log_kurtosis(freedom) == pytest.approx(kurtosis)


def test_a_logarithm_is_too_low_on_average_and_less_so_with_more_seeds() -> None:
    bias = compute_log_bias(FREEDOMS)
    assert (bias < 0).all() and (np.diff(bias) > 0).all()
    estimates = np.random.default_rng(0).normal(size=(20_000, 4)).var(axis=1, ddof=1)
    assert np.log(estimates).mean() == pytest.approx(float(compute_log_bias(3)), abs=0.02)


@given(freedom=st.floats(1e-3, 1e7))
def test_degrees_of_freedom_are_found_from_their_log_variance(freedom: float) -> None:
    assert find_degrees_of_freedom(polygamma(1, freedom / 2)) == pytest.approx(freedom, rel=1e-6)


@given(log_variance=st.floats(1e-7, 1e6))
def test_the_found_degrees_of_freedom_have_the_log_variance(log_variance: float) -> None:
    assert compute_log_variance(find_degrees_of_freedom(log_variance)) == pytest.approx(log_variance, rel=1e-9)


def test_no_variance_is_infinite_degrees_of_freedom_and_shapes_are_kept() -> None:
    found = find_degrees_of_freedom([[0.0, np.pi**2 / 6], [np.pi**2 / 2, 0.0]])
    assert found == pytest.approx(np.array([[np.inf, 2.0], [1.0, np.inf]]))  # trigamma(1) and trigamma(1 / 2)
    assert compute_log_variance(np.ones((2, 0, 3))).shape == (2, 0, 3)
