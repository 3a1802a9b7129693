"""The watchdog of a stage: a process without progress for too long writes its stacks to a file and ends.

Code that takes long calls `beat` repeatedly. The timer runs in a thread of C, which works even while Python cannot: in
a system call that never returns, in a library that holds Python's global lock, or while a GPU is stuck.
"""

import contextlib
import faulthandler
import fcntl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from trainables.worker.stage_clock import spend

OPENING_FACTOR = 4  # the limit before the first beat is longer: models and data may have to be fetched
ALARM_INTERVAL = 1.0  # seconds; beats that come sooner do not set the alarm again
LOCK_POLL_SECONDS = 0.2  # between tries to take a lock


@dataclass(slots=True)
class _Watch:
    seconds: float
    report: IO[str]
    set_at: float = 0.0


_watch: _Watch | None = None
_beats = 0


@contextlib.contextmanager
def watch_for_hang(seconds: float, report: Path, *, opening: bool = False) -> Iterator[None]:
    """End the process with exit code 1 if the block does not call `beat` for so many seconds; 0 switches this off.

    The stacks of all threads are then in the file `report`; otherwise the file is removed. With `opening`, the first
    beat may take OPENING_FACTOR times as long.
    """
    global _watch
    if not seconds:
        yield
        return
    report.parent.mkdir(parents=True, exist_ok=True)
    with report.open("w", encoding="utf-8") as file:
        _watch = _Watch(seconds, file)
        _set_alarm(_watch, seconds * (OPENING_FACTOR if opening else 1))
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            _watch = None
            report.unlink(missing_ok=True)


def beat() -> None:
    """Report progress to the watchdog, if there is one. The call is cheap."""
    global _beats
    _beats += 1
    if _watch is not None and time.monotonic() - _watch.set_at >= min(ALARM_INTERVAL, _watch.seconds / 4):
        _set_alarm(_watch, _watch.seconds)


def count_beats() -> int:
    """Return the number of beats of this process: it rises as long as something goes on."""
    return _beats


def _set_alarm(watch: _Watch, seconds: float) -> None:
    watch.set_at = time.monotonic()
    faulthandler.dump_traceback_later(seconds, exit=True, file=watch.report)


def take_lock(file: IO[str]) -> None:
    """Lock an open file. Waiting for another process counts as progress: that one has a watchdog of its own."""
    with spend("waiting"):
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                beat()
                time.sleep(LOCK_POLL_SECONDS)
