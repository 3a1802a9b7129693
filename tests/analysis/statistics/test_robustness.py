import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.statistics.robustness import measure_robustness

NAN = np.nan
TABLES = hnp.arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(2, 9)), elements=st.integers(0, 100))


def test_robustness_worked_by_hand() -> None:
    robustness = measure_robustness([[70.0, 90.0, 80.0, 60.0, NAN], [10.0, 50.0, 40.0, 30.0, 20.0]], english_index=1)
    assert robustness.language_count.tolist() == [4, 5]
    assert robustness.gap == pytest.approx([90 - 70, 50 - 25])
    assert robustness.worst == pytest.approx([60.0, 10.0])
    assert robustness.worst_language.tolist() == [3, 0]
    assert robustness.worst_quarter == pytest.approx([60.0, (10 + 20) / 2])  # 1 of 4 languages, 2 of 5
    assert robustness.sd == pytest.approx([(500 / 3) ** 0.5, 250.0**0.5])


def test_what_cannot_be_told_is_nan() -> None:
    robustness = measure_robustness([[NAN, NAN], [5.0, NAN], [NAN, 7.0]], english_index=0)
    assert np.isnan(robustness.gap).all()
    assert robustness.worst == pytest.approx([NAN, 5.0, 7.0], nan_ok=True)
    assert robustness.worst_language.tolist() == [-1, 0, 1]
    assert robustness.worst_quarter == pytest.approx([NAN, 5.0, 7.0], nan_ok=True)
    assert np.isnan(robustness.sd).all()
    assert robustness.language_count.tolist() == [0, 1, 1]
    assert np.isnan(measure_robustness([1.0, 2.0], english_index=None).gap)


@given(values=TABLES, shift=st.integers(-9, 9), scale=st.integers(1, 9), seed=st.integers(0, 9))
def test_it_follows_shift_and_scale_and_the_order_of_languages(
    values: np.ndarray, shift: int, scale: int, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(values.shape[1])
    before = measure_robustness(values, 0)
    moved = measure_robustness((values * scale + shift)[:, order], int(np.argmax(order == 0)))
    assert np.allclose(moved.gap, before.gap * scale)
    assert np.allclose(moved.sd, before.sd * scale)
    assert np.allclose(moved.worst, before.worst * scale + shift)
    assert np.allclose(moved.worst_quarter, before.worst_quarter * scale + shift)
    assert (before.worst <= before.worst_quarter).all()
    assert (before.worst_quarter <= values.mean(axis=1) + 1e-9).all()
