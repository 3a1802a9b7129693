"""export.py --to trackio: each stage is one run of the sweep's project, however often it is exported."""

import dataclasses
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from analysis.export import main
from tests.analysis.sweep_files import Capture, Run, add_run, printed, refused, write_run, write_sweep
from tests.analysis.tracked_sweep import NLI, PHASE, RUNS

pytestmark = pytest.mark.filterwarnings("ignore")  # of Trackio and the server below it


@pytest.fixture(autouse=True)
def new_trackio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trackio as a new process has it: it reads the place of its databases when it is imported."""
    pytest.importorskip("trackio", reason="trackio is not installed")
    monkeypatch.setenv("TRACKIO_DIR", "")  # what the export sets ends with the test
    for name in [name for name in sys.modules if name.split(".")[0] == "trackio"]:
        monkeypatch.delitem(sys.modules, name)


def read_points(folder: Path) -> dict[str, list[tuple[int, dict[str, float], str]]]:
    """Step, values and time of the points of each run by its id, as Trackio's own reader has them."""
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    runs = list(trackio.Api().runs("sweep"))
    logs = {run.id: SQLiteStorage.get_logs("sweep", run.name, run_id=run.id) for run in runs}
    assert len(logs) == len(runs)
    with sqlite3.connect(folder / "sweep.db") as database:
        assert database.execute("SELECT count(*) FROM metrics").fetchone() == (sum(map(len, logs.values())),)
    return {key: [_split(row) for row in rows] for key, rows in logs.items()}


def _split(row: dict[str, Any]) -> tuple[int, dict[str, float], str]:
    return row.pop("step"), {name: row[name] for name in row if "/" in name}, row.pop("timestamp")


def test_curves_and_scores_of_a_stage_worked_by_hand(tmp_path: Path, capsys: Capture) -> None:
    sweep, out = write_sweep(tmp_path, RUNS), tmp_path / "trackio"
    assert "3 new stages, 0 were there already" in printed(capsys, main, sweep, "--to", "trackio", "-o", out)
    points = read_points(out)
    assert points.keys() == {run.key for run in RUNS}
    first, second, last = points[NLI.key]
    assert first == (1, {"dev/xnli/accuracy": 0.2}, "1970-01-01T00:00:02+00:00")  # 20 seconds in ten tenths
    assert second[:2] == (2, {"dev/xnli/accuracy": 0.6})
    tests = {"test/xnli/accuracy": 0.4, "test/xnli/accuracy/en": 0.5, "test/xnli/accuracy/de": 0.3}
    assert last[0] == 10 and tests.items() < last[1].items() and last[2] == "1970-01-01T00:00:20+00:00"
    assert [point[:2] for point in points[PHASE.key]] == [(1, {"phase/accuracy": 0.4}), (2, {"phase/accuracy": 0.7})]

    import trackio

    (run,) = (run for run in trackio.Api().runs("sweep") if run.id == NLI.key)
    assert run.name.startswith("nli/xnli/seed-0/rate-0.001-")
    assert run.config["learning_rate"] == 1e-3 and run.config["targets"] == "xnli"


def test_a_second_call_adds_only_what_is_new_and_replaces_what_has_changed(tmp_path: Path, capsys: Capture) -> None:
    sweep, out = write_sweep(tmp_path, RUNS), tmp_path / "trackio"
    flags = ("--to", "trackio", "-o", out)
    printed(capsys, main, sweep, *flags)
    before = read_points(out)
    assert "0 new stages, 3 were there already" in printed(capsys, main, sweep, *flags)
    assert read_points(out) == before
    add_run(sweep, Run(intermediate="qa", test={"xnli": {"en": 0.5}}))
    write_run(tmp_path, dataclasses.replace(NLI, test={"xnli": {"en": 0.75}}))
    assert "2 new stages, 2 were there already" in printed(capsys, main, sweep, *flags)
    after = read_points(out)
    assert len(after) == 4 and [step for step, *_ in after[NLI.key]] == [1, 2, 10]
    assert after[NLI.key][-1][1]["test/xnli/accuracy/en"] == 0.75
    assert {key for key in before if before[key] == after[key]} == before.keys() - {NLI.key}


def test_a_place_or_name_that_trackio_cannot_use_gets_one_line(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").touch()
    sweep = write_sweep(tmp_path, RUNS)
    assert "file cannot be used by Trackio" in refused(capsys, main, sweep, "--to", "trackio", "-o", tmp_path / "file")
    sweep = write_sweep(tmp_path, RUNS, name="our_system")  # a name that Trackio keeps for files of its own
    said = refused(capsys, main, sweep, "--to", "trackio", "-o", tmp_path / "trackio")
    assert "'our_system' is not allowed" in said
