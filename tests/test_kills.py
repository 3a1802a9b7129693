"""Sweeps that are killed at random moments: a short version of tests/bench/kills.py."""

import subprocess
import sys
from pathlib import Path

import pytest

KILLS = Path(__file__).resolve().parent / "bench" / "kills.py"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_sweep_that_is_killed_at_random_keeps_every_promise() -> None:
    command = [sys.executable, str(KILLS), "--kills", "6", "--seed", "3", "--minutes", "1.2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
