"""What a running sweep shows: tenths of every running stage, the time left, and lines only when they are due."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from search.board.board import Board
from search.driver import progress as progress_module
from search.driver.damage import DamageReporter
from search.driver.progress import ProgressCallback
from search.driver.progress_text import (
    MAX_NAMED_STAGES,
    build_running_table,
    count_stages,
    describe_stages,
    format_best,
    format_progress,
)
from search.driver.progress_tracker import ProgressTracker
from search.driver.run_state import read_state
from search.driver.status_writer import StatusWriter
from search.request.options import parse_options
from search.sweep.throttle import is_line_due
from spaces.stage import TENTHS, Stage
from tests.search.asked import request_of
from tests.search.conftest import Room, finish
from trainables.storage.local_storage import LocalStorage

SLOTS = 4


class Clock:
    """A clock that tests set, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tracker(clock: Clock) -> ProgressTracker:
    return ProgressTracker(clock)


def describe(board: Board, tracker: ProgressTracker) -> str:
    return describe_stages(board, tracker.observe(board, SLOTS))


def start(board: Board, count: int) -> list[Stage]:
    stages = [board.start_next() for _ in range(count)]
    assert None not in stages
    return [stage for stage in stages if stage is not None]


def draw(board: Board, tracker: ProgressTracker) -> list[list[str]]:
    """Return the words of each line of the table, split where cells end."""
    console = Console(file=io.StringIO(), width=160)
    console.print(build_running_table(board, tracker.observe(board, SLOTS)))
    return [line.split("  ") for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_it_counts_what_is_done_reused_and_lost(room: Room, tracker: ProgressTracker) -> None:
    room.run(most=4)
    room.status = lambda stage: "error" if stage.task == "ccg" else "finished"
    board = room.run()
    counts = count_stages(board)
    assert counts["reused"] + counts["done"] + counts["failed"] + counts["unreachable"] == counts["planned"]
    assert counts["failed"] == 6 and counts["reused"] >= 1
    assert f"{counts['planned']} of {counts['planned']} stages" in describe(board, tracker)
    assert "%" not in describe(board, tracker)
    assert "squad-en" in format_best(board) and "xnli-en" in format_best(board)


def test_tenths_move_the_line_before_any_stage_has_ended(room: Room, tracker: ProgressTracker, clock: Clock) -> None:
    board = room.board()
    (stage,) = start(board, 1)
    assert describe(board, tracker) == "0.0 %, 0 of 55 stages, 1 running (encoder 0/10)"
    assert tracker.observe(board, SLOTS).left is None
    clock.now += 60
    tracker.record(stage.key, [0.1] * 3, 60.0, None)
    assert describe(board, tracker) == "0.5 %, 0 of 55 stages, 1 running (encoder 3/10)"
    (running,) = tracker.observe(board, SLOTS).running
    assert running.seconds == 60.0 and running.left == pytest.approx(7.5 * 20)


def test_the_first_tenth_of_a_training_gives_the_time_left(room: Room, tracker: ProgressTracker, clock: Clock) -> None:
    board = room.run(most=1)
    board.arm_duration = lambda stratum: 0.0 if stratum.kind == "pretrain" else 100.0
    stages = start(board, SLOTS)
    assert tracker.observe(board, SLOTS).left is None, "nothing is compared with pretraining"
    tracker.record(stages[0].key, [0.1], 30.0, "node")
    left = tracker.observe(board, SLOTS).left
    assert left is not None and 54 * 300 / SLOTS < left < 54 * 400 / SLOTS
    for tenth in range(2, TENTHS):
        clock.now += 30
        tracker.record(stages[0].key, [0.1] * tenth, 30.0 * tenth, "node")
        later = tracker.observe(board, SLOTS).left
        assert later is not None and later < left
        left = later


def test_opening_a_stage_is_no_part_of_its_pace_once_that_is_known(
    room: Room, tracker: ProgressTracker, clock: Clock
) -> None:
    board = room.board()
    (stage,) = start(board, 1)
    tracker.record(stage.key, [0.1], 100.0, None)  # 90 seconds of it were data and encoder
    tracker.record(stage.key, [0.1, 0.2], 110.0, None)
    assert tracker.observe(board, SLOTS).running[0].left == pytest.approx(8.5 * 10)
    tracker.record(stage.key, [0.1, 0.2], 110.0, None)  # reported again
    tracker.record(stage.key, [0.3], 10.0, None)  # from the beginning, without a checkpoint
    assert tracker.observe(board, SLOTS).running[0].left == pytest.approx(9.5 * 10)


def test_a_stage_that_waits_at_a_rung_keeps_its_tenths(room: Room, tracker: ProgressTracker, clock: Clock) -> None:
    room.run(most=7)  # the phases of a seed: only targets wait at rungs
    room.stop_early("halving", kinds=("target",))
    board = room.board()
    (stage,) = start(board, 1)
    assert stage.kind == "target"
    tracker.record(stage.key, [0.5] * 4, 40.0, None)
    running = tracker.observe(board, 1)
    state, _ = board.running[stage.key]
    assert room.early_stopping is not None
    room.early_stopping.report(state.stratum.id, stage.key, [0.5] * 4)
    board.halt(stage.key, 4, 40, 4.0)
    clock.now += 1000
    waiting = tracker.observe(board, 1)
    assert not waiting.running and waiting.tenths == running.tenths == 4
    assert waiting.left == pytest.approx(running.left), "its time does not pass while it waits"


def test_stages_that_differ_in_rate_share_a_name_and_a_line_names_few(room: Room, tracker: ProgressTracker) -> None:
    board = room.run(most=1)
    stages = start(board, 3)
    assert len({stage.learning_rate for stage in stages}) == 3
    for number, stage in enumerate(stages, start=1):
        tracker.record(stage.key, [0.5] * number, 10.0 * number, None)
    assert describe(board, tracker).endswith(f"3 running ({stages[0].task} 1/10 and 2/10 and 3/10)")
    start(board, MAX_NAMED_STAGES)
    assert describe(board, tracker).endswith(", 3 more)")


def test_a_retrieval_stage_has_no_tenths(room: Room, tracker: ProgressTracker) -> None:
    board = room.board()
    while (stage := start(board, 1)[0]).kind != "retrieval":
        board.end(stage.key, finish(board.store, stage))
    assert describe(board, tracker).endswith("1 running (tatoeba after none)")
    assert any("evaluation" in cell for cell in draw(board, tracker)[1])


def test_the_table_has_a_row_for_every_running_stage(room: Room, tracker: ProgressTracker, clock: Clock) -> None:
    board = room.run(most=1)
    first, second = start(board, 2)
    tracker.observe(board, SLOTS)
    clock.now += 120
    tracker.record(first.key, [0.2, 0.25], 120.0, None)
    header, *rows = draw(board, tracker)
    assert [[cell.strip() for cell in row if cell.strip()] for row in (header, *rows)] == [
        ["running", "tenths", "English dev", "for", "left"],
        [first.label, "2/10", "25.0", "2 min", "about 8 min"],
        [second.label, "0/10", "2 min", "about 10 min"],
    ]


def test_the_last_tenth_of_a_target_says_that_an_evaluation_follows(room: Room, tracker: ProgressTracker) -> None:
    board = room.board()
    while (stage := start(board, 1)[0]).kind != "target":
        board.end(stage.key, finish(board.store, stage))
    tracker.record(stage.key, [0.5] * 9, 90.0, None)
    assert any("9/10, then evaluation" in cell for cell in draw(board, tracker)[1])


def test_lines_become_rare_and_come_later_without_a_change() -> None:
    def count_lines(run: int, *, has_changed: bool) -> int:
        lines = last = 0
        for second in range(0, run, 10):
            if is_line_due(second, second - last, has_changed=has_changed):
                lines, last = lines + 1, second
        return lines

    assert count_lines(300, has_changed=True) >= 25 and count_lines(300, has_changed=False) == 4
    hours = 3600
    assert count_lines(6 * hours, has_changed=True) < 250 and count_lines(6 * hours, has_changed=False) < 90
    assert is_line_due(1000 * hours, 300, has_changed=False), "a sign of life at least every five minutes"


class Screen:
    """A progress callback of a board, with a clock and the text that it prints."""

    def __init__(self, room: Room, monkeypatch: pytest.MonkeyPatch, clock: Clock, **console: Any) -> None:
        monkeypatch.setattr(progress_module, "time", SimpleNamespace(monotonic=clock))
        self.output, self.clock, self.board = io.StringIO(), clock, room.run(most=1)
        self.console = Console(file=self.output, width=120, highlight=False, markup=False, **console)
        writer = StatusWriter(LocalStorage(room.results), "s", SLOTS, self.console.print)
        writer.tracker.clock = clock
        self.callback = ProgressCallback(self.board, SLOTS, self.console, writer)

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.now += 1
            self.callback.on_step_begin()

    def report(self, stage: Stage, tenth: int, seconds: float) -> None:
        trial = SimpleNamespace(config={"key": stage.key})
        self.callback.on_trial_result(1, [], trial, {"curve": [0.5] * tenth, "seconds": seconds, "hostname": "node"})

    @property
    def lines(self) -> list[str]:
        return self.output.getvalue().splitlines()


def test_plain_lines_come_with_changes_and_as_signs_of_life(
    room: Room, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    screen = Screen(room, monkeypatch, clock)
    (stage,) = start(screen.board, 1)
    screen.wait(60)
    assert len(screen.lines) == 1, "it began"
    screen.wait(60)
    assert len(screen.lines) == 2, "a sign of life"
    screen.report(stage, 1, 110.0)
    screen.wait(15)
    screen.report(stage, 2, 125.0)
    screen.wait(15)
    assert len(screen.lines) == 4 and f"({stage.task} 2/10); about " in screen.lines[-1]
    screen.board.end(stage.key, finish(screen.board.store, stage))
    screen.callback.on_experiment_end([])
    assert "2 of 55 stages" in screen.lines[-1], "the last line always"


def test_the_best_tasks_are_said_when_they_change(room: Room, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    screen = Screen(room, monkeypatch, clock)
    while not format_best(screen.board):
        (stage,) = start(screen.board, 1)
        screen.board.end(stage.key, finish(screen.board.store, stage))
    screen.wait(300)
    assert len(screen.lines) > 3 and sum("best so far" in line for line in screen.lines) == 1


def test_the_live_table_moves_with_the_tenths(room: Room, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    screen = Screen(room, monkeypatch, clock, force_terminal=True)
    screen.callback.setup()
    (stage,) = start(screen.board, 1)
    screen.report(stage, 7, 70.0)
    group = screen.callback._render()
    screen.callback.on_experiment_end([])
    console = Console(file=io.StringIO(), width=120)
    console.print(group)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert stage.label in text and "7/10" in text and "50.0" in text and "about 35 s" in text


def test_forced_colours_make_no_terminal_of_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook gives its commands FORCE_COLOR, and their output is a pipe: it gets lines, not a live table."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    flags = ["--space", "quick", "--results", str(tmp_path)]
    request = request_of(*flags)
    run = read_state(request, parse_options(flags), SLOTS, DamageReporter(request.context.results, pytest.fail))
    assert not run.console.is_terminal


def test_a_line_without_an_estimate_does_not_mention_one() -> None:
    assert format_progress("0 of 2 stages", 240.0, None) == "[4 min] 0 of 2 stages"
    assert format_progress("0 of 2 stages", 240.0, 18000.0) == "[4 min] 0 of 2 stages; about 5.0 h left"
