import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.statistics.moments import centre_values, compute_moments

NAN = np.nan
TABLES = hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=5), elements=st.integers(-100, 100))


def test_moments_worked_by_hand() -> None:
    moments = compute_moments([[1.0, 2.0, 6.0], [1.0, NAN, 3.0], [NAN, 4.0, NAN], [NAN, NAN, NAN]])
    assert moments.mean == pytest.approx([3.0, 2.0, 4.0, NAN], nan_ok=True)
    assert moments.sd == pytest.approx([7.0**0.5, 2.0**0.5, NAN, NAN], nan_ok=True)
    assert moments.count.tolist() == [3, 2, 1, 0]


@given(values=TABLES)
def test_moments_are_those_of_numpy_where_nothing_is_missing(values: np.ndarray) -> None:
    moments = compute_moments(values)
    assert np.allclose(moments.mean, values.mean(axis=-1))
    if values.shape[-1] > 1:
        assert np.allclose(moments.sd, values.std(axis=-1, ddof=1))


@given(values=TABLES)
def test_a_hole_is_as_if_the_seed_were_not_there(values: np.ndarray) -> None:
    hole = np.full((*values.shape[:-1], 1), NAN)
    with_hole, without = compute_moments(np.concatenate([values, hole], axis=-1)), compute_moments(values)
    for one, other in ((with_hole.mean, without.mean), (with_hole.sd, without.sd), (with_hole.count, without.count)):
        assert np.allclose(one, other, equal_nan=True)


def test_what_rounding_leaves_of_equal_scores_is_no_spread() -> None:
    assert compute_moments([0.1 + 0.2, 0.3, 0.3]).sd == 0
    assert not centre_values([0.1 + 0.2, 0.3, NAN])[1].any()
