import numpy as np
import pytest

from analysis.statistics.ranks import fuse_ranks


def test_by_hand() -> None:
    fused = fuse_ranks([[3.0, 2.0, 1.0], [1.0, 3.0, 2.0]])
    assert fused == pytest.approx([1 / 61 + 1 / 63, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62])


def test_equals_share_their_rank() -> None:
    assert fuse_ranks([[1.0, 1.0, 0.0]]) == pytest.approx([1 / 61.5, 1 / 61.5, 1 / 63])


def test_a_component_with_a_hole_says_nothing_of_that_order() -> None:
    whole, partial = [3.0, 2.0, 1.0], [1.0, np.nan, 2.0]
    assert fuse_ranks([whole, partial]) == pytest.approx(fuse_ranks([whole]))
    both = fuse_ranks([[whole, [3.0, 2.0, np.nan]], [partial, [1.0, 2.0, np.nan]]])
    assert both[0] == pytest.approx(fuse_ranks([whole]))
    assert both[1, :2] == pytest.approx([1 / 61 + 1 / 62] * 2) and np.isnan(both[1, 2])  # a candidate that nothing has


def test_nothing_to_fuse() -> None:
    assert np.isnan(fuse_ranks([[np.nan, np.nan]])).all()
    assert np.isnan(fuse_ranks([[1.0, np.nan], [np.nan, 1.0]])).all()
