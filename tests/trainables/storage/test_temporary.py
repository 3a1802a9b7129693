"""Temporary folders: removed at the end, or after a kill by the next process that makes one."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.paths import ROOT
from trainables.storage.temporary import temporary_folder

HOLD = """
import time
from trainables.storage.temporary import temporary_folder
with temporary_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def everything(own: Path) -> list[Path]:
    return sorted(own.glob("transfer-search-*/*"))


def test_it_is_gone_at_the_end_also_after_an_error(own: Path) -> None:
    with pytest.raises(ZeroDivisionError), temporary_folder() as folder:
        (folder / "file").touch()
        raise ZeroDivisionError
    assert everything(own) == []


def test_what_a_killed_process_left_is_removed_and_what_lives_is_not(own: Path) -> None:
    def holder() -> tuple[subprocess.Popen[str], Path]:
        environment = {**os.environ, "TMPDIR": str(own)}
        command = [sys.executable, "-c", HOLD]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    (killed, dead), (running, living) = holder(), holder()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert dead.is_dir()
    with temporary_folder() as mine:
        assert not dead.exists() and living.is_dir() and mine.is_dir()
    running.kill()
    running.communicate()


def test_another_users_folder_is_refused(own: Path) -> None:
    (own / "elsewhere").mkdir()
    (own / f"transfer-search-{os.getuid()}").symlink_to(own / "elsewhere")
    with pytest.raises(PermissionError, match="set TMPDIR"), temporary_folder():
        pass
