"""The watchdog ends a process that hangs, and no other."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from trainables.worker import heartbeat

WORK = """
import ctypes, sys, time
from pathlib import Path
from trainables.worker.heartbeat import beat, watch_for_hang

def stuck():
    ctypes.PyDLL(None).usleep(900_000)  # keeps Python's lock: no thread of Python can do anything

def busy():
    for _ in range(15):
        time.sleep(0.1)
        beat()

report = Path(sys.argv[1])
"""


def run(code: str, report: Path) -> int:
    return subprocess.run([sys.executable, "-c", WORK + code, str(report)], cwd=ROOT, check=False).returncode


def test_a_process_that_hangs_ends_and_says_where(tmp_path: Path) -> None:
    report = tmp_path / "stages" / "key" / "hang.txt"
    assert run("with watch_for_hang(0.5, report):\n    beat()\n    stuck()\nsys.exit(7)", report) == 1
    text = report.read_text()
    assert text.startswith("Timeout (0:00:00.5") and "in stuck" in text


@pytest.mark.parametrize(
    "code",
    [
        "with watch_for_hang(1, report):\n    busy()",  # longer than the limit, but something goes on
        "with watch_for_hang(0.5, report):\n    beat()\nstuck()",  # nobody watches between two steps
        "with watch_for_hang(0, report):\n    stuck()",  # switched off
        "with watch_for_hang(0.5, report, opening=True):\n    stuck()",  # there is more room at the start
        "stuck()\nbeat()",  # nobody watches at all
    ],
)
def test_a_process_that_does_not_hang_goes_on(tmp_path: Path, code: str) -> None:
    report = tmp_path / "hang.txt"
    assert run(f"{code}\nsys.exit(7)", report) == 7
    assert not report.exists()


def test_an_error_takes_the_watch_away(tmp_path: Path) -> None:
    report = tmp_path / "hang.txt"
    code = "try:\n    with watch_for_hang(0.5, report):\n        1 / 0\nexcept ZeroDivisionError:\n    stuck()\n"
    assert run(f"{code}sys.exit(7)", report) == 7
    assert not report.exists()


def test_what_an_earlier_process_left_is_forgotten(tmp_path: Path) -> None:
    report = tmp_path / "hang.txt"
    report.write_text("Timeout (0:30:00)!")
    with heartbeat.watch_for_hang(60, report):
        assert report.read_text() == ""


def test_waiting_for_a_lock_is_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beats = []
    with (tmp_path / "lock").open("w") as held, (tmp_path / "lock").open("w") as wanted:
        fcntl.flock(held, fcntl.LOCK_EX)

        def beat() -> None:
            beats.append(1)
            if len(beats) == 3:
                held.close()

        monkeypatch.setattr(heartbeat, "beat", beat)
        monkeypatch.setattr(heartbeat, "LOCK_POLL_SECONDS", 0.001)
        heartbeat.take_lock(wanted)
    assert len(beats) == 3
