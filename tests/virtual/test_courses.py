"""Courses read from a sweep's results are those of its stages, and missing stages are listed."""

import dataclasses

import pytest

from spaces.stage import Stage
from tests.tiny_stages import TARGET
from trainables.data.task_data import DataSource
from trainables.record.context import StageContext, write_spec
from trainables.record.outcome import Outcome, write_outcome

from .courses import Course, Recorded, evenly, uneven
from .memory_storage import MemoryStorage

CURVE = tuple(tenth / 10 for tenth in range(1, 11))


@pytest.fixture
def context() -> StageContext:
    return StageContext(results=MemoryStorage(), source=DataSource(benchmark="miniature"))


def leave(
    context: StageContext, stage: Stage, status: str = "finished", curve: tuple[float, ...] = CURVE, steps: int = 37
) -> None:
    write_spec(context, stage)
    outcome = Outcome(
        key=stage.key,
        status=status,  # type: ignore[arg-type]
        score=max(curve, default=None),
        tenth=len(curve),
        curve=curve,
        steps=steps,
        seconds=20.0,
    )
    write_outcome(context, outcome)


def test_a_recorded_stage_does_what_it_did(context: StageContext) -> None:
    leave(context, TARGET)
    recorded = Recorded(context.results)
    course = recorded(TARGET)
    assert (course.curve, course.steps, course.status) == (CURVE, 37, "finished")
    assert course.seconds == pytest.approx((2.0,) * 10)
    assert recorded.missing == {} and recorded.unfinished == []


def test_a_stage_of_one_piece_stays_one(context: StageContext) -> None:
    stage = dataclasses.replace(TARGET, kind="retrieval", task="tatoeba")
    leave(context, stage, curve=(), steps=0)
    assert Recorded(context.results)(stage) == evenly((), 0, 20.0)


def test_a_diverged_stage_diverges_in_the_same_tenth_of_a_whole_schedule(context: StageContext) -> None:
    leave(context, TARGET, status="degenerate", curve=CURVE[:4], steps=40)
    course = Recorded(context.results)(TARGET)
    assert (len(course.curve), len(course.seconds), course.steps, course.status) == (4, 5, 100, "degenerate")


@pytest.mark.parametrize("status", ["stopped", "failed"])
def test_what_has_no_whole_course_is_named(context: StageContext, status: str) -> None:
    leave(context, TARGET, status=status, curve=CURVE[:3])
    running = dataclasses.replace(TARGET, seed=1)
    write_spec(context, running)
    recorded = Recorded(context.results)
    assert sorted(recorded.unfinished) == sorted([TARGET.key, running.key])
    with pytest.raises(KeyError):
        recorded(TARGET)
    assert recorded.missing == {TARGET.key: None}


def test_a_sister_with_another_parent_stands_in_and_is_named(context: StageContext) -> None:
    leave(context, TARGET)
    leave(context, dataclasses.replace(TARGET, learning_rate=5e-3), curve=CURVE[::-1])
    recorded = Recorded(context.results)
    missing = dataclasses.replace(TARGET, parent="another")
    assert recorded(missing).curve == CURVE
    assert recorded.missing == {missing.key: TARGET.key}
    with pytest.raises(KeyError):
        recorded(dataclasses.replace(TARGET, seed=7))
    assert list(recorded.missing.values()) == [TARGET.key, None]


def test_uneven_courses_are_another_seed_s_other_speeds() -> None:
    def courses(stage: Stage) -> Course:
        return evenly(CURVE, 100, 10.0)

    one, same, other = (uneven(courses, 0.3, seed)(TARGET) for seed in (0, 0, 1))
    assert one == same and one.curve == other.curve == CURVE and one.seconds != other.seconds
    assert len(set(one.seconds)) == 10 and min(one.seconds) > 0
