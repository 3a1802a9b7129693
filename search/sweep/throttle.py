"""Throttling of the driver's bookkeeping, and of the lines that tell how a sweep goes on.

The cost of bookkeeping grows with the plan, so a fixed interval would leave ever less of the driver's time for the
stages.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

MAX_OVERHEAD_SHARE = 0.05  # largest share of the driver's time spent on one kind of bookkeeping
MIN_LINE_INTERVAL = 10.0  # seconds between plain lines at the beginning
MIN_QUIET_INTERVAL = 60.0  # seconds after which a line comes without an ended tenth as well, at the beginning
MAX_LINE_INTERVAL = 300.0  # seconds between any two lines


def is_line_due(run: float, since_line: float, *, has_changed: bool) -> bool:
    """Return True if a plain line is due: `run` seconds after the start, `since_line` seconds after the last line.

    Lines become rarer: a log of a week has some 2,000 of them. Without a change of stages or tenths they tell how far
    the running ones are within theirs, and are signs of life.
    """
    interval = max(MIN_LINE_INTERVAL, run / 50) if has_changed else max(MIN_QUIET_INTERVAL, run / 10)
    return since_line >= min(interval, MAX_LINE_INTERVAL)


class Throttle:
    """Limits an action to a minimum interval, and to MAX_OVERHEAD_SHARE of the time."""

    def __init__(self, min_interval: float) -> None:
        """`min_interval` is the time in seconds from the end of one action to the start of the next."""
        self.min_interval = min_interval
        self._next_start = 0.0

    @property
    def is_due(self) -> bool:
        """True if the action may start now."""
        return time.monotonic() >= self._next_start

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Measure the action; the longer it takes, the later it is due again."""
        started = time.monotonic()
        yield
        ended = time.monotonic()
        self._next_start = ended + max(self.min_interval, (ended - started) * (1 / MAX_OVERHEAD_SHARE - 1))
