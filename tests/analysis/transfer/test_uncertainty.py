"""From a sweep's gains to their errors, to the numbers that tasks are chosen by, and to draws."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.statistics.interval import compute_intervals
from analysis.statistics.moments import Array
from analysis.statistics.significance import compute_p_values
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, build_columns, compute_column
from analysis.transfer.item_level import ItemLevel
from analysis.transfer.uncertainty import Uncertainty, build_uncertainty
from spaces.errors import UsageError
from tests.analysis.sweep_files import Run, read_transfer, write_sweep

TASKS = ("mnli", "qqp", "squad", "ccg", "csqa", "anli", "squad2", "random")
TARGETS = ("xnli", "panx", "udpos")
LIFT = {"mnli": 3.0, "squad": -2.0}  # points


def sweep(folder: Path, tasks: tuple[str, ...] = TASKS, seeds: int = 3, **spec: Any) -> Path:
    """Write a sweep in which the targets differ in noise and two tasks move all of them."""
    rng = np.random.default_rng(0)
    runs = [
        Run(
            intermediate=task,
            seed=seed,
            test={target: {"en": 0.5 + (LIFT.get(task, 0.0) + noise * rng.normal()) / 100}},
        )
        for task in ("none", *tasks)
        for target, noise in zip(TARGETS, (0.3, 1.0, 2.0), strict=True)
        for seed in range(seeds)
    ]
    return write_sweep(folder, runs, **{"controls": ["random"] if "random" in tasks else [], **spec})


@pytest.fixture(scope="module")
def three_seeds(tmp_path_factory: pytest.TempPathFactory) -> Transfer:
    return read_transfer(sweep(tmp_path_factory.mktemp("three")))


def build(transfer: Transfer, kind: Any = None, item_covariance: Array | None = None) -> tuple[Uncertainty, Any]:
    columns = build_columns(transfer)
    covariance = None if item_covariance is None else np.stack([item_covariance] * len(columns))
    level = ItemLevel(covariance=covariance)
    return build_uncertainty(transfer, level, columns, kind, np.random.default_rng(0), 500), columns


def values_of(transfer: Transfer, columns: tuple[TransferColumn, ...]) -> Array:
    return np.stack([compute_column(transfer, column, transfer.gains).values for column in columns], axis=1)


def test_plain_errors_are_students_in_every_column(three_seeds: Transfer) -> None:
    uncertainty, columns = build(three_seeds, "plain")
    values = values_of(three_seeds, columns)
    errors = uncertainty.estimate(values, columns)
    assert uncertainty.kind == "plain" and uncertainty.shrunken is None
    assert errors.compute_intervals() == pytest.approx(compute_intervals(values))
    assert errors.compute_p_values() == pytest.approx(compute_p_values(values))
    assert errors.counts.tolist() == [[3] * 4] * 8


def test_errors_are_moderated_where_that_is_possible(three_seeds: Transfer) -> None:
    uncertainty, columns = build(three_seeds)
    values = values_of(three_seeds, columns)
    errors = uncertainty.estimate(values, columns)
    assert uncertainty.kind == "moderated"
    assert uncertainty.is_reference.tolist() == [True] * 7 + [False]  # the control
    assert (errors.freedom[:7] > 2).all() and errors.freedom[7] == pytest.approx(2.0)
    order = [3, 1, 0, 2]  # each column keeps its errors, wherever the mean stands
    moved = uncertainty.estimate(values[:, order], [columns[j] for j in order])
    assert moved.variance == pytest.approx(errors.variance[:, order])


def test_too_few_tasks_are_plain_unless_moderated_errors_are_asked_for(tmp_path: Path) -> None:
    few = read_transfer(sweep(tmp_path, TASKS[:5]))
    assert build(few)[0].kind == "plain"
    with pytest.raises(UsageError, match=r"Moderated errors take 6 intermediate tasks.*Leave out --errors"):
        build(few, "moderated")
    few = read_transfer(sweep(tmp_path, (*TASKS[:5], "random"), name="controlled"))
    with pytest.raises(UsageError, match="controls not counted"):
        build(few, "moderated")


def test_two_seeds_are_moderated_and_one_is_not(tmp_path: Path) -> None:
    uncertainty, columns = build(read_transfer(sweep(tmp_path, seeds=2, name="two")))
    errors = uncertainty.estimate(uncertainty.gains, columns[:3])
    assert uncertainty.kind == "moderated"
    assert np.isfinite(errors.compute_intervals()[:7]).all() and np.isnan(errors.compute_p_values()).all()
    assert build(read_transfer(sweep(tmp_path, seeds=1, name="one")))[0].kind == "plain"


def test_items_add_to_the_errors_of_gains_and_contrasts(three_seeds: Transfer) -> None:
    items = np.full((8, 8), 0.5) + 0.5 * np.eye(8)
    (bare, columns), (level, _) = build(three_seeds), build(three_seeds, item_covariance=items)
    values = values_of(three_seeds, columns)
    without, both = bare.estimate(values, columns), level.estimate(values, columns)
    assert both.variance == pytest.approx(without.variance + 1.0)
    assert (both.compute_p_values() >= without.compute_p_values()).mean() > 0.8
    pairs = np.array([0, 1]), np.array([2, 7])
    contrast, wider = (x.compute_contrast_p(values[:, 0], columns[0], *pairs) for x in (bare, level))
    expected = bare.model.compute_contrast_p(values[:, 0], *pairs, item_variance=np.ones(2))  # 1 + 1 - 2 x 0.5
    assert wider == pytest.approx(expected) and (wider > contrast).all()


def test_tasks_are_chosen_by_shrunken_gains_and_controls_by_their_means(three_seeds: Transfer) -> None:
    uncertainty, columns = build(three_seeds)
    assert uncertainty.shrunken is not None
    mean = columns[-1]
    criterion, plain = uncertainty.choose_by(mean), uncertainty.gains.mean(axis=(1, 2))
    assert criterion[:7] == pytest.approx(uncertainty.shrunken.average([0, 1, 2])[:7])
    assert criterion[7] == pytest.approx(plain[7])
    assert criterion[:7].argmax() == 0 and criterion[:7].argmin() == 2
    assert criterion[:7] != pytest.approx(plain[:7])
    assert build(three_seeds, "plain")[0].choose_by(mean) == pytest.approx(plain)


def test_a_choice_by_some_seeds_does_not_see_the_others(tmp_path: Path) -> None:
    uncertainty, columns = build(read_transfer(sweep(tmp_path, seeds=4)))
    seeds = np.array([True, True, False, True])
    before = uncertainty.restrict(seeds).choose_by(columns[-1])
    uncertainty.gains[..., 2] += 100 * np.arange(8)[:, None]
    assert uncertainty.restrict(seeds).choose_by(columns[-1]) == pytest.approx(before)
    assert uncertainty.restrict(~seeds | seeds).choose_by(columns[-1]) != pytest.approx(before)


def test_a_task_without_a_target_is_not_chosen_for_the_mean(three_seeds: Transfer) -> None:
    uncertainty, columns = build(three_seeds)
    uncertainty.gains[1, 0] = np.nan
    criterion = uncertainty.choose_by(columns[-1])
    assert np.isnan(criterion).tolist() == [False, True] + [False] * 6
    assert np.isfinite(uncertainty.choose_by(columns[1])).all()


@pytest.mark.parametrize("kind", ["plain", "moderated"])
def test_draws_are_of_candidates_and_of_all_ranks(three_seeds: Transfer, kind: str) -> None:
    uncertainty, columns = build(three_seeds, kind)
    candidates = np.arange(8) < 6
    draws = np.concatenate([*uncertainty.draw_for_best(columns[-1], candidates)])
    assert draws.shape == (500, 8) and np.isnan(draws).any(axis=0).tolist() == [False] * 6 + [True] * 2
    assert np.median(draws[:, :6], axis=0) == pytest.approx(uncertainty.choose_by(columns[-1])[:6], abs=0.15)
    ranks = np.concatenate([*uncertainty.draw_for_ranks(columns[:3], 200)])
    assert ranks.shape == (200, 3, 8) and np.isfinite(ranks).all()
    medians = np.median(ranks, axis=0).T
    assert medians == pytest.approx(uncertainty.gains.mean(axis=-1), abs=0.6)
    swapped = np.concatenate([*uncertainty.draw_for_ranks(columns[1:3], 200)])
    medians = np.median(swapped, axis=0).T
    assert medians == pytest.approx(uncertainty.gains[:, 1:].mean(axis=-1), abs=0.6)


def test_what_all_tasks_share_moves_no_rank(three_seeds: Transfer) -> None:
    uncertainty, columns = build(three_seeds)
    spread = np.ptp(np.concatenate([*uncertainty.draw_for_ranks(columns[:3], 400)]), axis=0)
    uncertainty.gains[:] += 20 * np.random.default_rng(1).normal(size=(1, 3, 3))
    after = np.ptp(np.concatenate([*uncertainty.draw_for_ranks(columns[:3], 400)]), axis=0)
    assert after[:, :7] == pytest.approx(spread[:, :7], rel=1.5) and after.max() < 60
