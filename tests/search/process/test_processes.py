"""The processes of a run, found by their mark and killed; and the watch over those that it needs."""

import os
import subprocess
import sys
import threading

import pytest

from search.cluster.cluster import RAY_ENVIRONMENT
from search.process import processes
from search.process.processes import (
    RUN_VARIABLE,
    find_started_processes,
    get_run_id,
    kill_started_processes,
    make_run_environment,
    watch_children,
)

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="needs /proc")  # noqa: PTH110
ORPHAN = "import subprocess; print(subprocess.Popen(['sleep', '60'], stdout=-3, stderr=-3).pid)"


def test_orphans_are_found_and_ended_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{get_run_id()}.of-this-test"  # another test of this process may have left some of its own
    monkeypatch.setattr(processes, "get_run_id", lambda: name)
    stranger = subprocess.Popen(["sleep", "60"])
    child = subprocess.Popen(["sleep", "60"], env={**os.environ, **make_run_environment()})
    command, environment = [sys.executable, "-c", ORPHAN], {**os.environ, **make_run_environment()}
    shell = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert set(find_started_processes(name)) == {child.pid, int(shell.stdout)}
    kill_started_processes()
    assert not find_started_processes(name) and stranger.poll() is None
    assert child.wait() == -9
    stranger.kill()
    stranger.wait()


def test_a_title_that_ray_gives_a_process_leaves_its_mark() -> None:
    """Ray starts its agents with the variables in any order, and titles take the place of those that come first."""
    title = "import ray._raylet as r; r.setproctitle('ray::' + 40 * 'Agent'); print(flush=True); input()"
    environment = {RUN_VARIABLE: "", **os.environ, **RAY_ENVIRONMENT}
    environment[RUN_VARIABLE] = "some-run"  # the mark comes first
    command = [sys.executable, "-c", title]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        started = set(find_started_processes("some-run"))
        child.kill()
    assert started == {child.pid}


def test_the_end_of_a_watched_child_is_told() -> None:
    has_ended, child = threading.Event(), subprocess.Popen(["sleep", "60"])
    names: list[str] = []
    with watch_children(("sleep",), lambda name: (names.append(name), has_ended.set())):
        child.kill()
        assert has_ended.wait(10)
    assert names == ["sleep"]
    child.wait()


def test_the_end_of_others_is_not_told() -> None:
    child = subprocess.Popen(["sleep", "60"])
    names: list[str] = []
    with watch_children(("raylet",), names.append):
        child.kill()
        child.wait()
    assert not names
