"""A start of Ray that fails, or does not come to an end: one line with the cause and the command that continues."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from search.cluster import cluster
from search.process.ray_start import RayStartError, describe_failed_start, expect_start, find_log_line
from search.request.options import RunOptions
from search.run import main
from spaces.errors import UsageError
from tests.paths import ROOT

BODY = """
import subprocess, sys, time
from pathlib import Path
from search.process import ray_start
ray_start.RAY_PROCESSES, ray_start.START_TIMEOUT = ("sleep",), 1.0
with ray_start.expect_start(Path({folder!r})):
    child = subprocess.Popen(["sleep", {seconds!r}])
    time.sleep(30)
"""


@pytest.mark.parametrize(("seconds", "reason"), [("0.01", "sleep ended"), ("9", "not up after 1 seconds")])
def test_where_ray_would_only_wait_the_run_ends(tmp_path: Path, seconds: str, reason: str) -> None:
    (tmp_path / "body.py").write_text(BODY.format(folder=str(tmp_path), seconds=seconds), encoding="utf-8")
    command, environment = (
        [sys.executable, str(tmp_path / "body.py"), "--flag"],
        {**os.environ, "PYTHONPATH": str(ROOT)},
    )
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"stopped: Ray did not start ({reason})")
    assert done.stderr.endswith(" --flag\n") and "Nothing finished is lost; to continue: " in done.stderr


@pytest.mark.parametrize(
    "error", [RuntimeError("a\nb"), Exception("a"), ConnectionError("a"), TimeoutError(), OSError("a")]
)
def test_an_error_of_ray_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(cluster, "_start_or_join", fail)
    monkeypatch.setattr("search.process.ray_start.kill_started_processes", lambda: None)
    assert main(["--space", "quick", "--results", str(tmp_path / "results")]) == 1
    message = capsys.readouterr().err
    assert message.startswith("stopped: Ray did not start (") and message.count("\n") == 1
    assert "to continue: " in message and "Traceback" not in message


def test_a_request_that_cannot_be_carried_out_keeps_its_message(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no cluster"), expect_start(tmp_path):
        raise UsageError("no cluster")


def test_a_full_disk_is_the_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ulimit -n" in describe_failed_start("why", tmp_path)
    monkeypatch.setattr("search.process.ray_start.LITTLE_SPACE", 2**80)
    message = describe_failed_start("why.\n", tmp_path)
    assert message.startswith("Ray did not start (why). ") and f"MiB are free in {tmp_path.parent}" in message
    assert "set RAY_TMPDIR to a folder" in message


def test_the_logs_tell_the_cause(tmp_path: Path) -> None:
    logs = tmp_path / "session_2026-01-01_00-00-00_000000_1" / "logs"
    logs.mkdir(parents=True)
    assert find_log_line(tmp_path) is None
    lines = [
        "[2026-01-01 00:00:00,000 I 1 1] (raylet) main.cc:1: fine, errors: 0",
        "[2026-01-01 00:00:00,000 E 1 1] (raylet) server.cc:2: Address already in use.",
        "[2026-01-01 00:00:00,000 C 1 1] (raylet) x.cc:3: You have likely discovered a bug in Ray. Please report it.",
    ]
    (logs / "raylet.out").write_text("\n".join(lines), encoding="utf-8")
    assert find_log_line(tmp_path) == "(raylet) server.cc:2: Address already in use"
    assert "Its log says: (raylet) server.cc:2: Address already in use. Is the" in describe_failed_start(
        "why", tmp_path
    )


def test_the_command_starts_ray_in_this_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no Ray")

    monkeypatch.setattr(cluster, "_start_or_join", fail)
    monkeypatch.setattr("search.process.ray_start.kill_started_processes", lambda: None)
    with pytest.raises(RayStartError, match="no Ray"), cluster.connect_to_ray(RunOptions(), tmp_path):
        pass
