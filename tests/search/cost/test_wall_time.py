"""Stages laid out over the trials at once."""

import dataclasses
from pathlib import Path

import pytest

from search.cost.cost import list_naive_trainings
from search.cost.pass_speed import NOTHING, Load, MachineSpeed, PassSpeed
from search.cost.stage_work import StageSeconds, StageWork
from search.cost.wall_time import START_SECONDS, estimate_wall_time, find_makespan
from search.request.request import SweepRequest
from spaces.plan import Stratum
from tests.search.asked import request_of

PHASE = Stratum(kind="intermediate", task="mnli", intermediate="mnli", seed=0, parent=None, rates=(1.0, 2.0))
TARGET = Stratum(kind="target", task="xnli", intermediate="mnli", seed=0, parent=PHASE.id, rates=(1.0,))
OTHER = dataclasses.replace(TARGET, task="udpos")
ALONE = Stratum(kind="target", task="xnli", intermediate="none", seed=0, parent=None, rates=(1.0,))
PLAN = (PHASE, TARGET, OTHER, ALONE)
SECONDS = {
    PHASE.id: StageSeconds({"training": 5}), TARGET.id: StageSeconds({"training": 4}),
    OTHER.id: StageSeconds({"training": 2, "test": 1}), ALONE.id: StageSeconds({"loading": 6}),
}  # fmt: skip
ARMS = {stratum.id: stratum.arm_count for stratum in PLAN}
SPEED = MachineSpeed(step=PassSpeed(1.0, 0.0), forward=PassSpeed(0.0, 1.0))


@pytest.mark.parametrize(("slots", "expected"), [(1, 23.0), (2, 12.0), (3, 9.0), (50, 9.0)])
def test_children_wait_for_every_arm_of_their_parent(slots: int, expected: float) -> None:
    """Two arms of 5, and then 4 and 3; 6 alone. On two slots: both arms until 5, 6 until 11, and beside it 4 and 3."""
    assert find_makespan(PLAN, SECONDS, ARMS, slots) == expected


def test_finished_arms_take_no_time() -> None:
    assert find_makespan(PLAN, SECONDS, {**ARMS, PHASE.id: 0, ALONE.id: 0}, 1) == 7
    assert find_makespan(PLAN, SECONDS, {**ARMS, PHASE.id: 1}, 1) == 18
    assert find_makespan(PLAN, SECONDS, dict.fromkeys(ARMS, 0), 2) == 0


@pytest.fixture
def small(tmp_path: Path) -> SweepRequest:
    flags = ("--intermediates", "mnli", "--targets", "xnli,tatoeba", "--seeds", "0", "--learning-rates", "1e-3,2e-3")
    return request_of(*flags, "--results", tmp_path)


def works_of(request: SweepRequest, steps: float = 10.0) -> dict[str, StageWork]:
    return {
        stratum.id: StageWork(pretrains=True)
        if stratum.kind == "pretrain"
        else StageWork(
            training=NOTHING if stratum.kind == "retrieval" else Load(steps, 80 * steps, 0), test=Load(1, 2, 0)
        )
        for stratum in request.plan
    }


def test_a_hand_worked_plan_has_exact_sums(small: SweepRequest) -> None:
    """A phase of two arms and two targets of two, each 12 s; two retrievals of 2 s; the pretraining takes nothing."""
    wall = estimate_wall_time(small, works_of(small), SPEED, 1, done={}, reading=7.0)
    fixed = START_SECONDS + 7
    assert wall.whole == wall.left == pytest.approx(fixed + 6 * 12 + 2 * 2)
    assert (wall.spent["training"], wall.spent["test"]) == (pytest.approx(60), pytest.approx(6 * 2 + 4))
    naive = sum(12 * stratum.arm_count for stratum in list_naive_trainings(small))
    assert wall.naive == pytest.approx(fixed + naive + 4) and wall.naive > wall.whole
    assert wall.mean_step == Load(1, 80, 0)


def test_stages_that_are_done_do_not_count(small: SweepRequest) -> None:
    phase, *_ = (stratum for stratum in small.plan if stratum.kind == "intermediate")
    wall = estimate_wall_time(small, works_of(small), SPEED, 1, done={phase.id: 2})
    assert wall.whole - wall.left == pytest.approx(24)
    assert wall.spent["training"] == pytest.approx(40)
    every = {stratum.id: stratum.arm_count for stratum in small.plan}
    assert estimate_wall_time(small, works_of(small), SPEED, 1, done=every).left == 0


def test_more_work_takes_longer_and_more_slots_less(small: SweepRequest) -> None:
    few, many = (estimate_wall_time(small, works_of(small, steps), SPEED, 2, done={}) for steps in (10, 20))
    assert many.left > few.left
    times = [estimate_wall_time(small, works_of(small), SPEED, slots, done={}).left for slots in (1, 2, 4, 100)]
    assert times == sorted(times, reverse=True)
    busy = sum(12 * s.arm_count for s in small.plan if s.kind in ("intermediate", "target")) + 4
    assert all(time - START_SECONDS >= busy / slots for time, slots in zip(times, (1, 2, 4, 100), strict=True))
