"""The processes that a run started: what is left of them at its end is ended."""

import os
import signal
import time
from pathlib import Path

PATIENCE = 2.0  # seconds for killed processes to be gone


def descendants() -> dict[int, str]:
    """Every process below this one, with the time at which it began, as numbers are used again. Linux only, else none."""
    found = {int(folder.name): _stat(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}
    below, new = set[int](), {os.getpid()}
    while new:
        new = {process for process, (parent, _) in found.items() if parent in new}
        below |= new
    return {process: found[process][1] for process in below}


def end_descendants() -> None:
    """SIGKILL for every process below this one."""
    end(descendants())


def end(processes: dict[int, str]) -> None:
    """SIGKILL for those that still run; returns when they are gone."""
    for process, began in processes.items():
        if _runs(process, began):
            os.kill(process, signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while any(_runs(process, began) for process, began in processes.items()) and time.monotonic() < end:
        time.sleep(0.02)


def _runs(process: int, began: str) -> bool:
    return _stat(process)[1] == began


def _stat(process: int) -> tuple[int, str]:
    """Parent and beginning of a process; (0, "") of one that has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, ""
    return (0, "") if fields[0] == "Z" else (int(fields[1]), fields[19])
