"""The number of attempts at a stage, whatever is killed in between."""

import dataclasses
import itertools

import pytest

from search.board.attempts import (
    ATTEMPTS_FILE,
    Attempt,
    attempts_from_json,
    attempts_to_json,
    can_retry,
    make_attempt,
    oom_retries,
)
from spaces.stage import Stage
from tests.on_disk import folder_of
from tests.search.conftest import Room
from trainables.worker.failures import FAILURE_KINDS, MAX_LOSSES, MAX_TRIES, MEMORY, Failure


def attempts(*kinds: str) -> tuple[Attempt, ...]:
    """Return failed attempts of these kinds; a `+` says that a tenth was finished before."""
    failures = {kind: Failure(FAILURE_KINDS[kind.strip("+")], "why") for kind in kinds}
    return tuple(make_attempt(failures[kind], moved=kind.endswith("+")) for kind in kinds)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        *(((kind.name,), kind.is_transient) for kind in FAILURE_KINDS.values()),
        *(((kind.name, kind.name), not kind.costs_try) for kind in FAILURE_KINDS.values()),
        (("packed", "memory"), True),  # sharing its GPU cost it no attempt
        (("packed", "memory", "memory"), False),
        (("worker", "input"), False),
        (("worker+",), True),
        (("worker+", "worker"), False),
        (("worker+", "worker+", "node+"), True),  # it makes progress, if slowly
        (("worker", "worker+", "node"), True),
        (("node", "input", "node"), True),  # a lost node's lock may have to be waited for
        (("node", "input", "input"), False),
        (("node",) * (MAX_LOSSES - 1), True),
        (("node",) * MAX_LOSSES, False),  # perhaps the stage is what brings machines down
        (("node+", *("node",) * (MAX_LOSSES - 2)), True),
        (("worker+", "error+"), False),
    ],
)
def test_two_tries_at_one_place_where_the_cause_may_pass(kinds: tuple[str, ...], expected: bool) -> None:
    assert can_retry(attempts(*kinds)) is expected


def test_no_stage_is_tried_for_ever() -> None:
    # A stage has ten tenths to finish; at each place there are two attempts at most, and some that are not its fault.
    for kind, tenth in itertools.product(FAILURE_KINDS, range(10)):
        failed: list[Attempt] = []
        moves = 0
        while not failed or can_retry(failed):
            moves += moved if (moved := moves < tenth) else 0
            failed += attempts(f"{kind}+" if moved else kind)
        assert len(failed) <= tenth + (MAX_TRIES if FAILURE_KINDS[kind].costs_try else MAX_LOSSES)


def test_the_file_says_what_was_written() -> None:
    failed = attempts("worker", "memory+", "hang")
    assert attempts_from_json(attempts_to_json(failed)) == failed
    assert oom_retries(failed) == sum(attempt.kind == MEMORY.name for attempt in failed) == 1


@pytest.mark.parametrize("text", ["", "[{", "{}x", "[1]", '[{"kind": "worker"}]', '[{"kin": 1}]', "17"])
def test_a_damaged_file_is_set_aside_and_the_stage_counts_as_not_tried(room: Room, text: str) -> None:
    store = room.board().store
    folder = folder_of(store.context, "ab")
    folder.mkdir(parents=True)
    (folder / ATTEMPTS_FILE).write_text(text)
    assert store.load_attempts("ab") == ()
    assert (folder / f"{ATTEMPTS_FILE}.damaged").read_text() == text and len(store.damage) == 1


def test_a_kind_that_there_is_not_is_damage() -> None:
    text = attempts_to_json(attempts("worker")).replace("worker", "curse")
    with pytest.raises(ValueError, match="unknown kinds of failure: curse"):
        attempts_from_json(text)


@pytest.mark.parametrize("kind", [kind.name for kind in FAILURE_KINDS.values() if kind.is_transient])
def test_a_cause_that_passed_leaves_nothing_but_a_note(room: Room, kind: str) -> None:
    room.space = dataclasses.replace(room.space, seeds=(0,))
    failed_keys = set()

    def status(stage: Stage) -> str:
        if stage.key in failed_keys:
            return "finished"
        failed_keys.add(stage.key)
        return kind

    room.status = status
    board = room.run()
    assert board.is_complete and board.breaker.stop_reason is None
    assert len(room.ran) == 2 * len(failed_keys)
    assert all(arm.status == "finished" for _, arm in board.iter_arms())


@pytest.mark.parametrize("kind", ["error", "worker"])
def test_a_killed_driver_neither_forgets_nor_adds_a_try(room: Room, kind: str) -> None:
    room.status = lambda stage: kind if stage.task == "ccg" else "finished"
    most = 2 if FAILURE_KINDS[kind].is_transient else 1
    room.space = dataclasses.replace(room.space, seeds=(0,), targets=("xnli",))
    for _ in range(20):  # the driver is killed after each stage
        room.run(most=1)
        room.board().start_next()  # and once more while a stage runs
    tried = [stage.key for stage in room.ran if stage.task == "ccg"]
    assert tried and all(tried.count(key) == most for key in set(tried))


def test_retry_failed_starts_afresh(room: Room) -> None:
    room.status = lambda stage: "worker" if stage.task == "ccg" and stage.learning_rate == 2e-3 else "finished"
    room.run()
    room.retry_failed = True
    room.ran.clear()
    board = room.run()
    tried = [stage.key for stage in room.ran]
    assert tried and all(tried.count(key) == 2 for key in tried), "both tries again"
    room.retry_failed = False
    room.ran.clear()
    room.run()
    assert room.ran == []
    failed = [arm.outcome for _, arm in board.iter_arms() if arm.outcome is not None and arm.status == "failed"]
    assert {(outcome.attempts, outcome.failure) for outcome in failed} == {(2, "worker")}
