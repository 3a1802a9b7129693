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
from trainables.worker.process import began, lives

FILE = "now.json"
VERSION = 1
EVERY = 2.0  # seconds between writes
WATCH = 3 * EVERY  # seconds to wait for the count of another machine's sweep to rise


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A stage under way: how long, which tenth is done, the last English dev score, and where it runs if known."""

    key: str
    label: str
    since: str  # by the clock of the sweep's machine
    seconds: float
    tenth: int = 0
    dev: float | None = None
    node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
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
    running: tuple[Running, ...]


class Beat:
    """Writes the file. What goes wrong with it is said once, and never ends a sweep."""

    def __init__(self, results: Storage, sweep: str, slots: int, say: Callable[[str], object]) -> None:
        self.results, self.name, self.slots, self.say = results, f"{sweep}/{FILE}", slots, say
        self.began, self.count, self.written = _utc(), 0, -EVERY
        self._since: dict[str, tuple[str, float]] = {}
        self._told: dict[str, tuple[int, float, str | None]] = {}
        self._troubled = False

    def told(self, key: str, curve: list[float], node: str | None) -> None:
        """Note what a stage reported after a tenth: its English dev scores so far."""
        if curve:
            self._told[key] = (len(curve), curve[-1], node)

    def show(self, board: Board) -> None:
        """Write the file, if the last time is long enough ago."""
        if time.monotonic() - self.written >= EVERY:
            self._write(board, None)

    def end(self, board: Board, how: str) -> None:
        """Write the file for the last time."""
        self._write(board, how)

    def _write(self, board: Board, ended: str | None) -> None:
        self.written = time.monotonic()
        self.count += 1
        try:
            now = Now(
                process=os.getpid(),
                host=platform.node(),
                machine=machine(),
                process_began=began(os.getpid()),
                began=self.began,
                written=_utc(),
                count=self.count,
                slots=self.slots,
                ended=ended,
                running=() if ended else tuple(self._running(board)),
            )
            write_text(self.results, self.name, json.dumps({"version": VERSION, **dataclasses.asdict(now)}, indent=1))
        except Exception as error:  # a look at the sweep is not worth the sweep
            if not self._troubled:
                self.say(f"{self.name} cannot be written ({error}): search/status.py shows an older state.")
            self._troubled = True

    def _running(self, board: Board) -> list[Running]:
        self._since = {key: self._since.get(key, (_utc(), time.monotonic())) for key in board.running}
        found = []
        for key, (_, arm) in board.running.items():
            since, steady = self._since[key]
            tenth, dev, node = self._told.get(key, (0, None, None))
            seconds = round(time.monotonic() - steady, 1)
            found.append(
                Running(key=key, label=arm.stage.label, since=since, seconds=seconds, tenth=tenth, dev=dev, node=node)
            )
        return found


def read_now(results: Storage, sweep: str) -> Now | None:
    """The file of a sweep; None if there is none or none that can be read."""
    try:
        fields: dict[str, Any] = json.loads(results.read(f"{sweep}/{FILE}") or b"")
        if fields.pop("version") != VERSION:
            return None
        datetime.fromisoformat(fields["written"])
        return Now(**{**fields, "running": tuple(Running(**one) for one in fields["running"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def is_alive(now: Now | None, results: Storage, sweep: str, watch: float = WATCH) -> bool:
    """Whether the run that wrote the file still goes on; on another machine this waits for the next write."""
    if now is None or now.ended:
        return False
    if now.machine == machine():
        return lives(now.process) and began(now.process) == now.process_began
    until = time.monotonic() + watch
    while time.monotonic() < until:
        time.sleep(0.1)
        later = read_now(results, sweep)
        if later is not None and (later.began, later.count) != (now.began, now.count):
            return later.ended is None
    return False


def age(now: Now) -> float | None:
    """Seconds since the file was written, as far as clocks tell; None if it was written in what is the future here."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(now.written)).total_seconds()
    return max(0.0, seconds) if seconds > -EVERY else None


def machine() -> str:
    """A name that only processes who see the same process numbers share."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def _utc() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
