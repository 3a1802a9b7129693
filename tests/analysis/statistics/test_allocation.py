"""Next seeds: the budget is kept, they go where the choice is open, and what is expected of them comes true."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import allocation
from analysis.statistics.allocation import Knowledge, build_knowledge
from analysis.statistics.decomposition import split_gains
from analysis.statistics.moments import Array

TARGETS = 3


def know(mean: Array, sd: float = 1.0, noise: float = 1.0, most_seeds: int = 20, by_target: bool = False) -> Knowledge:
    """Knowledge of tasks with the same mean on every target, and errors that are independent between targets."""
    tasks = len(mean)
    covariance, errors = (np.tile(each**2 * np.eye(TARGETS), (tasks, 1, 1)) for each in (sd, noise))
    weights = np.eye(TARGETS) if by_target else np.full((1, TARGETS), 1 / TARGETS)
    candidates = np.ones(tasks, np.bool_)
    means = np.tile(np.asarray(mean, np.float64)[:, None], (1, TARGETS))
    return build_knowledge(means, covariance, errors, weights, is_candidate=candidates, most_seeds=most_seeds)


def normals(tasks: int, draws: int = 2000) -> Array:
    return allocation.draw_normals(tasks, np.random.default_rng(0), draws)


def test_what_new_seeds_reveal_by_hand() -> None:
    known = know(np.zeros(2), sd=2.0, noise=3.0, most_seeds=4)
    # One target: variance 4 becomes known up to 1 / (1/4 + n/9); a mean over three targets has a third of it.
    for seeds in range(5):
        assert known.learned[seeds] == pytest.approx((4 - 1 / (1 / 4 + seeds / 9)) / 3, abs=1e-6)
    assert known.variance == pytest.approx(4 / 3)


@given(
    mean=st.lists(st.floats(-3, 3), min_size=2, max_size=15),
    budget=st.integers(2, 40),
    excluded=st.integers(0, 20),
    by_target=st.booleans(),
)
def test_the_budget_holds_with_the_baselines_seeds_and_only_candidates_get_any(
    mean: list[float], budget: int, excluded: int, by_target: bool
) -> None:
    known = know(np.array(mean), by_target=by_target)
    if len(mean) > 2 and excluded < len(mean):
        known = dataclasses.replace(known, is_candidate=np.arange(len(mean)) != excluded)
    draws = normals(len(mean), 200)
    for seeds in (allocation.allocate_seeds(known, budget, draws), allocation.spread_evenly(known, budget)):
        assert seeds.sum() + seeds.max() <= budget and seeds.max() <= known.most_seeds and (seeds >= 0).all()
        assert not seeds[~known.is_candidate].any()
    assert allocation.allocate_seeds(known, budget, draws).any()


def test_seeds_go_to_the_tasks_among_which_the_best_is_open() -> None:
    known = know(np.array([5.0, 5.0, 0.0, -1.0, 5.0]), sd=0.3, noise=1.0)
    assert allocation.allocate_seeds(known, 20, normals(5)).tolist() == [5, 5, 0, 0, 5]
    decided = know(np.array([9.0, 0.0, 1.0]), sd=0.3)  # nothing to learn about the choice: the leader's gain counts
    assert allocation.allocate_seeds(decided, 10, normals(3)).tolist() == [5, 0, 0]


def test_advice_expects_no_more_loss_than_an_even_spread_or_none() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        known, draws = know(rng.standard_normal(8), sd=0.8, by_target=bool(rng.integers(2))), normals(8)
        advised, even = allocation.allocate_seeds(known, 18, draws), allocation.spread_evenly(known, 18)
        losses = [
            allocation.predict_outlook(known, seeds, draws).regret for seeds in (advised, even, np.zeros(8, np.int64))
        ]
        assert losses[0] <= losses[1] + allocation.RESOLUTION and losses[1] <= losses[2] + 1e-9


@pytest.mark.parametrize("by_target", [False, True])
def test_the_expected_loss_is_what_simulated_second_stages_lose(by_target: bool) -> None:
    rng, worlds = np.random.default_rng(1), 4000
    mean, sd, noise = np.array([0.5, 0.3, 0.0, -0.2]), 0.6, 1.5
    known = know(mean, sd, noise, by_target=by_target)
    seeds = np.array([4, 2, 1, 0])
    outlook = allocation.predict_outlook(known, seeds, normals(4, 20_000))
    truth = mean[:, None] + sd * rng.standard_normal((worlds, 4, TARGETS))
    new = truth + noise * rng.standard_normal((worlds, 4, TARGETS)) / np.sqrt(np.maximum(1, seeds))[:, None]
    trust = (sd**2 / (sd**2 + noise**2 / np.maximum(1, seeds)) * (seeds > 0))[:, None]
    later = mean[:, None] + trust * (new - mean[:, None])
    if not by_target:
        truth, later = truth.mean(axis=2, keepdims=True), later.mean(axis=2, keepdims=True)
    chosen = np.take_along_axis(truth, later.argmax(axis=1)[:, None], axis=1)[:, 0]
    losses = (truth.max(axis=1) - chosen).mean(axis=1)
    assert outlook.regret == pytest.approx(losses.mean(), abs=4 * losses.std() / np.sqrt(worlds) + 0.005)


def test_told_apart_means_ahead_of_every_other_candidate() -> None:
    nobody = np.zeros(3, np.int64)
    clear, tie = know(np.array([9.0, 0.0, 1.0]), sd=0.3), know(np.array([1.0, 1.0, 0.0]), sd=0.3)
    assert allocation.predict_outlook(clear, nobody, normals(3)).decided == 1
    assert allocation.predict_outlook(tie, nobody, normals(3)).decided == 0
    assert allocation.predict_outlook(tie, np.array([20, 20, 0]), normals(3)).decided > 0.1


def test_the_variance_of_a_gain_after_new_seeds_by_hand() -> None:
    def variance(paired: int, further: int) -> float:  # as statistics.baseline has it, with v = 3 and u = 1
        return 3 / paired - further / (paired * (paired + further))

    seeds = np.array([0, 2, 4, 0])
    counts, further = np.array([3, 3, 3, 2]), np.array([1, 1, 1, 2])
    now = np.array([variance(n, m) for n, m in zip(counts, further, strict=True)])
    probed = np.array([variance(n, m + 5) for n, m in zip(counts, further, strict=True)])
    then = allocation.predict_gain_variances(now, probed, counts=counts, further=further, seeds=seeds, added=3, probe=5)
    assert then == pytest.approx([variance(3, 4), variance(5, 2), variance(7, 0), variance(2, 5)])
    plain = allocation.predict_gain_variances(
        now, now, counts=counts, further=further, seeds=seeds, added=3, probe=5
    )  # a baseline whose further seeds are not used
    assert plain == pytest.approx(now * counts / (counts + seeds))


def test_a_task_with_more_seeds_does_not_differ_by_what_those_seeds_do_to_all() -> None:
    rng = np.random.default_rng(4)
    tasks, seeds = rng.standard_normal((5, 2, 1)), 10 * rng.standard_normal((1, 2, 8))  # a very noisy baseline
    gains = tasks + seeds
    reference = np.ones(5, np.bool_)
    assert split_gains(gains, reference).effects == pytest.approx(gains.mean(axis=-1))
    uneven = gains.copy()
    uneven[2:, :, 3:] = np.nan
    adjusted = split_gains(uneven, reference).effects
    assert adjusted - adjusted[:1] == pytest.approx((tasks - tasks[:1])[..., 0])
    plain = np.nanmean(uneven, axis=-1)
    assert np.abs((plain - plain[:1]) - (tasks - tasks[:1])[..., 0]).max() > 1
