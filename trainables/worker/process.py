"""Processes of this machine: whether one lives, and when it began, since numbers are used again."""

import os
from pathlib import Path


def is_process_alive(process: int) -> bool:
    """Whether there is such a process; one that has ended and was not waited for yet does not live."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not Path("/proc/self").exists() or start_ticks_of(process) is not None


def start_ticks_of(process: int) -> int | None:
    """When a living process began, in ticks since the machine did; None for others, and without /proc."""
    return read_stat(process)[1]


def read_stat(process: int) -> tuple[int, int | None]:
    """Parent and beginning of a process; (0, None) for one that has ended, and without /proc."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0, None
    return (0, None) if fields[0] == "Z" else (int(fields[1]), int(fields[19]))
