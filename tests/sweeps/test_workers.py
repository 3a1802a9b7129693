"""Whole sweeps with Ray: every slot gets a worker and keeps it."""

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.paths import ROOT, tiny_sweep

SWEEP = "--intermediates ccg,csqa --targets udpos,panx --seeds 0 --learning-rates 1e-3,4e-3 --scheduler none".split()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_slot_has_one_worker_that_runs_stage_after_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tests" / "bench")
    import spans  # type: ignore[import-not-found]

    hook = spans.install(tmp_path / "hook")
    environment = {**os.environ, "PYTHONPATH": str(hook), "SPANS_LOG": str(tmp_path / "log")}
    command = tiny_sweep(*SWEEP, "--max-concurrent", "2", "--results", str(tmp_path / "results"))
    subprocess.run(command, env=environment, check=True)
    steps = {(span.key, span.process) for span in spans.read(tmp_path / "log") if span.label == "step"}
    stages = Counter(process for _, process in steps)
    assert len(stages) == 2 and min(stages.values()) > 1, "the second slot hardly ran"
