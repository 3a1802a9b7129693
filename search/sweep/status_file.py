"""The status of a sweep: `<results>/<sweep>/now.json`, written whole every few seconds while the sweep runs.

It is there to be looked at (search/status.py) and no part of the truth about a sweep. Its reader may sit at another
machine whose clock differs. So the writer measures durations by its own monotonic clock, and clocks of two machines are
never compared to tell whether the writer lives: the reader looks for its process on the same machine, and elsewhere
waits for its count of writes to rise.
"""

import json
import platform
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spaces.activities import Activity
from trainables.storage.base import Storage
from trainables.worker.process import is_process_alive, start_ticks_of

STATUS_FILE = "now.json"
VERSION = 1
WRITE_INTERVAL = 2.0  # seconds between writes
LIVENESS_TIMEOUT = 3 * WRITE_INTERVAL  # seconds to wait for the next write of a sweep on another machine


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStage:
    """A running stage: since when, its last whole tenth and English dev score; node and seconds left if known.

    `activity` is what it does at this moment, None while it has not told; `done` of `total` of that are done, where it
    is counted. `silent` are the seconds since the worker's last sign of life.
    """

    key: str
    label: str
    since: str  # by the clock of the sweep's machine, UTC
    seconds: float
    tenth: int = 0
    dev: float | None = None
    node: str | None = None
    left: float | None = None
    activity: Activity | None = None
    done: int = 0
    total: int = 0
    silent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStatus:
    """The contents of the file. `ended` is how the run ended; None while it goes on, or if it was killed.

    `left` are the seconds left in the sweep, None while nothing tells.
    """

    process: int
    host: str
    machine: str  # tells apart machines and containers with the same host name
    process_began: int | None  # tells the process from a later one with the same id
    began: str
    written: str
    count: int
    slots: int
    ended: str | None
    running: tuple[RunningStage, ...]
    left: float | None = None


def read_status(results: Storage, sweep: str) -> SweepStatus | None:
    """Return the status of a sweep; None if there is no readable file."""
    try:
        fields: dict[str, Any] = json.loads(results.read(f"{sweep}/{STATUS_FILE}") or b"")
        if fields.pop("version") != VERSION:
            return None
        datetime.fromisoformat(fields["written"])
        return SweepStatus(**{**fields, "running": tuple(RunningStage(**stage) for stage in fields["running"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def is_alive(status: SweepStatus | None, results: Storage, sweep: str, timeout: float = LIVENESS_TIMEOUT) -> bool:
    """Return True if the run that wrote the file goes on; for one on another machine wait for the next write."""
    if status is None or status.ended:
        return False
    if status.machine == read_machine_id():
        return is_process_alive(status.process) and start_ticks_of(status.process) == status.process_began
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        time.sleep(0.1)
        later = read_status(results, sweep)
        if later is not None and (later.began, later.count) != (status.began, status.count):
            return later.ended is None
    return False


def age_of(status: SweepStatus) -> float | None:
    """Return the seconds since the file was written, by the clocks; None if that time is in the future here."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(status.written)).total_seconds()
    return max(0.0, seconds) if seconds > -WRITE_INTERVAL else None


def read_machine_id() -> str:
    """Return a name that processes share only if they see the same process ids."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def format_utc_now() -> str:
    """Return the present time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
