"""A budget of time on a clock of the test's own: what may still begin, and how the run ends."""

import pickle

import pytest
from ray.tune.search import Searcher

from search.driver import time_budget
from search.driver.searcher import PlanSearcher
from search.driver.time_budget import TimeBudget, TimeBudgetCallback
from search.process import signals
from tests.search.conftest import Room, finish


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The reasons for which the run was asked to end."""
    reasons: list[str] = []
    monkeypatch.setattr(time_budget.signals, "request_stop", reasons.append)
    monkeypatch.setattr(time_budget.signals, "is_stop_requested", lambda: bool(reasons))
    return reasons


def searcher_of(room: Room, clock: Clock, seconds: float) -> PlanSearcher:
    board = room.board()
    return PlanSearcher(board, "{}", lambda: None, budget=TimeBudget(board, seconds, clock=clock))


def end_stage(searcher: PlanSearcher, trial: str) -> None:
    """Let a stage end that took two seconds."""
    finish(searcher.board.store, searcher.trials[trial][1])
    searcher.on_trial_complete(trial_id=trial, result={"curve": [], "steps": 1, "seconds": 2.0}, error=False)


def test_what_was_never_measured_may_begin_and_what_does_not_fit_may_not(room: Room) -> None:
    clock = Clock()
    searcher = searcher_of(room, clock, 30.0)
    assert searcher.budget is not None
    assert searcher.suggest("a")["stratum"].startswith("pretrain"), "nobody knows how long that takes"
    end_stage(searcher, "a")
    assert "key" in searcher.suggest("b"), "nor how long a training takes"
    end_stage(searcher, "b")
    clock.now += time_budget.REFRESH_INTERVAL
    third = searcher.suggest("c")
    assert third is not None, "about 2 of 20 seconds that are left"
    clock.now += 19.9
    assert searcher.suggest("d") is None and searcher.budget.has_refused
    assert list(searcher.board.running) == [third["key"]], "a stage that was refused does not run"
    end_stage(searcher, "c")
    assert searcher.suggest("e") == Searcher.FINISHED and not searcher.board.is_complete


def test_without_a_budget_nothing_is_refused(room: Room) -> None:
    assert "key" in PlanSearcher(room.board(), "{}", lambda: None).suggest("a")


def test_at_the_end_the_run_is_asked_once_to_stop(room: Room, asked: list[str]) -> None:
    clock = Clock()
    callback = TimeBudgetCallback(TimeBudget(room.board(), 7_200.0, clock=clock))
    for _ in range(3):
        callback.on_step_begin(1, [])
        clock.now += 3_600.0
    callback.on_step_begin(2, [])
    assert asked == ["the 2.0 h of --hours are used"]
    assert pickle.loads(pickle.dumps(callback)).__dict__ == {}


def test_a_stop_that_was_asked_for_has_its_reason(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signals, "_state", signals._StopState())
    assert signals.read_stop_reason() == "interrupted" and not signals.is_stop_requested()
    signals.request_stop("the time is up")
    signals.request_stop("again")
    assert signals.is_stop_requested() and signals.read_stop_reason() == "the time is up"
    assert capfd.readouterr().err.count("finishing the running tenths") == 1
