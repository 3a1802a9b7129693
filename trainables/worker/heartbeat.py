"""The watchdog of a stage: where nothing goes on for too long, the process writes its stacks down and ends.

Whatever takes its time calls `beat` again and again. The watch itself is kept by a thread of C, which also works while
Python cannot: in a system call that never returns, in a library that holds Python's lock, behind a GPU that is stuck.
"""

import contextlib
import faulthandler
import fcntl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

OPENING_FACTOR = 4  # times the limit before the first beat: models and data may have to be fetched
ALARM_INTERVAL = 1.0  # seconds between two settings of the alarm at the least
LOCK_POLL_SECONDS = 0.2  # seconds between two looks at a lock


@dataclass(slots=True)
class _Watch:
    seconds: float
    report: IO[str]
    set_at: float = 0.0


_watch: _Watch | None = None


@contextlib.contextmanager
def watch_for_hang(seconds: float, report: Path, *, opening: bool = False) -> Iterator[None]:
    """End the process with exit code 1 where the block is silent for so many seconds; 0 is for ever.

    The stacks of all threads are then in the file `report`; otherwise it is removed. With `opening` there is more room
    before the first beat.
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
    """Say that something went on. Cheap, and nothing at all where nobody watches."""
    if _watch is not None and time.monotonic() - _watch.set_at >= min(ALARM_INTERVAL, _watch.seconds / 4):
        _set_alarm(_watch, _watch.seconds)


def _set_alarm(watch: _Watch, seconds: float) -> None:
    watch.set_at = time.monotonic()
    faulthandler.dump_traceback_later(seconds, exit=True, file=watch.report)


def take_lock(file: IO[str]) -> None:
    """Lock an open file for this process alone. Waiting for another one is no hang: that one is watched itself."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            beat()
            time.sleep(LOCK_POLL_SECONDS)
