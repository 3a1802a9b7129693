"""status.py reads a sweep's files alone, whatever state it was left in, and writes none."""

import dataclasses
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from search import clean
from search.driver.progress_text import count_stages
from search.driver.status_writer import StatusWriter
from search.status import main
from search.sweep.estimate import estimate_time_left, find_best_so_far
from search.sweep.sweep_state import read_states
from spaces.stage import OUTCOME_FILE
from tests.paths import ROOT
from tests.s3_server import S3Server
from tests.search.conftest import AlwaysDue, Room, files_in
from trainables.storage.base import join_url
from trainables.storage.local_storage import LocalStorage
from trainables.storage.object_storage import ObjectStorage


def look(room: Room, capsys: pytest.CaptureFixture[str], *flags: str, name: str = "s") -> tuple[int, str, str]:
    """Return exit code, output and errors; assert that no file has changed."""
    before = files_in(room.results)
    code = main([str(room.results / name), *flags])
    assert files_in(room.results) == before
    return code, *capsys.readouterr()


def read_json(room: Room, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The printed JSON."""
    code, out, _ = look(room, capsys, "--json")
    assert code == 0
    return dict(json.loads(out))


@pytest.mark.parametrize("ended", [0, 1, 8, 30, 55])
def test_it_counts_as_the_board_does(room: Room, capsys: pytest.CaptureFixture[str], ended: int) -> None:
    board = room.run(most=ended)
    room.write(board)
    summary, expected = read_json(room, capsys), count_stages(board)
    assert summary["state"] == ("complete" if ended == 55 else "interrupted")
    assert summary["stages"]["planned"] == expected["planned"] == 55
    assert summary["stages"]["finished"] == expected["done"] + expected["reused"] == ended
    assert summary["stages"]["waiting"] == 55 - ended and summary["stages"]["running"] == 0
    assert sum(kind["ended"] for kind in summary["kinds"].values()) == ended
    best = {task: (entry["intermediate"], entry["dev"]) for task, entry in summary["best"].items()}
    assert best == find_best_so_far(board.states.values())
    left = estimate_time_left(board.states.values(), 1).sweep
    assert summary["time"] == {"spent": 2.0 * ended, "left": left, "slots": 1}


def test_a_run_that_goes_on_says_what_runs(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    board = room.run(most=5)
    first, second = board.start_next(), board.start_next()
    assert first is not None and second is not None
    room.write(board)
    writer = StatusWriter(LocalStorage(room.results), "s", 2, print_line=pytest.fail)
    writer.tracker.record(first.key, [0.25], 20.0, "node-1")
    writer.write_if_due(board)
    summary = read_json(room, capsys)
    assert summary["state"] == "running" and summary["stages"]["running"] == 2 and summary["stages"]["waiting"] == 48
    running = [(row["key"], row["tenth"], row["dev"]) for row in summary["running"]]
    assert running == [(first.key, 1, 0.25), (second.key, 0, None)]
    _, text, _ = look(room, capsys)
    assert first.label in text and "last status " in text
    assert re.search(r"1 of 10 tenths, dev 25.0, about 3 min left, on node-1\n", text)
    assert summary["time"]["left"] == pytest.approx(writer.tracker.observe(board, 2).left, abs=5)


def test_a_killed_run_is_interrupted_and_continues(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    board = room.run(most=5)
    room.write(board)
    StatusWriter(LocalStorage(room.results), "s", 2, print_line=pytest.fail).write_if_due(board)
    path = room.results / "s" / "now.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "process_began": 1}))  # as if this process had ended
    _, text, _ = look(room, capsys)
    assert "killed or crashed; last status " in text and "Run the sweep again to continue." in text


def test_an_interrupted_run_without_an_ended_stage_keeps_its_last_estimate(
    room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    board = room.board()
    room.write(board)
    writer = StatusWriter(LocalStorage(room.results), "s", 2, print_line=pytest.fail)
    writer.write_last(board, "interrupted")
    assert "time left unknown" in look(room, capsys)[1]
    path = room.results / "s" / "now.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "left": 7200.0}))
    assert "about 2.0 h left on 2 slots" in look(room, capsys)[1]


def test_failures_that_are_nearly_alike_are_told_together(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.status = lambda stage: (
        f"error: OSError: no room for {stage.seed} in {stage.key}"
        if stage.task == "ccg" and stage.learning_rate != 1e-3
        else "error: ValueError: another"
        if stage.task == "ccg"
        else "finished"
    )
    board = room.run()
    room.write(board)
    summary = read_json(room, capsys)
    assert summary["state"] == "complete with failures"
    assert [(group["kind"], group["stages"]) for group in summary["failures"]] == [("error", 4), ("error", 2)]
    assert summary["failures"][0]["reason"].startswith("OSError: no room for") and summary["stages"]["failed"] == 6
    lost = sum(group.stratum.arm_count for group in board.states.values() if group.unreachable_reason)
    assert summary["stages"]["unreachable"] == sum(summary["unreachable"].values()) == lost > 0
    assert summary["stages"]["waiting"] == 0
    assert "4 x error: OSError" in look(room, capsys)[1]


def test_a_stage_that_another_sweep_stopped_is_still_to_come(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.stop_early("halving", "s/rungs")
    board = room.run()
    room.write(board)
    stopped = count_stages(board)["stopped"]
    assert stopped and read_json(room, capsys)["stages"]["stopped"] == stopped
    (room.results / "s" / "rungs").rename(room.results / "elsewhere")
    summary = read_json(room, capsys)
    assert summary["stages"]["stopped"] == 0 and summary["stages"]["waiting"] > 0 and summary["state"] == "interrupted"


def test_what_a_race_decided_is_said(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.write(room.run())
    path = room.results / "s" / "sweep.json"
    written = json.loads(path.read_text())
    assert read_json(room, capsys)["decided"] == {}
    path.write_text(json.dumps({**written, "decided": {"ccg": {"after": [0, 1, 2], "of": 8}}}))
    assert read_json(room, capsys)["decided"] == {"ccg": {"after": 3, "of": 8}}
    assert "decided early: ccg after 3 of 8 seeds" in look(room, capsys)[1]
    path.write_text(json.dumps({**written, "decided": {"ccg": 3}}))
    assert look(room, capsys)[0] == 2


def test_children_of_an_earlier_winner_are_past(room: Room) -> None:
    # More rates may change who wins: what started from the earlier winner is no part of the sweep any more.
    rates = room.space.learning_rates
    assert isinstance(rates, tuple)
    room.space = dataclasses.replace(room.space, learning_rates=rates[:1])
    first = room.run()
    room.space = dataclasses.replace(room.space, learning_rates=rates)
    second = room.run()
    stages = {arm.stage.key: stratum.id for board in (first, second) for stratum, arm in board.iter_arms()}
    room.write(second)
    path = room.results / "s" / "sweep.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "stages": stages}))
    (state,) = read_states(LocalStorage(room.results), ["s"])
    known = {arm.stage.key for _, arm in second.iter_arms()}
    assert known < stages.keys(), "the winner is the same for every rate: nothing is shown"
    assert {arm.stage.key for _, arm, _ in state.iter_ended_arms()} == known and state.is_complete


def test_what_is_damaged_is_named_and_counts_as_waiting(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.write(room.run())
    key = room.ran[-1].key
    (room.results / "stages" / key / OUTCOME_FILE).write_text("{")
    summary = read_json(room, capsys)
    assert (summary["damaged"], summary["state"]) == ([f"stages/{key}"], "interrupted")
    assert summary["stages"]["waiting"] == 1


def test_disk_is_told_by_kind(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.write(room.run(most=3))
    (room.results / "stages" / room.ran[0].key / "checkpoint").write_bytes(bytes(1000))
    disk = read_json(room, capsys)["disk"]
    assert disk["kinds"]["checkpoints"] == {"files": 1, "bytes": 1000}
    assert disk["bytes"] == sum(kind["bytes"] for kind in disk["kinds"].values()) == disk["of_this_sweep"]
    assert disk["free"] > 0


def test_a_results_folder_lists_its_sweeps(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    board = room.run(most=4)
    room.write(board, "one")
    room.write(board, "two")
    lines = look(room, capsys, name=".")[1].splitlines()
    assert lines == ["one: interrupted, 4 of 55 stages", "two: interrupted, 4 of 55 stages"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ss", None, "unknown sweep 'ss': did you mean s?"),
        ("stages", None, "is not a sweep: unknown sweep 'stages'"),
        ("s", "{", "sweep.json is damaged"),
        ("s", '{"spec": {}, "stages": {}}', "has no plan (`planned`). Run the sweep again"),
        (
            "s",
            '{"spec": {}, "stages": {}, "planned": {"a.b": {"arms": 1, "parent": null}}}',
            "has an unreadable stratum 'a.b' in `planned`",
        ),
        ("s", '{"spec": {}, "stages": {"../../x": "t"}, "planned": {}}', "invalid name '../../x' in `stages`"),
        ("s", '{"spec": {}, "stages": {"..": "t"}, "planned": {}}', "is damaged"),
    ],
)
def test_what_cannot_be_read_gets_one_line(
    room: Room, capsys: pytest.CaptureFixture[str], name: str, content: str | None, message: str
) -> None:
    room.write(room.run(most=1))
    if content is not None:
        (room.results / "s" / "sweep.json").write_text(content)
    code, _, error = look(room, capsys, name=name)
    assert code == 2 and message in error


def test_object_storage_is_read_and_cleaned_as_a_folder_is(
    room: Room, s3: S3Server, capsys: pytest.CaptureFixture[str]
) -> None:
    room.write(room.run(most=12))
    for name in (room.ran[-1].key, "0123456789abcdef"):
        path = room.results / "stages" / name / "checkpoint"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"checkpoint")
    url = s3.bucket()
    storage = ObjectStorage(url)
    for name, content in files_in(room.results).items():
        storage.write_file(name, lambda path, content=content: path.write_bytes(content))
    summary = read_json(room, capsys)
    assert main([join_url(url, "s"), "--json"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert other["disk"].pop("free") is None and summary["disk"].pop("free")
    assert {**summary, "results": storage.url} == other
    assert main([join_url(url, "t")]) == 2
    assert "unknown sweep 't'" in capsys.readouterr().err
    before = set(storage.list_sizes())
    assert clean.main([url, "--dry-run"]) == 0 and set(storage.list_sizes()) == before
    assert clean.main([url, "--foreign"]) == 0
    gone = before - set(storage.list_sizes())
    assert gone == {f"stages/{key}/checkpoint" for key in (room.ran[-1].key, "0123456789abcdef")}


@pytest.mark.parametrize("script", ["status", "clean"])
def test_it_starts_from_any_folder_and_loads_nothing_heavy(room: Room, script: str) -> None:
    room.write(room.run(most=1))
    flags = ["--dry-run"] if script == "clean" else []
    path = ROOT / "search" / f"{script}.py"
    command = [sys.executable, "-X", "importtime", str(path), str(room.results / "s"), *flags]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "search" in loaded and not {"ray", "torch", "transformers", "datasets", "polars"} & loaded


def test_a_stage_says_how_far_it_is_within_its_tenth(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    board = room.run(most=5)
    stage = board.start_next()
    assert stage is not None
    room.write(board)
    writer = StatusWriter(LocalStorage(room.results), "s", 2, print_line=pytest.fail)
    writer.tracker.positions.throttle = AlwaysDue()
    writer.tracker.observe(board, 2)
    position = {"tenth": 3, "activity": "training", "done": 20, "total": 40}
    (room.results / "stages" / stage.key / "position.json").write_text(json.dumps(position))
    writer.write_if_due(board)
    (running,) = read_json(room, capsys)["running"]
    assert {name: running[name] for name in position} == position and running["silent"] == 0.0
    assert "3 of 10 tenths, step 20 of 40" in look(room, capsys)[1]
