"""The temporary folder of a run: removed at its end, or by the next run after a kill."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.process.ray_folder import MAX_PATH_BYTES, create_ray_folder, explain_substitute, find_temp_root
from spaces.errors import UsageError
from tests.paths import ROOT

HOLD = """
import os, signal, subprocess, sys, time
from search.process.processes import make_run_environment
from search.process.ray_folder import create_ray_folder
with create_ray_folder() as folder:
    (folder / "session").mkdir()
    {then}
"""


def other_run(temporary: Path, then: str) -> "subprocess.Popen[str]":
    command, environment = [sys.executable, "-c", HOLD.format(then=then)], {**os.environ, "RAY_TMPDIR": str(temporary)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, **pipes, text=True, cwd=ROOT, env=environment)


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s-", dir="/tmp") as name:  # a short path: pytest's own is too long
        monkeypatch.setenv("RAY_TMPDIR", name)
        yield Path(name)


def left(temporary: Path) -> list[Path]:
    return [path for path in temporary.glob("*/*") if path.is_dir()]


def test_it_is_gone_at_the_end(temporary: Path) -> None:
    with pytest.raises(ZeroDivisionError), create_ray_folder() as folder:
        (folder / "records").mkdir()
        assert left(temporary) == [folder]
        _ = 1 / 0
    assert not left(temporary)


def test_what_a_killed_run_left_is_removed_and_what_runs_is_not(temporary: Path) -> None:
    killed = other_run(temporary, "os.kill(os.getpid(), signal.SIGKILL)")
    running = other_run(temporary, "print(folder, flush=True); sys.stdin.read()")
    assert killed.wait() == -signal.SIGKILL and running.stdout is not None
    theirs = Path(running.stdout.readline().strip())
    with create_ray_folder() as mine:
        assert set(left(temporary)) == {mine, theirs} and (theirs / "session").is_dir()
    running.kill()
    running.communicate()
    killed.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_what_outlives_a_killed_run_holds_nothing_and_is_ended_by_the_next_one(temporary: Path) -> None:
    environment = "environment = {**os.environ, **make_run_environment()}"
    child = "child = subprocess.Popen(['sleep', '60'], env=environment, stdout=subprocess.DEVNULL)"
    end = "print(child.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    killed = other_run(temporary, f"{environment}; {child}; {end}")
    assert killed.stdout is not None
    orphan = Path("/proc", killed.stdout.readline().strip())
    assert killed.wait() == -signal.SIGKILL and left(temporary) and _lives(orphan)
    with create_ray_folder() as mine:
        assert left(temporary) == [mine] and not _lives(orphan)
    killed.communicate()


def _lives(process: Path) -> bool:
    return process.exists() and "State:\tZ" not in (process / "status").read_text()


def test_a_folder_of_somebody_else_is_refused(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (temporary / "elsewhere").mkdir()
    (temporary / f"tune-{os.getuid()}").symlink_to(temporary / "elsewhere")
    with pytest.raises(UsageError, match="set RAY_TMPDIR"), create_ray_folder():
        pass


def test_a_folder_that_cannot_be_made_is_one_clear_line(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", "/nowhere")
    with (
        pytest.raises(UsageError, match=r"/nowhere/tune-\d+ cannot be made \(.*\): set RAY_TMPDIR"),
        create_ray_folder(),
    ):
        pass


def test_a_path_too_long_for_sockets_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for path, is_used in (("/" + "x" * (MAX_PATH_BYTES - 1), True), ("/" + "x" * MAX_PATH_BYTES, False)):
        monkeypatch.setenv("RAY_TMPDIR", path)
        assert find_temp_root() == Path(path if is_used else "/tmp")
        note = explain_substitute()
        assert note is None if is_used else note is not None and f"RAY_TMPDIR {path} has" in note  # it is said
    monkeypatch.delenv("RAY_TMPDIR")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/scratch")
    assert find_temp_root() == Path("/scratch")
