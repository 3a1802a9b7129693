"""The checkout, and the command of a sweep in miniature."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOGICAL_GPU = ROOT / "tests" / "sweeps" / "logical_gpu"  # for the Python path of Ray's workers


def tiny_sweep(*flags: str) -> list[str]:
    """The command of `tests/sweeps/tiny_sweep.py` with flags."""
    return [sys.executable, str(ROOT / "tests" / "sweeps" / "tiny_sweep.py"), *flags]
