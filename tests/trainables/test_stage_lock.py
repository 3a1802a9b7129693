"""A stage that another process has open: one that outlived a killed run, or hangs."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from spaces.stage import TENTHS
from tests.paths import ROOT
from tests.tiny_stages import TARGET
from trainables import stage_start
from trainables.record.context import LOCK, StageContext, write_spec
from trainables.record.outcome import Outcome, write_outcome
from trainables.stage_run import StageRun
from trainables.storage.base import LockedError
from trainables.training.fine_tuning import FineTuning


@pytest.fixture
def orphan(context: StageContext) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has the stage open, and gives it free when it reads a line."""
    write_spec(context, TARGET)
    code = "import sys; from trainables.storage.local_storage import LocalStorage; from pathlib import Path\n"
    code += f"lock = LocalStorage(Path({context.results.url!r})).lock({context.file_name(TARGET.key, LOCK)!r})\n"
    code += "print('held', flush=True); sys.stdin.readline(); lock.release()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_stage_that_is_held_for_ever_is_an_error_that_names_the_holder(
    context: StageContext, orphan: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_start, "ORPHAN_WAIT", 0.1)
    with pytest.raises(LockedError, match=rf"{TARGET.key} is held by process {orphan.pid} on .*--retry-failed"):
        StageRun(context, TARGET.key)


def test_whoever_waited_for_an_orphan_finds_what_it_did(
    context: StageContext, orphan: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[StageRun] = []
    waiting = threading.Thread(target=lambda: opened.append(StageRun(context, TARGET.key)))
    waiting.start()
    outcome = Outcome(key=TARGET.key, status="finished", score=0.5, tenth=TENTHS, curve=(0.5,) * TENTHS)
    write_outcome(context, outcome)
    assert not opened, "it did not wait"
    assert orphan.stdin is not None
    orphan.stdin.write("\n")
    orphan.stdin.flush()
    waiting.join()
    monkeypatch.setattr(FineTuning, "advance", lambda work: pytest.fail("it was trained again"))
    assert opened[0].advance() == outcome
    opened[0].close()


def test_a_killed_orphan_gives_its_stage_free(context: StageContext, orphan: "subprocess.Popen[str]") -> None:
    orphan.kill()
    run = StageRun(context, TARGET.key)
    with pytest.raises(LockedError, match=f"process {os.getpid()} on "):
        context.results.lock(context.file_name(TARGET.key, LOCK))
    run.close()
