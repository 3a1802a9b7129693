import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from analysis.statistics.interval import quantile, student


@given(freedom=st.integers(1, 200), level=st.floats(0.5, 0.999))
def test_quantiles_are_those_of_scipy(freedom: int, level: float) -> None:
    assert quantile(freedom, level) == pytest.approx(stdtrit(freedom, (1 + level) / 2), rel=1e-9)


def test_an_interval_worked_by_hand() -> None:
    # mean 2, standard deviation 1, t(2) = 4.303: half the width is 4.303 / sqrt(3) = 2.484
    assert student([1.0, 2.0, 3.0]) == pytest.approx((-0.484, 4.484), abs=1e-3)


def test_no_interval_with_fewer_than_three_seeds() -> None:
    assert student([1.0, 2.0]) is None
    assert student([]) is None
