"""A previewed sweep ends as one that was not, and the preview can be killed."""

import signal
import time
from pathlib import Path

import pytest

from spaces.probe_columns import PREVIEW_FILE
from tests.sweeps.test_sweeps import run, scores, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(700)]


def previews(results: Path) -> set[str]:
    return {path.parent.name for path in results.glob(f"stages/*/{PREVIEW_FILE}")}


def test_a_sweep_continues_from_its_preview(tmp_path: Path) -> None:
    alone, parts = tmp_path / "alone", tmp_path / "parts"
    assert run(alone)[0] == 0
    process = start(parts, "--preview", "1")
    while not previews(parts) and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    code, out, err = run(parts, "--preview", "1")
    assert code == 0, err
    assert "Predicted to help most" in out and "--name tiny-first" in out
    assert len(previews(parts)) == 2 and not list(parts.glob("stages/*/predictions.parquet"))
    checkpoints = {path.parent.name for path in parts.glob("stages/*/checkpoint")}
    assert previews(parts) <= checkpoints
    assert run(parts, "--preview", "1")[1].count("Predicted to help most") == 1  # all there: nothing is trained
    assert run(parts)[0] == 0
    assert scores(parts).equals(scores(alone))
