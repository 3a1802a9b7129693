"""What a sweep does now: `<results>/<sweep>/now.json`, written whole every few seconds while it runs.

It is there to be looked at (search/status.py) and no part of the truth about a sweep. Its reader may sit at another
machine whose clock differs. So durations are counted by the writer's own steady clock, and whether the writer lives
is told by its process where that can be seen, else by a count that rises, and never by comparing clocks.
"""

import dataclasses
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from search.board.board import Board
from trainables.storage.base import Storage, write_text
from trainables.worker.process import is_process_alive, start_ticks_of

STATUS_FILE = "now.json"
VERSION = 1
WRITE_INTERVAL = 2.0  # seconds between writes
LIVENESS_TIMEOUT = 3 * WRITE_INTERVAL  # seconds to wait for the count of another machine's sweep to rise


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStage:
    """A stage under way: how long, which tenth is done, the last English dev score, and where it runs if known."""

    key: str
    label: str
    since: str  # by the clock of the sweep's machine
    seconds: float
    tenth: int = 0
    dev: float | None = None
    node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStatus:
    """The file's contents. `ended` says how the run ended, and is None while it goes on (or was killed)."""

    process: int
    host: str
    machine: str  # tells machines and containers apart whose host names are alike
    process_began: int | None  # tells the process from a later one with the same number
    began: str
    written: str
    count: int
    slots: int
    ended: str | None
    running: tuple[RunningStage, ...]


class StatusWriter:
    """Writes the file. What goes wrong with it is said once, and never ends a sweep."""

    def __init__(self, results: Storage, sweep: str, slots: int, print_line: Callable[[str], object]) -> None:
        self.results, self.name, self.slots, self.print_line = results, f"{sweep}/{STATUS_FILE}", slots, print_line
        self.started, self.write_count, self.last_write = _utc_now(), 0, -WRITE_INTERVAL
        self._started_by_key: dict[str, tuple[str, float]] = {}
        self._reported_by_key: dict[str, tuple[int, float, str | None]] = {}
        self._has_warned = False

    def record_progress(self, key: str, curve: list[float], node: str | None) -> None:
        """Note what a stage reported after a tenth: its English dev scores so far."""
        if curve:
            self._reported_by_key[key] = (len(curve), curve[-1], node)

    def write_if_due(self, board: Board) -> None:
        """Write the file, if the last time is long enough ago."""
        if time.monotonic() - self.last_write >= WRITE_INTERVAL:
            self._write(board, None)

    def write_last(self, board: Board, how: str) -> None:
        """Write the file for the last time."""
        self._write(board, how)

    def _write(self, board: Board, ended: str | None) -> None:
        self.last_write = time.monotonic()
        self.write_count += 1
        try:
            now = SweepStatus(
                process=os.getpid(),
                host=platform.node(),
                machine=read_machine_id(),
                process_began=start_ticks_of(os.getpid()),
                began=self.started,
                written=_utc_now(),
                count=self.write_count,
                slots=self.slots,
                ended=ended,
                running=() if ended else tuple(self._list_running(board)),
            )
            write_text(self.results, self.name, json.dumps({"version": VERSION, **dataclasses.asdict(now)}, indent=1))
        except Exception as error:  # a look at the sweep is not worth the sweep
            if not self._has_warned:
                self.print_line(f"{self.name} cannot be written ({error}): search/status.py shows an older state.")
            self._has_warned = True

    def _list_running(self, board: Board) -> list[RunningStage]:
        self._started_by_key = {
            key: self._started_by_key.get(key, (_utc_now(), time.monotonic())) for key in board.running
        }
        found = []
        for key, (_, arm) in board.running.items():
            since, steady = self._started_by_key[key]
            tenth, dev, node = self._reported_by_key.get(key, (0, None, None))
            seconds = round(time.monotonic() - steady, 1)
            found.append(
                RunningStage(
                    key=key, label=arm.stage.label, since=since, seconds=seconds, tenth=tenth, dev=dev, node=node
                )
            )
        return found


def read_status(results: Storage, sweep: str) -> SweepStatus | None:
    """The file of a sweep; None if there is none or none that can be read."""
    try:
        fields: dict[str, Any] = json.loads(results.read(f"{sweep}/{STATUS_FILE}") or b"")
        if fields.pop("version") != VERSION:
            return None
        datetime.fromisoformat(fields["written"])
        return SweepStatus(**{**fields, "running": tuple(RunningStage(**one) for one in fields["running"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def is_alive(status: SweepStatus | None, results: Storage, sweep: str, timeout: float = LIVENESS_TIMEOUT) -> bool:
    """Whether the run that wrote the file still goes on; on another machine this waits for the next write."""
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


def age_of(now: SweepStatus) -> float | None:
    """Seconds since the file was written, as far as clocks tell; None if it was written in what is the future here."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(now.written)).total_seconds()
    return max(0.0, seconds) if seconds > -WRITE_INTERVAL else None


def read_machine_id() -> str:
    """A name that only processes who see the same process numbers share."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def _utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
