"""Processes of this machine: their state, and their start time, since process ids are used again."""

import os
from pathlib import Path
from typing import NamedTuple


class ProcessStat(NamedTuple):
    """Parent and start time of a process."""

    parent: int  # process id; 0 if unknown
    start_ticks: int | None  # clock ticks since the machine started; None if unknown


def is_process_alive(pid: int) -> bool:
    """Return True if the process exists; a process that has ended but was not waited for (a zombie) is not alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not Path("/proc/self").exists() or start_ticks_of(pid) is not None


def start_ticks_of(pid: int) -> int | None:
    """Return the start time of a process, in clock ticks since the machine started; None as for `read_stat`."""
    return read_stat(pid).start_ticks


def read_stat(pid: int) -> ProcessStat:
    """Return parent and start time of a process; (0, None) if it has ended, or on a system without /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ProcessStat(0, None)
    return ProcessStat(0, None) if fields[0] == "Z" else ProcessStat(int(fields[1]), int(fields[19]))
