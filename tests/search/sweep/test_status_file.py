"""The status file of a sweep: liveness whatever the clocks say; errors in writing it never end a sweep."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from search.driver.status_writer import StatusWriter
from search.sweep.status_file import SweepStatus, age_of, is_alive, read_status
from tests.search.conftest import Room
from trainables.storage.local_storage import LocalStorage


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


def written(room: Room) -> SweepStatus:
    """Return the status that a run of this process writes while one stage runs."""
    board = room.board()
    stage = board.start_next()
    assert stage is not None
    writer = StatusWriter(LocalStorage(room.results), "s", 2, print_line=pytest.fail)
    writer.tracker.record(stage.key, [0.25, 0.5], 20.0, "node-1")
    writer.write_if_due(board)
    status = read_status(LocalStorage(room.results), "s")
    assert status is not None
    return status


def elsewhere(storage: LocalStorage, status: SweepStatus, **changes: object) -> SweepStatus:
    """Write the same file as another machine would; returns its contents."""
    other = dataclasses.replace(status, machine="another", process=1, **changes)  # type: ignore[arg-type]
    (storage.root / "s" / "now.json").write_text(json.dumps({"version": 1, **dataclasses.asdict(other)}))
    return other


def test_it_says_what_runs_and_how_far_it_is(room: Room) -> None:
    status = written(room)
    (stage,) = status.running
    assert (stage.label, stage.tenth, stage.dev, stage.node) == ("pretrain encoder", 2, 0.5, "node-1")
    assert stage.left == pytest.approx(85.0, abs=0.5), "eight and a half tenths"
    assert status.process == os.getpid() and status.count == 1 and status.slots == 2 and status.ended is None


def test_the_count_rises_and_the_end_is_said(room: Room) -> None:
    board = room.run(most=2)
    writer = StatusWriter(LocalStorage(room.results), "s", 2, print_line=pytest.fail)
    writer.write_if_due(board)
    writer.write_if_due(board)  # too soon
    writer.write_last(board, "interrupted")
    status = read_status(LocalStorage(room.results), "s")
    assert status is not None and (status.count, status.ended, status.running) == (2, "interrupted", ())
    assert not is_alive(status, LocalStorage(room.results), "s")


def test_a_process_of_this_machine_lives_until_it_ends(room: Room, storage: LocalStorage) -> None:
    status = written(room)
    assert is_alive(status, storage, "s")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not is_alive(dataclasses.replace(status, process=ended.pid), storage, "s")
    if status.process_began is not None:
        later = dataclasses.replace(status, process_began=status.process_began + 1)
        assert not is_alive(later, storage, "s"), "another process with the same id"


@pytest.mark.parametrize("hours", [-48, 0, 48])
def test_another_machine_is_judged_by_its_count_and_not_by_its_clock(
    room: Room, storage: LocalStorage, hours: int
) -> None:
    clock = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    status = elsewhere(storage, written(room), written=clock, began=clock)
    assert not is_alive(status, storage, "s", timeout=0.3)
    timer = threading.Timer(0.2, elsewhere, (storage, status), {"count": status.count + 1})
    timer.start()
    assert is_alive(status, storage, "s", timeout=60)
    timer.join()


def test_an_age_is_never_negative(room: Room) -> None:
    status = written(room)
    assert age_of(status) is not None
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert age_of(dataclasses.replace(status, written=ahead)) is None
    behind = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert round(age_of(dataclasses.replace(status, written=behind)) or 0) == 3600


def test_trouble_is_said_once_and_ends_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    board = room.board()
    writer = StatusWriter(LocalStorage(room.results), "s", 2, print_line=lines.append)
    monkeypatch.setattr(
        "search.driver.status_writer.write_text", lambda *_: (_ for _ in ()).throw(OSError("disk full"))
    )
    writer.write_if_due(board)
    writer.write_last(board, "done")
    assert len(lines) == 1 and "disk full" in lines[0]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 1}', '{"version": 99}', '{"version": 1, "written": "x"}'])
def test_a_damaged_file_is_no_file(storage: LocalStorage, text: str) -> None:
    (storage.root / "s").mkdir()
    (storage.root / "s" / "now.json").write_text(text)
    assert read_status(storage, "s") is None
    assert read_status(storage, "other") is None
