"""Where the time of a stage goes: every moment belongs to one activity, the innermost that is open.

Code deep inside a stage names what it does by `spend`, and says by `count` how much of it is done. Without a running
clock, as in a plan, both do nothing.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from spaces.activities import ACTIVITIES, WAITING, Activity

_running: "StageClock | None" = None


@dataclass(frozen=True, slots=True)
class Count:
    """How much of an activity is done: steps of a tenth, languages of the tests, examples to be tokenised."""

    done: int
    total: int
    began: float  # by the clock
    counted: float

    @property
    def seconds(self) -> float:
        """Seconds that it took."""
        return self.counted - self.began


class StageClock:
    """Seconds of a stage by activity, from now on and on top of `spent`. Time outside of `running` is waiting."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = dict.fromkeys(ACTIVITIES, 0.0)
        self._open: list[Activity] = [WAITING]
        self._counts: dict[Activity, Count] = {}  # of open activities
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
            self._counts.pop(self._open.pop(), None)

    def _charge(self) -> None:
        now = self._clock()
        self._seconds[self._open[-1]] += now - self._since
        self._since = now

    def read(self) -> dict[str, float]:
        """Return the seconds of each activity up to now."""
        self._charge()
        return dict(self._seconds)

    @property
    def activity(self) -> Activity:
        """The activity of this moment. Other threads may ask."""
        return self._open[-1]

    def count_of(self, activity: Activity) -> Count | None:
        """Return how much of an open activity is done; None if nobody counts it. Other threads may ask."""
        return self._counts.get(activity)

    def count(self, done: int, total: int) -> None:
        """Note that so much of the activity of this moment is done. A count begins at 0."""
        now, known = self._clock(), self._counts.get(self.activity)
        self._counts[self.activity] = Count(done, total, now if known is None or not done else known.began, now)

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


def count(done: int, total: int) -> None:
    """Note that so much of the activity of this moment is done: first 0, and then after each piece. It is cheap."""
    if _running is not None:
        _running.count(done, total)
