"""The script for a GPU runs at tiny size on a CPU: on the day that there is a GPU it must not be found broken."""

import subprocess
import sys

import pytest

from tests.paths import ROOT


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_part_prints_its_table() -> None:
    command = [sys.executable, str(ROOT / "tests" / "bench" / "gpu.py"), "--shape", "tiny", "--steps", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "failed" not in done.stdout, done.stdout
    for part in ("speed", "stage", "packing", "memory", "switches", "launches", "host"):
        assert f"## {part}\n" in done.stdout
    assert done.stdout.count("\n| tiny") >= 12
