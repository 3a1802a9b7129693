"""export.py --to wandb: each stage is one offline run, however often it is exported, and `wandb sync` finds it."""

import dataclasses
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.export import main
from tests.analysis.sweep_files import Capture, Run, add_run, printed, refused, write_run, write_sweep
from tests.analysis.tracked_sweep import NLI, PHASE, RUNS

pytest.importorskip("wandb", reason="wandb is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of W&B

BLOCK, HEADER = 2**15, struct.Struct("<IHB")  # of the log's format: checksum, length, kind of part
WHOLE, LAST = 1, 4


def read_records(file: Path) -> Iterator[Any]:
    """The records of an offline run: a log of LevelDB's format, after seven bytes of W&B's own."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, record = file.read_bytes(), 7, b""
    while place < len(content):
        if BLOCK - place % BLOCK < HEADER.size:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = HEADER.unpack_from(content, place)
        record += content[place + HEADER.size : place + HEADER.size + length]
        place += HEADER.size + length
        if kind in (WHOLE, LAST):
            yield Record.FromString(record)
            record = b""
    assert not record


def read_points(folder: Path) -> dict[str, list[dict[str, float]]]:
    """The points of each run by the key of its stage, with `step`; each run is whole, and each stage has one."""
    points = {}
    for file in folder.glob("*/*.wandb"):
        records = list(read_records(file))
        assert records[-1].WhichOneof("record_type") == "exit"
        rows = [record.history for record in records if record.WhichOneof("record_type") == "history"]
        values = [{item.nested_key[0]: json.loads(item.value_json) for item in row.item} for row in rows]
        key = file.parent.name.removeprefix("offline-run-").rpartition("-")[0]
        assert key not in points
        points[key] = [
            {"step": row["_step"]} | {name: row[name] for name in row if not name.startswith("_")} for row in values
        ]
    return points


def test_curves_and_scores_of_a_stage_worked_by_hand(tmp_path: Path, capsys: Capture) -> None:
    sweep, out = write_sweep(tmp_path, RUNS), tmp_path / "wandb"
    assert "3 new stages, 0 were there already" in printed(capsys, main, sweep, "--to", "wandb", "-o", out)
    points = read_points(out)
    assert points.keys() == {run.key for run in RUNS}
    first, second, last = points[NLI.key]
    assert first == {"step": 1, "dev/xnli/accuracy": 0.2, "seconds": 2.0}  # 20 seconds in ten tenths
    assert second == {"step": 2, "dev/xnli/accuracy": 0.6, "seconds": 4.0}
    tests = {"test/xnli/accuracy": 0.4, "test/xnli/accuracy/en": 0.5, "test/xnli/accuracy/de": 0.3}
    assert tests.items() | {("step", 10), ("seconds", 20.0)} < last.items()
    assert [point["phase/accuracy"] for point in points[PHASE.key]] == [0.4, 0.7]
    (file,) = out.glob(f"offline-run-{NLI.key}-*/*.wandb")
    (run,) = (record.run for record in read_records(file) if record.WhichOneof("record_type") == "run")
    assert run.project == "sweep" and run.display_name.startswith("nli/xnli/seed-0/rate-0.001-")
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["learning_rate"] == 1e-3 and config["targets"] == "xnli"


def test_a_second_call_adds_only_what_is_new_and_replaces_what_has_changed(tmp_path: Path, capsys: Capture) -> None:
    sweep, out = write_sweep(tmp_path, RUNS), tmp_path / "wandb"
    flags = ("--to", "wandb", "-o", out)
    printed(capsys, main, sweep, *flags)
    before, files = read_points(out), {file: file.stat().st_mtime_ns for file in out.rglob("*")}
    assert "0 new stages, 3 were there already" in printed(capsys, main, sweep, *flags)
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*")} == files
    add_run(sweep, Run(intermediate="qa", test={"xnli": {"en": 0.5}}))
    write_run(tmp_path, dataclasses.replace(NLI, test={"xnli": {"en": 0.75}}))
    assert "2 new stages, 2 were there already" in printed(capsys, main, sweep, *flags)
    after = read_points(out)
    assert len(after) == 4 and after[NLI.key][-1]["test/xnli/accuracy/en"] == 0.75
    assert {key for key in before if before[key] == after[key]} == before.keys() - {NLI.key}


def test_wandb_sync_would_send_each_stage_once(tmp_path: Path, capsys: Capture) -> None:
    sweep, out = write_sweep(tmp_path, RUNS), tmp_path / "wandb"
    for _ in range(2):
        printed(capsys, main, sweep, "--to", "wandb", "-o", out)
    command = [sys.executable, "-m", "wandb", "sync", "--dry-run", str(out)]
    environment = {**os.environ, "WANDB_MODE": "offline"}
    sync = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
    assert "Would sync 3 run(s)" in sync.stdout + sync.stderr


def test_a_place_that_cannot_be_written_gets_one_line(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").touch()
    said = refused(capsys, main, write_sweep(tmp_path, RUNS), "--to", "wandb", "-o", tmp_path / "file")
    assert "file cannot be written by W&B" in said
