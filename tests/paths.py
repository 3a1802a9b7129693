"""The checkout, and the command of a sweep in miniature."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def tiny_sweep(*flags: str) -> list[str]:
    """The command of `tests/sweeps/tiny_sweep.py` with flags."""
    return [sys.executable, str(ROOT / "tests" / "sweeps" / "tiny_sweep.py"), *flags]
