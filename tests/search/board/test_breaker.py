"""A sweep that stops by itself, and its continuation."""

from collections.abc import Callable

import pytest

from search.board.breaker import MAX_FAILURES_IN_A_ROW
from spaces.stage import Stage
from tests.search.conftest import Room
from trainables.worker.failures import FAILURE_KINDS

OWN = sorted(kind.name for kind in FAILURE_KINDS.values() if kind.is_task_related)
SHARED = sorted(kind.name for kind in FAILURE_KINDS.values() if not kind.is_task_related and not kind.stops_sweep)


def all_but_pretraining(outcome: str) -> Callable[[Stage], str]:
    return lambda stage: "finished" if stage.kind == "pretrain" else outcome


@pytest.mark.parametrize("kind", SHARED)
def test_what_fails_every_stage_stops_the_sweep(room: Room, kind: str) -> None:
    room.status = all_but_pretraining(f"{kind}: Died: it said 17")
    board = room.run()
    failed = [arm for _, arm in board.iter_arms() if arm.status == "failed"]
    assert len(failed) == MAX_FAILURES_IN_A_ROW
    assert str(board.breaker.stop_reason) == f"3 stages in a row failed for the same reason ({kind}: Died: it said 17)"
    assert board.start_next() is None and not board.is_complete


@pytest.mark.parametrize("kind", OWN)
def test_what_fails_three_tasks_stops_the_sweep(room: Room, kind: str) -> None:
    room.status = all_but_pretraining(f"{kind}: ValueError: no column")
    board = room.run()
    failed_tasks = {arm.stage.task for _, arm in board.iter_arms() if arm.status == "failed"}
    assert len(failed_tasks) == MAX_FAILURES_IN_A_ROW and "of 3 tasks" in str(board.breaker.stop_reason)


@pytest.mark.parametrize("kind", OWN)
def test_one_spoiled_task_stops_nothing(room: Room, kind: str) -> None:
    room.status = lambda stage: f"{kind}: ValueError: no column" if stage.task == "ccg" else "finished"
    board = room.run()
    assert board.is_complete and board.breaker.stop_reason is None


def test_other_outcomes_and_other_failures_break_the_row(room: Room) -> None:
    board = room.board()
    first = board.start_next()
    assert first is not None
    room.step(board, first)
    endings = iter(("worker: a", "worker: a", "finished", "worker: a", "worker: a", "worker: b", "worker: b"))
    ending_by_key: dict[str, str] = {}

    def status(stage: Stage) -> str:
        if stage.key not in ending_by_key:  # the same at both attempts
            ending_by_key[stage.key] = next(endings, "finished")
        return ending_by_key[stage.key]

    room.status = status
    while (stage := board.start_next()) is not None:
        room.step(board, stage)
    assert board.is_complete and board.breaker.stop_reason is None


def test_numbers_keys_and_paths_make_no_difference(room: Room) -> None:
    room.status = lambda stage: (
        "finished"
        if stage.kind == "pretrain"
        else f"worker: stage {stage.key} in /runs/{stage.key} after {stage.seed} s"
    )
    assert room.run().breaker.stop_reason is not None


def test_after_a_stop_the_failures_stay_until_they_are_asked_for(room: Room) -> None:
    room.status = all_but_pretraining("hang: Hang: no progress in 0:30:00")
    room.run()
    room.ran.clear()
    room.status = lambda stage: "finished"
    board = room.run()
    assert board.breaker.stop_reason is None and any(arm.status == "failed" for _, arm in board.iter_arms())
    room.retry_failed = True
    board = room.run()
    assert board.is_complete
    assert all(arm.status == "finished" for _, arm in board.iter_arms())


def test_running_stages_end_after_a_stop(room: Room) -> None:
    board = room.board()
    first = board.start_next()
    assert first is not None
    room.step(board, first)
    running = [stage for _ in range(4) if (stage := board.start_next()) is not None]
    room.status = lambda stage: "device: AcceleratorError: gone"
    for stage in running[:3]:
        room.step(board, stage)
    # Each stage has a second attempt left before the sweep stops.
    assert board.breaker.stop_reason is None
    while (stage := board.start_next()) is not None:
        room.step(board, stage)
    assert board.breaker.stop_reason is not None
    room.status = lambda stage: "finished"
    room.step(board, running[3])
    (ended,) = [arm for _, arm in board.iter_arms() if arm.stage.key == running[3].key]
    assert ended.status == "finished"


def test_results_that_cannot_be_written_stop_at_once_and_fail_nothing(room: Room) -> None:
    room.run(most=3)
    room.status = lambda stage: "storage: OSError: [Errno 28] No space left on device"
    board = room.run()
    assert "the results cannot be written (OSError: [Errno 28]" in str(board.breaker.stop_reason)
    assert len(room.ran) == 4
    assert not board.store.load_attempts(room.ran[-1].key)
    room.status = lambda stage: "finished"
    board = room.run()
    assert board.is_complete and board.breaker.stop_reason is None
    assert all(arm.status == "finished" for _, arm in board.iter_arms())
