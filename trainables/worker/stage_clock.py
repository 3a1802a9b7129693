"""Where the time of a stage goes: every moment belongs to one activity, the innermost that is open.

Code deep inside a stage names what it does by `spend`. Without a running clock, as in a plan, that does nothing.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from spaces.activities import ACTIVITIES, WAITING, Activity

_running: "StageClock | None" = None


class StageClock:
    """Seconds of a stage by activity, from now on and on top of `spent`. Time outside of `running` is waiting."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = dict.fromkeys(ACTIVITIES, 0.0)
        self._open: list[Activity] = [WAITING]
        self._since = clock()

    @contextmanager
    def running(self, activity: Activity) -> Iterator[None]:
        """Let `spend` in this block, and in what it calls, count for this stage; the rest of it is `activity`."""
        global _running
        outer, _running = _running, self
        try:
            with self._spend(activity):
                yield
        finally:
            _running = outer

    @contextmanager
    def _spend(self, activity: Activity) -> Iterator[None]:
        self._charge()
        self._open.append(activity)
        try:
            yield
        finally:
            self._charge()
            self._open.pop()

    def _charge(self) -> None:
        now = self._clock()
        self._seconds[self._open[-1]] += now - self._since
        self._since = now

    def read(self) -> dict[str, float]:
        """Return the seconds of each activity up to now."""
        self._charge()
        return dict(self._seconds)

    def add(self, spent: Mapping[str, float]) -> None:
        """Add what earlier processes spent on the stage."""
        for activity, seconds in spent.items():
            self._seconds[activity] += seconds


@contextmanager
def spend(activity: Activity) -> Iterator[None]:
    """Count the block for an activity of the stage that runs in this thread, less what other blocks in it count for."""
    if _running is None:
        yield
        return
    with _running._spend(activity):
        yield
