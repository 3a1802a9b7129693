"""The file that says what a sweep does now: who lives, whatever clocks say; trouble with it never ends a sweep."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from search.sweep.status_file import StatusWriter, SweepStatus, age_of, is_alive, read_status
from tests.search.conftest import Room
from trainables.storage.local_storage import LocalStorage


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


def written(room: Room) -> SweepStatus:
    """What a run of this process leaves while one stage is under way."""
    board = room.board()
    stage = board.start_next()
    assert stage is not None
    beat = StatusWriter(LocalStorage(room.results), "s", 2, print_line=pytest.fail)
    beat.record_progress(stage.key, [0.25, 0.5], "node-1")
    beat.write_if_due(board)
    now = read_status(LocalStorage(room.results), "s")
    assert now is not None
    return now


def elsewhere(storage: LocalStorage, now: SweepStatus, **changes: object) -> SweepStatus:
    """The same file, as another machine would have written it."""
    other = dataclasses.replace(now, machine="another", process=1, **changes)  # type: ignore[arg-type]
    (storage.root / "s" / "now.json").write_text(json.dumps({"version": 1, **dataclasses.asdict(other)}))
    return other


def test_it_says_what_runs_and_how_far_it_is(room: Room) -> None:
    now = written(room)
    (one,) = now.running
    assert (one.label, one.tenth, one.dev, one.node) == ("pretrain encoder", 2, 0.5, "node-1")
    assert now.process == os.getpid() and now.count == 1 and now.slots == 2 and now.ended is None


def test_the_count_rises_and_the_end_is_said(room: Room) -> None:
    board = room.run(most=2)
    beat = StatusWriter(LocalStorage(room.results), "s", 2, print_line=pytest.fail)
    beat.write_if_due(board)
    beat.write_if_due(board)  # too soon
    beat.write_last(board, "interrupted")
    now = read_status(LocalStorage(room.results), "s")
    assert now is not None and (now.count, now.ended, now.running) == (2, "interrupted", ())
    assert not is_alive(now, LocalStorage(room.results), "s")


def test_a_process_of_this_machine_lives_until_it_ends(room: Room, storage: LocalStorage) -> None:
    now = written(room)
    assert is_alive(now, storage, "s")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not is_alive(dataclasses.replace(now, process=ended.pid), storage, "s")
    if now.process_began is not None:
        later = dataclasses.replace(now, process_began=now.process_began + 1)
        assert not is_alive(later, storage, "s"), "another process that has got the same number"


@pytest.mark.parametrize("hours", [-48, 0, 48])
def test_another_machine_is_judged_by_its_count_and_not_by_its_clock(
    room: Room, storage: LocalStorage, hours: int
) -> None:
    clock = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
    now = elsewhere(storage, written(room), written=clock, began=clock)
    assert not is_alive(now, storage, "s", timeout=0.3)
    timer = threading.Timer(0.2, elsewhere, (storage, now), {"count": now.count + 1})
    timer.start()
    assert is_alive(now, storage, "s", timeout=60)
    timer.join()


def test_an_age_is_never_negative(room: Room) -> None:
    now = written(room)
    assert age_of(now) is not None
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert age_of(dataclasses.replace(now, written=ahead)) is None
    behind = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert round(age_of(dataclasses.replace(now, written=behind)) or 0) == 3600


def test_trouble_is_said_once_and_ends_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    board = room.board()
    beat = StatusWriter(LocalStorage(room.results), "s", 2, print_line=said.append)
    monkeypatch.setattr("search.sweep.status_file.write_text", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    beat.write_if_due(board)
    beat.write_last(board, "done")
    assert len(said) == 1 and "disk full" in said[0]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 1}', '{"version": 99}', '{"version": 1, "written": "x"}'])
def test_a_damaged_file_is_no_file(storage: LocalStorage, text: str) -> None:
    (storage.root / "s").mkdir()
    (storage.root / "s" / "now.json").write_text(text)
    assert read_status(storage, "s") is None
    assert read_status(storage, "other") is None
