"""A whole sweep whose workers fail in several ways, as a user sees it."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT, tiny_sweep

SWEEP = (
    *("--intermediates", "ccg,csqa", "--targets", "udpos,panx", "--seeds", "0", "--learning-rates", "1e-3"),
    *("--scheduler", "none", "--hang-after", "0.25", "--name", "tiny"),
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def run(results: Path, faults: Mapping[str, tuple[str, int]], *flags: str) -> tuple[int, str]:
    """The exit code, and standard error."""
    count = results / "count"
    count.mkdir(parents=True, exist_ok=True)
    command = tiny_sweep(*SWEEP, "--results", str(results), *flags)
    environment = {**os.environ, "FAULTS": json.dumps(faults), "FAULTS_COUNT": str(count)}
    environment["PYTHONPATH"] = str(ROOT / "tests" / "sweeps" / "faulty_workers")
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=environment, check=False)
    assert "Traceback" not in done.stderr and "did not complete" not in done.stderr, done.stderr
    return done.returncode, done.stderr


def outcomes(results: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Outcomes of the stages by task and intermediate task."""
    by_task = {}
    for path in results.glob("stages/*/outcome.json"):
        stage = json.loads((path.parent / "spec.json").read_text())
        by_task[stage["task"], stage["intermediate"]] = json.loads(path.read_text())
    return by_task


def test_what_may_pass_is_tried_once_more_and_the_rest_is_told(tmp_path: Path) -> None:
    faults = {"ccg": ("kill", 1), "csqa": ("hang", 1), "udpos": ("error", 99), "panx": ("input", 2)}
    code, err = run(tmp_path, faults)
    assert code == 1
    by_task = outcomes(tmp_path)
    for name in ("ccg", "csqa"):
        assert (by_task[name, name]["status"], by_task[name, name]["attempts"]) == ("finished", 2)
    udpos = [outcome for (task, _), outcome in by_task.items() if task == "udpos-en"]
    assert {(o["status"], o["failure"], o["attempts"]) for o in udpos} == {("failed", "error", 1)} and len(udpos) == 3
    for words in ("worker: WorkerDied: ", "hang: Hang: no progress in 0:00:", "input: ConnectionError: "):
        assert sum(line.startswith("tried again: ") and words in line for line in err.splitlines()) >= 1, words
    assert "error         1  target udpos-en after none" in err
    (hang,) = (path for path in tmp_path.glob("stages/*/attempts.json") if '"hang"' in path.read_text())
    assert "faulty_workers/sitecustomize.py" in hang.read_text(), "the stack says where"
    code, err = run(tmp_path, {}, "--retry-failed")
    assert code == 0, err
    assert {outcome["status"] for outcome in outcomes(tmp_path).values()} == {"finished"}


def test_a_full_disk_stops_the_sweep_and_fails_nothing(tmp_path: Path) -> None:
    code, err = run(tmp_path, {"ccg": ("storage", 99), "csqa": ("storage", 99), "udpos": ("storage", 99)})
    assert code == 1
    (line,) = (line for line in err.splitlines() if line.startswith("stopped: "))
    assert "the results cannot be written" in line and "No space left" in line and "--retry-failed" not in line
    assert "failed" not in {outcome["status"] for outcome in outcomes(tmp_path).values()}
