"""The position of a running stage: what its file says, when it is written, and that it changes nothing."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from spaces.stage import TENTHS
from tests.on_disk import folder_of
from tests.tiny_stages import RETRIEVAL, TARGET, run_stage, start_stage
from trainables.record import position
from trainables.record.context import POSITION, SCORES, StageContext
from trainables.record.position import PositionReporter, StagePosition, find_position, read_position
from trainables.worker.heartbeat import beat
from trainables.worker.stage_clock import StageClock, count, spend


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit, "it did not come"
        time.sleep(0.005)


def where(clock: StageClock, tenth: int = 0) -> StagePosition:
    return dataclasses.replace(find_position(SimpleNamespace(tenth=tenth), clock), beats=0)


def test_the_position_is_the_innermost_activity_with_its_count() -> None:
    now = [0.0]
    clock = StageClock(lambda: now[0])
    assert find_position(None, clock).activity == "waiting"
    with clock.running("training"):
        count(0, 40)
        now[0] = 6.0
        count(12, 40)
        assert where(clock, 3) == StagePosition(tenth=3, activity="training", done=12, total=40, seconds=6.0)
        with spend("dev"):
            assert where(clock) == StagePosition(tenth=0, activity="dev")
        assert where(clock).done == 12
        now[0] = 10.0
        count(0, 40)
        assert where(clock).seconds == 0.0, "a count begins at 0"
    with clock.running("training"):
        assert where(clock).total == 0, "a count ends with its activity"
    count(1, 2)  # without a stage nothing is counted


def test_a_beat_is_a_sign_of_life_without_a_count() -> None:
    clock = StageClock()
    before = find_position(None, clock)
    assert find_position(None, clock) == before
    beat()
    assert find_position(None, clock) == dataclasses.replace(before, beats=before.beats + 1)


def test_a_file_is_written_when_something_changed_and_is_gone_at_the_end(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(position, "REPORT_SECONDS", 0.001)
    told = [StagePosition(tenth=0, activity="loading")]
    reporter = PositionReporter(context, TARGET.key, lambda: told[0])
    file = folder_of(context, TARGET.key) / POSITION
    until(file.exists)
    first = file.stat()
    time.sleep(0.05)
    assert file.stat().st_mtime_ns == first.st_mtime_ns and file.stat().st_ino == first.st_ino, "nothing has changed"
    told[0] = StagePosition(tenth=1, activity="training", done=3, total=4)
    until(lambda: read_position(context, TARGET.key) == told[0])
    reporter.close()
    assert not file.exists() and not any(folder_of(context, TARGET.key).iterdir())


def test_a_storage_that_fails_does_not_end_the_stage(context: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(position, "REPORT_SECONDS", 0.001)
    asked = []

    def refuse(*_: object) -> None:
        asked.append(1)
        raise OSError("no answer")

    with monkeypatch.context() as broken:
        broken.setattr(position, "write_text", refuse)
        reporter = PositionReporter(context, TARGET.key, lambda: StagePosition(tenth=0, activity="loading"))
        until(lambda: len(asked) > 2)
        assert reporter._thread.is_alive() and read_position(context, TARGET.key) is None
    until(lambda: read_position(context, TARGET.key) is not None)
    assert read_position(context, TARGET.key) == StagePosition(tenth=0, activity="loading")
    reporter.close()


def test_a_stage_tells_steps_tests_and_nothing_once_it_is_closed(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[StagePosition] = []
    original = StageClock.count

    def record(clock: StageClock, done: int, total: int) -> None:
        original(clock, done, total)
        told.append(find_position(None, clock))

    monkeypatch.setattr(StageClock, "count", record)
    for stage in (TARGET, RETRIEVAL):
        run_stage(context, stage, TENTHS if stage is TARGET else 1)
        assert read_position(context, stage.key) is None
    counts = {
        activity: [(each.done, each.total) for each in told if each.activity == activity]
        for activity in ("training", "test")
    }
    assert counts["training"] == [(step, 2) for _ in range(TENTHS) for step in range(3)]
    assert counts["test"] == [(0, 3), (1, 3), (2, 3), (0, 2), (1, 2)]


def test_reports_change_neither_key_nor_scores(
    context: StageContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_stage(context, TARGET)
    expected = _values(context)
    monkeypatch.setattr(position, "REPORT_SECONDS", 0.0)
    other = dataclasses.replace(context, results=type(context.results)(tmp_path / "other"))  # type: ignore[call-arg]
    run_stage(other, TARGET)
    assert _values(other) == expected


def _values(context: StageContext) -> dict[str, object]:
    rows = pl.read_parquet(folder_of(context, TARGET.key) / SCORES)
    names = ["target", "split", "tenth", "language", "metric", "value"]
    return {name: rows[name].to_list() for name in names}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"tenth": 1}', '{"tenth": 1, "activity": "sleeping"}'])
def test_an_unreadable_file_is_none(context: StageContext, content: str) -> None:
    folder = folder_of(context, TARGET.key)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / POSITION).write_text(content)
    assert read_position(context, TARGET.key) is None
    (folder / POSITION).write_text(json.dumps({"tenth": 1, "activity": "dev"}))
    assert read_position(context, TARGET.key) == StagePosition(tenth=1, activity="dev")


def test_a_file_that_a_killed_worker_left_goes_with_the_next_one(context: StageContext) -> None:
    with contextlib.closing(start_stage(context, TARGET)):
        (folder_of(context, TARGET.key) / POSITION).write_text("{}")
    assert not (folder_of(context, TARGET.key) / POSITION).exists()
