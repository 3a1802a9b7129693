"""Gains over seeds, split into what is a task's own and what all tasks share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics.decomposition import GainParts, split_gains
from analysis.statistics.moments import Array

NAN = np.nan
HAND = np.array([[1.0, 2.0, 6.0], [3.0, 2.0, 4.0], [2.0, 2.0, 2.0]])  # tasks x seeds


def make_gains(seed: int, tasks: int = 7, columns: int = 3, seeds: int = 4, holes: float = 0.0) -> Array:
    rng = np.random.default_rng(seed)
    gains = rng.normal(rng.normal(size=(tasks, columns, 1)), 1, (tasks, columns, seeds))
    gains[rng.random(gains.shape) < holes] = NAN
    return gains


def split(gains: Array) -> GainParts:
    return split_gains(gains, np.ones(len(gains), dtype=np.bool_))


def fit_least_squares(column: Array) -> tuple[Array, Array]:
    """Return residuals [tasks, seeds] and each task's sum of 1 - leverage, by effects of tasks and seeds."""
    tasks, seeds = np.nonzero(np.isfinite(column))
    design = np.hstack([tasks[:, None] == np.arange(len(column)), seeds[:, None] == np.arange(column.shape[1])])
    hat = design @ np.linalg.pinv(design.astype(np.float64))
    residuals, spare = np.zeros(column.shape), np.zeros(len(column))
    residuals[tasks, seeds] = column[tasks, seeds] - hat @ column[tasks, seeds]
    np.add.at(spare, tasks, 1 - np.diag(hat))
    return residuals, spare


def test_parts_worked_by_hand() -> None:
    parts = split(HAND[:, None])
    # seeds' means 2, 2, 4; tasks' means 3, 3, 2; mean 8 / 3
    deviations = HAND - HAND.mean(axis=1, keepdims=True) - HAND.mean(axis=0) + HAND.mean()
    assert parts.deviations[:, 0] == pytest.approx(deviations)
    assert parts.own[:, 0] == pytest.approx((deviations**2).sum(axis=1) / (2 * (1 - 1 / 3)))
    assert parts.own_freedom.tolist() == [[2.0]] * 3 and parts.shared_freedom.tolist() == [2.0]
    assert parts.shared == pytest.approx([np.var([2.0, 2.0, 4.0], ddof=1)])
    assert parts.task_counts.tolist() == [3]


@pytest.mark.parametrize("seed", range(5))
def test_without_holes_the_parts_are_those_of_the_two_way_table(seed: int) -> None:
    gains = make_gains(seed)
    parts, own = split(gains), gains - gains.mean(axis=0)
    assert parts.own == pytest.approx(own.var(axis=-1, ddof=1) / (1 - 1 / len(gains)))
    assert parts.shared == pytest.approx(gains.mean(axis=0).var(axis=-1, ddof=1))


@pytest.mark.parametrize("seed", range(8))
def test_with_holes_the_own_parts_are_the_residuals_of_least_squares(seed: int) -> None:
    gains = make_gains(seed, seeds=5, holes=0.15)
    parts = split(gains)
    for t in range(gains.shape[1]):
        column = np.where(np.isfinite(gains[:, t]).sum(axis=1, keepdims=True) > 1, gains[:, t], NAN)
        residuals, spare = fit_least_squares(column)
        assert parts.deviations[:, t] == pytest.approx(residuals, abs=1e-9)
        known = np.isfinite(parts.own[:, t])
        assert (known == (np.isfinite(column).sum(axis=1) > 1)).all()
        exact = (residuals**2).sum(axis=1)[known] / spare[known]
        assert parts.own[known, t] == pytest.approx(exact, rel=0.05)  # its denominator is a formula, not a hat matrix


def test_holes_leave_the_variances_unbiased() -> None:
    parts = split(make_gains(1, tasks=7, columns=3_000, seeds=4, holes=0.1))
    assert np.nanmean(parts.own) == pytest.approx(1.0, abs=0.02)
    assert np.nanmean(parts.shared) == pytest.approx(1 / (7 * 0.9), rel=0.1)


@settings(max_examples=25)
@given(seed=st.integers(0, 99), holes=st.sampled_from([0.0, 0.1]))
def test_what_moves_all_tasks_at_a_seed_is_in_the_shared_part_alone(seed: int, holes: float) -> None:
    gains = make_gains(seed, holes=holes)
    moved = split(gains + 9 * np.random.default_rng(seed).normal(size=gains.shape[1:]))
    assert moved.own == pytest.approx(split(gains).own, nan_ok=True)
    assert (moved.shared > split(gains).shared).mean() > 0.5


@settings(max_examples=25)
@given(seed=st.integers(0, 99), holes=st.sampled_from([0.0, 0.1]))
def test_parts_follow_scale_and_order_and_not_the_means(seed: int, holes: float) -> None:
    gains, rng = make_gains(seed, holes=holes), np.random.default_rng(seed)
    parts, effects = split(gains), 50 * rng.normal(size=(*gains.shape[:2], 1))
    tasks, columns, seeds = (rng.permutation(size) for size in gains.shape)
    other = split(3 * (gains + effects)[tasks][:, columns][:, :, seeds])
    assert other.own == pytest.approx(9 * parts.own[tasks][:, columns], nan_ok=True)
    assert other.shared == pytest.approx(9 * parts.shared[columns])
    assert other.deviations == pytest.approx(3 * parts.deviations[tasks][:, columns][:, :, seeds], abs=1e-9)
    assert np.array_equal(other.own_freedom, parts.own_freedom[tasks][:, columns], equal_nan=True)


def test_controls_and_tasks_of_one_seed_take_no_part() -> None:
    gains = make_gains(2, tasks=6)
    lone = np.where(np.arange(4) == 1, 99.0, NAN) * np.ones((1, 3, 4))
    more = np.concatenate([gains, 1e3 * make_gains(3, tasks=1), lone])
    parts, alone = split_gains(more, np.arange(8) != 6), split(gains)
    assert parts.own[:6] == pytest.approx(alone.own) and parts.shared == pytest.approx(alone.shared)
    assert np.isnan(parts.own[6:]).all() and np.isnan(parts.own_freedom[6:]).all()
    assert (parts.deviations[6:] == 0).all() and (parts.task_counts == 6).all()


def test_extra_seeds_of_few_tasks_are_not_in_the_shared_part() -> None:
    gains = make_gains(4, tasks=6, seeds=6)
    gains[2:, :, 3:] = NAN
    parts = split(gains)
    assert (parts.shared_freedom == 2).all()
    assert parts.own_freedom[:, 0].tolist() == [5.0, 5.0, 2.0, 2.0, 2.0, 2.0]


def test_one_task_or_one_seed_has_no_own_variance() -> None:
    assert np.isnan(split(make_gains(5, tasks=1)).own).all()
    alone = split(make_gains(5, seeds=1))
    assert np.isnan(alone.own).all() and np.isnan(alone.shared).all()


def test_equal_seeds_are_a_variance_of_0_and_no_rounding_error() -> None:
    gains = np.full((6, 1, 3), 0.1) * np.arange(6)[:, None, None] + np.array([0.1, 0.2, 0.3])
    assert (split(gains).own == 0).all()
