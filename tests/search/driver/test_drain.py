"""A sweep that is asked to end: running stages finish their tenth, and the next start continues them."""

import signal
from types import SimpleNamespace
from typing import Any

import pytest
from ray.exceptions import RayActorError
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from search.driver.drain import DrainCallback, DrainingScheduler
from search.driver.searcher import PlanSearcher
from search.process import signals
from tests.search.conftest import Room, finish
from trainables.worker.failures import worker_failure_of


@pytest.fixture
def stop_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "is_stop_requested", lambda: True)


class RecordingScheduler(FIFOScheduler):
    """Continues every trial, and records the results it gets."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.results: list[Any] = []

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        self.results.append(result)
        return "CONTINUE"


def is_leaving(node: str | None) -> bool:
    """The node `away` leaves."""
    return node == "away"


def test_until_then_the_gate_decides() -> None:
    assert DrainingScheduler(RecordingScheduler(), is_leaving).on_trial_result(None, None, {}) == "CONTINUE"


def test_then_every_stage_ends_with_its_tenth_and_the_gate_hears_of_it(stop_requested: None) -> None:
    wrapped = RecordingScheduler()
    assert DrainingScheduler(wrapped, is_leaving).on_trial_result(None, None, {"tenth": 3}) == "STOP"
    assert wrapped.results == [{"tenth": 3}]


@pytest.mark.parametrize("done", [False, True])
def test_a_stage_that_is_about_to_stop_is_asked_for_its_state(stop_requested: None, done: bool) -> None:
    result: dict[str, Any] = {"done": done}  # Tune calls a trial done that is to stop
    DrainCallback(is_leaving).on_trial_result(1, [], None, result)
    assert result["should_checkpoint"] is True


def test_a_stage_on_a_node_that_leaves_stops_with_its_state_and_the_others_go_on() -> None:
    for node, ends in (("away", True), ("here", False), (None, False)):
        result: dict[str, Any] = {"node": node}
        answer = DrainingScheduler(RecordingScheduler(), is_leaving).on_trial_result(None, None, result)
        DrainCallback(is_leaving).on_trial_result(1, [], None, result)
        assert (answer == "STOP", "should_checkpoint" in result) == (ends, ends)


def test_no_state_is_asked_for_while_the_run_goes_on() -> None:
    result: dict[str, Any] = {"done": True}
    DrainCallback(is_leaving).on_trial_result(1, [], None, result)
    assert "should_checkpoint" not in result


def test_of_many_trials_only_those_under_way_are_looked_at() -> None:
    running, waiting = SimpleNamespace(status="RUNNING"), SimpleNamespace(status="PENDING")
    for live in ([], [running], [running, waiting]):
        controller = SimpleNamespace(get_live_trials=lambda live=live: live)  # without `get_trials`
        chosen: object = DrainingScheduler(RecordingScheduler(), is_leaving).choose_trial_to_run(controller)
        assert chosen is (waiting if waiting in live else None)


@pytest.mark.parametrize(("statuses", "ends"), [(["RUNNING", "TERMINATED"], False), (["PENDING", "TERMINATED"], True)])
def test_the_loop_ends_with_the_last_running_stage(
    stop_requested: None, monkeypatch: pytest.MonkeyPatch, statuses: list[str], ends: bool
) -> None:
    raised: list[signal.Signals] = []
    monkeypatch.setattr(signal, "raise_signal", raised.append)
    DrainCallback(is_leaving).on_step_end(1, [SimpleNamespace(status=status) for status in statuses])
    assert raised == ([signal.SIGUSR1] if ends else [])


def test_nothing_new_starts(room: Room, stop_requested: None) -> None:
    assert PlanSearcher(room.board(), "{}", lambda: None).suggest("a") == Searcher.FINISHED


def status_at_end(room: Room, monkeypatch: pytest.MonkeyPatch, done: bool, **result: Any) -> str | None:
    """Return the status of a stage that was running when the run was asked to end."""
    searcher = PlanSearcher(room.board(), "{}", lambda: None)
    searcher.suggest("a")
    stage = searcher.trials["a"][1]
    if done:
        finish(searcher.board.store, stage)
    monkeypatch.setattr(signals, "is_stop_requested", lambda: True)
    searcher.on_trial_complete(trial_id="a", result={"curve": [0.1], "steps": 1, "seconds": 1.0, **result})
    assert not searcher.board.running
    (_, arm), *_ = room.board().iter_arms()
    return arm.status


def test_a_stage_under_way_is_left_for_the_next_start(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    assert status_at_end(room, monkeypatch, done=False) is None


def test_a_stage_that_came_to_its_end_is_done(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    assert status_at_end(room, monkeypatch, done=True) == "finished"


def test_a_stage_that_failed_has_failed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    assert status_at_end(room, monkeypatch, done=False, error="ValueError: x", details="") == "failed"


def test_a_worker_that_was_killed_with_the_run_has_not_failed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    searcher = PlanSearcher(room.board(), "{}", lambda: None)
    searcher.suggest("a")
    key = searcher.trials["a"][1].key
    monkeypatch.setattr(signals, "is_stop_requested", lambda: True)
    searcher.on_trial_complete(trial_id="a", error=True)
    assert searcher.handle_lost_trial("a", worker_failure_of(RayActorError()), moved=False) is None
    assert not searcher.board.running and not searcher.board.store.load_attempts(key)
