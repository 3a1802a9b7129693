"""The virtual room keeps Tune's rules, so its figures are about the searcher and the schedulers, not about itself."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from search.board.board import Board
from search.driver.searcher import PlanSearcher
from search.request.options import RunOptions, parse_options
from search.request.request import SweepRequest, make_request
from spaces.stage import TENTHS, Stage

from .courses import Course, evenly, uneven
from .made_up import made_up
from .occupancy import Occupancy, occupancy
from .room import Delays, Log, VirtualRoom
from .sweep import SCHEDULERS, VirtualSweep, in_memory, winners

FLAGS = "--intermediates mnli,ccg --targets xnli,xquad,tatoeba --learning-rates 1e-5,2e-5,3e-5 --seeds 0".split()
KINDS = ("pretrain encoder", "intermediate mnli", "intermediate ccg", "target xnli-en", "target squad-en")
SECONDS = {**{name: 10.0 * number for number, name in enumerate(KINDS, start=1)}, "retrieval tatoeba": 3.0}
# As in the recipes, from which the board knows where a stopped stage ended.
STEPS = {"pretrain encoder": 100, "intermediate mnli": 400, "intermediate ccg": 400, "retrieval tatoeba": 0}
STEPS |= {"target xnli-en": 120, "target squad-en": 80}
COURSES = made_up(SECONDS, STEPS, noise=0.05)


@cache
def default_request() -> tuple[SweepRequest, RunOptions]:
    options = parse_options(FLAGS)
    return make_request(options), options


def sweep(scheduler: str = "none") -> VirtualSweep:
    request, options = default_request()
    return in_memory(request, replace(options, scheduler=scheduler))


@cache
def log_of(scheduler: str, slots: int) -> tuple[Log, Occupancy, Board]:
    return sweep(scheduler).run(COURSES, slots)


@pytest.fixture(params=SCHEDULERS)
def scheduler(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[1, 3, 1000])
def slots(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_every_stage_comes_to_its_end_once(scheduler: str, slots: int) -> None:
    log, _, board = log_of(scheduler, slots)
    ended = Counter(event.key for event in log.events if event.what == "done")
    stopped = {arm.stage.key for _, arm in board.iter_arms() if arm.status == "stopped"}
    assert set(ended.values()) == {1}
    assert ended.keys() | stopped == {arm.stage.key for _, arm in board.iter_arms()}
    assert not ended.keys() & stopped and bool(stopped) == (scheduler != "none")
    assert len(ended) + len(stopped) == sum(stratum.arm_count for stratum in default_request()[0].plan)


def test_no_tenth_is_trained_twice(scheduler: str, slots: int) -> None:
    log, usage, board = log_of(scheduler, slots)
    trained = Counter(piece.key for piece in log.pieces)
    for stratum, arm in board.iter_arms():
        assert arm.outcome is not None
        assert trained[arm.stage.key] == (1 if stratum.kind == "retrieval" else arm.outcome.tenth)
    assert usage.steps == sum(arm.outcome.steps for _, arm in board.iter_arms() if arm.outcome is not None)


def test_children_begin_when_all_arms_of_their_parent_have_ended(scheduler: str, slots: int) -> None:
    log, _, board = log_of(scheduler, slots)
    strata = {arm.stage.key: stratum for stratum, arm in board.iter_arms()}
    last = {strata[event.key].id: index for index, event in enumerate(log.events) if event.what in ("stop", "done")}
    for index, event in enumerate(log.events):
        assert event.what != "start" or last.get(strata[event.key].parent or "", -1) < index


def test_no_slot_has_two_trials_and_no_tenth_is_heard_before_it_is_done(scheduler: str, slots: int) -> None:
    log, _, _ = sweep(scheduler).run(COURSES, slots, delays=Delays(opening=1.0, answer=0.5, start=0.2, result=0.1))
    taken: dict[int, str] = {}
    for before, event in zip([log.events[0], *log.events], log.events, strict=False):
        assert before.time <= event.time
        if event.what == "start":
            assert event.slot not in taken and 0 <= event.slot < slots
            taken[event.slot] = event.key
        else:
            assert taken[event.slot] == event.key
        if event.what in ("stop", "done"):
            del taken[event.slot]
    assert not taken
    reported = {(event.key, event.tenth): event.time for event in log.events if event.what != "start"}
    tenths = Counter[str]()
    for piece in log.pieces:
        tenths[piece.key] += 1
        assert piece.ended <= reported[piece.key, tenths[piece.key]]


@pytest.mark.parametrize("delays", [Delays(), Delays(opening=2.0, answer=0.5, start=0.05, result=0.02)])
def test_all_time_of_all_slots_is_accounted_for(scheduler: str, slots: int, delays: Delays) -> None:
    log, usage, _ = sweep(scheduler).run(uneven(COURSES, 0.3, seed=1), slots, delays=delays)
    assert usage.busy + usage.held + usage.idle == pytest.approx(slots * usage.makespan)
    assert usage.makespan == log.makespan >= usage.bound * (1 - 1e-9)
    assert usage.held == pytest.approx(0.0, abs=1e-6) if delays == Delays() else usage.held > 1.0
    assert 0.0 <= usage.steady_busy <= 1.0 + 1e-9
    assert 0.0 <= usage.steady[0] <= usage.steady[1] <= usage.makespan


def test_bounds_are_those_of_a_plan_that_can_be_reckoned_by_hand() -> None:
    plan = default_request()[0].plan
    _, alone, _ = log_of("none", 1)
    work = {name: seconds * (1.2 if name.startswith(("inter", "target")) else 1.0) for name, seconds in SECONDS.items()}
    assert alone.makespan == pytest.approx(sum(work[f"{one.kind} {one.task}"] * one.arm_count for one in plan))
    assert alone.by_work == pytest.approx(alone.makespan)
    assert alone.steady_busy == pytest.approx(1.0) and alone.idle == 0.0
    # With a slot for every arm: the encoder, ccg (the longer phase), and squad-en (the longer target) after it.
    _, wide, _ = log_of("none", 1000)
    assert wide.makespan == pytest.approx(10 + 1.2 * 30 + 1.2 * 50) == wide.by_path
    assert wide.steady == (0.0, 0.0), "a thousand slots are never all taken"


def test_the_same_seed_gives_the_same_events(scheduler: str) -> None:
    def events(seed: int) -> Log:
        return sweep(scheduler).run(uneven(COURSES, 0.2, seed), 3, seed=seed)[0]

    assert events(3).events == events(3).events != events(4).events
    # If all take equally long, the seed alone decides which result is handled first.
    assert log_of(scheduler, 3)[0].events == sweep(scheduler).run(COURSES, 3)[0].events
    assert log_of(scheduler, 3)[0].events != sweep(scheduler).run(COURSES, 3, seed=1)[0].events


@pytest.mark.parametrize("events", [0, 1, 40, 150])
def test_a_room_that_vanished_goes_on_where_it_was(scheduler: str, events: int) -> None:
    cut, (_, _, expected) = sweep(scheduler), log_of(scheduler, 1)
    before = cut.room(COURSES, 1)[0].run(events)
    after, _, board = cut.run(COURSES, 1)
    trained = Counter(piece.key for log in (before, after) for piece in log.pieces)
    assert winners(board) == winners(expected)
    done = [arm for _, arm in board.iter_arms() if arm.outcome is not None]
    assert trained == {arm.stage.key: 1 if arm.stage.kind == "retrieval" else arm.outcome.tenth for arm in done}


def test_a_diverged_stage_ends_degenerate_in_the_tenth_that_diverged() -> None:
    def courses(stage: Stage) -> Course:
        course = COURSES(stage)
        if stage.task != "xnli-en" or stage.learning_rate != 3e-5:
            return course
        return replace(course, curve=course.curve[:4], seconds=course.seconds[:5], status="degenerate")

    log, _, board = sweep().run(courses, 4)
    diverged = {arm.stage.key: arm.outcome for _, arm in board.iter_arms() if len(courses(arm.stage).curve) == 4}
    assert diverged
    for key, outcome in diverged.items():
        assert outcome is not None and (outcome.status, outcome.tenth, outcome.steps) == ("degenerate", 4, 48)
        assert sum(piece.key == key for piece in log.pieces) == 5


def fates(board: Board) -> dict[str, tuple[str, int, tuple[float, ...]]]:
    done = [arm for _, arm in board.iter_arms() if arm.outcome is not None]
    return {arm.stage.key: (arm.outcome.status, arm.outcome.tenth, arm.outcome.curve) for arm in done}


@pytest.mark.parametrize("slots", [1, 2, 5, 40])
def test_halving_decides_alike_in_any_order_and_at_any_speed(slots: int) -> None:
    _, _, board = sweep("halving").run(uneven(COURSES, 1.0, seed=slots), slots, seed=slots)
    assert fates(board) == fates(log_of("halving", 3)[2])


class RecordingScheduler(FIFOScheduler):
    """Records the calls it gets, and stops one stage at its second tenth."""

    def __init__(self, calls: list[tuple[object, ...]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls = calls

    def on_trial_add(self, tune_controller: object, trial: object) -> None:
        self.calls.append(("scheduler add", trial.trial_id))  # type: ignore[attr-defined]

    def on_trial_result(self, tune_controller: object, trial: object, result: dict[str, object]) -> str:
        tenth = len(result["curve"])  # type: ignore[arg-type]
        self.calls.append(("scheduler result", trial.trial_id, tenth))  # type: ignore[attr-defined]
        return TrialScheduler.STOP if tenth == 2 and trial.trial_id == "00000001" else TrialScheduler.CONTINUE  # type: ignore[attr-defined]

    def on_trial_complete(self, tune_controller: object, trial: object, result: dict[str, object]) -> None:
        self.calls.append(("scheduler complete", trial.trial_id, len(result["curve"]), result["done"]))  # type: ignore[attr-defined, arg-type]


class RecordingSearcher(PlanSearcher):
    """Records the calls it gets."""

    calls: list[tuple[object, ...]]

    def on_trial_result(self, trial_id: str, result: dict[str, object]) -> None:
        self.calls.append(("searcher result", trial_id, len(result["curve"])))  # type: ignore[arg-type]

    def on_trial_complete(self, trial_id: str, result: dict[str, object] | None = None, error: bool = False) -> None:
        assert result is not None
        self.calls.append(("searcher complete", trial_id, len(result["curve"]), result["done"]))  # type: ignore[arg-type]
        super().on_trial_complete(trial_id, result=result, error=error)


def test_calls_come_in_tunes_order() -> None:
    virtual, calls = sweep(), list[tuple[object, ...]]()
    _, board = virtual.room(COURSES, 1)
    searcher = RecordingSearcher(board, "{}", on_change=lambda: None)
    searcher.calls = calls
    VirtualRoom(searcher, RecordingScheduler(calls), virtual.request.context, COURSES, slots=1).run(20)
    first, second = "00000000", "00000001"
    expected: list[tuple[object, ...]] = [("scheduler add", first)]
    for tenth in range(1, TENTHS):
        expected += [("scheduler result", first, tenth), ("searcher result", first, tenth)]
    # The scheduler is not asked about the result of a stage that is done.
    expected += [("scheduler complete", first, TENTHS, True), ("searcher complete", first, TENTHS, True)]
    expected += [("scheduler add", second), ("scheduler result", second, 1), ("searcher result", second, 1)]
    expected += [("scheduler result", second, 2)]  # a result that leads to a stop does not go to the searcher
    expected += [("scheduler complete", second, 2, True), ("searcher complete", second, 2, True)]
    assert calls[: len(expected)] == expected


def test_a_searcher_that_would_block_tune_is_an_error() -> None:
    room, board = sweep().room(COURSES, 2)
    board.start_next = lambda: None  # type: ignore[method-assign]
    board.running["a stage that no trial has"] = None  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match="Tune would wait for ever"):
        room.run()


@pytest.mark.parametrize(
    "change",
    [lambda log: log, lambda log: replace(log, events=[event for event in log.events if event.what != "result"])],
)
def test_occupancy_needs_starts_and_ends_alone(change: Callable[[Log], Log]) -> None:
    log, usage, _ = log_of("none", 3)
    assert occupancy(change(log), default_request()[0].plan) == usage


def test_evenly_spends_what_it_is_given() -> None:
    course = evenly((0.5,) * TENTHS, 100, 20.0, 3.0)
    assert sum(course.seconds) == pytest.approx(23.0) and course.seconds[0] == 2.0 and course.seconds[-1] == 5.0
