"""`--gpus-per-trial auto`, with Ray and a logical GPU."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import LOGICAL_GPU, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_the_first_of_a_class_has_a_gpu_and_the_others_share_it(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tests" / "sweeps" / "packed_sweep.py"), "--gpus-per-trial", "auto"]
    axes = ["--intermediates", "none", "--targets", "udpos", "--seeds", "0,1,2", "--learning-rates", "1e-3"]
    done = subprocess.run(
        [*command, *axes, "--scheduler", "none", "--results", str(tmp_path), "--name", "packed"],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "TINY_STEPS": "100", "PYTHONPATH": str(LOGICAL_GPU)},  # time enough to meet
    )
    assert done.returncode == 0, done.stderr
    started = re.findall(r"started: (\w+) ([\d.]+) beside (\d)", done.stdout)
    alone = [("pretrain", "1", "0"), ("target", "1", "0")]
    assert started == [*alone, ("target", "0.25", "0"), ("target", "0.25", "1")]
