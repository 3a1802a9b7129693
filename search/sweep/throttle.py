"""Throttling of the driver's bookkeeping.

Its cost grows with the plan, so a fixed interval would leave ever less of the driver's time for the stages.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

MAX_OVERHEAD_SHARE = 0.05  # largest share of the driver's time spent on one kind of bookkeeping


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
