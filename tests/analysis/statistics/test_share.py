"""Wilson's interval: hand-worked cases, its ends, and the share of repetitions in which it holds the truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.interval import compute_wilson_interval

Z = 1.959963984540054


def test_the_interval_worked_by_hand() -> None:
    # Its ends are the shares p that lie z standard errors from 3 / 54: |3 / 54 - p| = z sqrt(p (1 - p) / 54).
    for end in compute_wilson_interval(3, 54):
        assert abs(3 / 54 - end) == pytest.approx(Z * math.sqrt(end * (1 - end) / 54))
    assert compute_wilson_interval(3, 54) == pytest.approx((0.0191, 0.1511), abs=1e-4)
    assert compute_wilson_interval(5, 540) == pytest.approx((0.0040, 0.0215), abs=1e-4)


@given(total=st.integers(1, 500), data=st.data())
def test_it_holds_the_share_and_is_symmetric(total: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, total))
    low, high = compute_wilson_interval(count, total)
    assert 0 <= low <= count / total <= high <= 1 and high > low
    assert compute_wilson_interval(total - count, total) == pytest.approx((1 - high, 1 - low))
    assert (low == 0) == (count == 0) and (high == 1) == (count == total)


@pytest.mark.parametrize(("share", "total"), [(0.02, 54), (0.05, 54), (0.02, 540), (0.3, 25)])
def test_it_holds_the_truth_as_often_as_it_says(share: float, total: int) -> None:
    counts, repetitions = np.unique(np.random.default_rng(0).binomial(total, share, 4000), return_counts=True)
    ends = [compute_wilson_interval(int(count), total) for count in counts]
    held = sum(times for (low, high), times in zip(ends, repetitions, strict=True) if low <= share <= high)
    assert 0.91 < held / 4000 < 0.99


@pytest.mark.parametrize(("count", "total"), [(0, 0), (3, 2), (-1, 5)])
def test_a_share_takes_trials(count: int, total: int) -> None:
    with pytest.raises(ValueError, match="a share takes at least one trial"):
        compute_wilson_interval(count, total)
