"""status.py --watch: a line per change without a terminal, one drawing in a terminal, and an end with the sweep."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from search.driver.status_writer import StatusWriter
from search.status import main
from search.sweep import status_watch
from search.sweep.status_watch import watch_sweeps
from search.sweep.sweep_state import read_states
from search.sweep.throttle import Throttle
from tests.search.conftest import AlwaysDue, Room, files_in
from trainables.storage.local_storage import LocalStorage


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep is looked at whenever there is time."""
    monkeypatch.setattr(status_watch, "Throttle", lambda interval: Throttle(0.0))
    monkeypatch.setattr(status_watch, "WAIT", 0.001)


def writer_of(room: Room) -> StatusWriter:
    return StatusWriter(LocalStorage(room.results), "s", 2, print_line=pytest.fail)


def run_in_steps(room: Room, steps: list[Callable[[], object]], *, terminal: bool = False) -> str:
    """Watch a sweep that goes one step on before each look; return what was printed."""
    output = io.StringIO()
    waiting = list(steps)

    def read() -> object:
        if waiting:
            waiting.pop(0)()
        return read_states(LocalStorage(room.results), ["s"])

    watch_sweeps(read, Console(file=output, force_terminal=terminal, width=100, height=30))  # type: ignore[arg-type]
    assert not waiting
    return output.getvalue()


def steps_of(room: Room) -> list[Callable[[], object]]:
    """A sweep that starts, does nothing, ends a stage, and ends all of them."""
    board, writer = room.run(most=5), writer_of(room)
    room.write(board)

    def step() -> None:
        stage = board.start_next()
        assert stage is not None
        room.step(board, stage)
        writer._write(board, None)

    def end() -> None:
        while (stage := board.start_next()) is not None:
            room.step(board, stage)
        room.write(board)
        writer.write_last(board, "done")

    return [lambda: writer._write(board, None), lambda: None, step, end]


def test_without_a_terminal_every_change_is_a_line_and_nothing_else_is(room: Room) -> None:
    lines = run_in_steps(room, steps_of(room)).splitlines()
    line = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC  s: (\w+), (\d+) of 55 stages settled .*")
    told = [match and match.groups() for match in map(line.fullmatch, lines)]
    assert told == [("running", "5"), ("running", "6"), ("complete", "55")]
    assert lines[-1].endswith("(55 finished)") and "50 waiting" in lines[0]


def test_without_a_terminal_a_line_comes_when_a_stage_has_moved_and_the_last_is_long_ago(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(status_watch, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=lambda _: None))
    board, writer = room.run(most=5), writer_of(room)
    writer.tracker.positions.throttle = AlwaysDue()
    stage = board.start_next()
    assert stage is not None
    room.write(board)

    def go_on(seconds: float, step: int) -> None:
        now[0] += seconds
        position = {"tenth": 0, "activity": "training", "done": step, "total": 40}
        (room.results / "stages" / stage.key / "position.json").write_text(json.dumps(position))
        writer._progress = None
        writer._write(board, None)

    steps = [lambda: writer._write(board, None), lambda: go_on(30, 10), lambda: go_on(31, 20), lambda: go_on(200, 20)]
    lines = run_in_steps(room, [*steps, lambda: writer.write_last(board, "interrupted")]).splitlines()
    assert [line.partition(f"; {stage.label} ")[2].partition(";")[0] for line in lines] == [
        "0/10",
        "0/10, step 20 of 40",
        "",
    ]
    assert "interrupted" in lines[-1]


def test_in_a_terminal_the_whole_state_is_drawn_over_and_over(room: Room) -> None:
    text = run_in_steps(room, steps_of(room), terminal=True)
    assert text.count("stages: 5 of 55 settled") == 2 and text.count("stages: 55 of 55 settled") >= 1
    assert "\x1b[2K" in text and "\x1b[1A" in text  # lines are erased before they are drawn again


def test_a_sweep_that_does_not_run_is_shown_once(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.write(room.run(most=5))
    before = files_in(room.results)
    assert main([str(room.results / "s"), "--watch"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("s: interrupted, 5 of 55 stages settled (5 finished, 50 waiting)")
    assert files_in(room.results) == before


def test_forced_colours_draw_nothing_into_a_pipe(
    room: Room, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A notebook gives its commands FORCE_COLOR, and their output is a pipe."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    room.write(room.run(most=5))
    assert main([str(room.results / "s"), "--watch"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "interrupted, 5 of 55" in line and "\x1b" not in line


def test_ctrl_c_ends_the_watcher_and_changes_nothing(room: Room) -> None:
    steps = steps_of(room)

    def interrupt() -> None:
        raise KeyboardInterrupt

    text = run_in_steps(room, [*steps[:1], interrupt])
    assert text.count("running, 5 of 55") == 1


def test_sweeps_of_a_results_folder_are_watched_together(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    board = room.run(most=4)
    room.write(board, "one")
    room.write(board, "two")
    assert main([str(room.results), "--watch"]) == 0
    assert [line.partition("UTC  ")[2][:16] for line in capsys.readouterr().out.splitlines()] == [
        "one: interrupted",
        "two: interrupted",
    ]


def test_watch_and_json_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path), "--watch", "--json"])
    assert stop.value.code == 2
