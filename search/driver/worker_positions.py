"""The positions of running stages, as their workers leave them in files (trainables/record/position.py)."""

from collections.abc import Collection
from dataclasses import dataclass

from search.sweep.throttle import Throttle
from trainables.record.context import StageContext
from trainables.record.position import REPORT_SECONDS, StagePosition, read_position


@dataclass(slots=True)
class _Seen:
    """What the file of a stage held at the last reading, and since when by this machine's clock."""

    position: StagePosition | None
    changed: float
    is_believed: bool = False  # it has changed since the stage was handed out: before, it may be a dead worker's


class WorkerPositions:
    """Reads the positions of running stages every few seconds; the longer that takes, the more rarely."""

    def __init__(self) -> None:
        self.throttle = Throttle(REPORT_SECONDS)
        self._seen: dict[str, _Seen] = {}  # by key
        self._read = 0.0

    def refresh(self, context: StageContext, keys: Collection[str], now: float) -> None:
        """Read the files of the stages that run at the time `now`, if that is due."""
        self._seen = {key: seen for key, seen in self._seen.items() if key in keys}
        if not self.throttle.is_due:
            return
        with self.throttle.timed():
            self._read = now
            for key in keys:
                position = read_position(context, key)
                seen = self._seen.get(key)
                if seen is None:
                    self._seen[key] = _Seen(position, now)
                elif position is not None and position != seen.position:
                    self._seen[key] = _Seen(position, now, is_believed=True)

    def find(self, key: str) -> tuple[StagePosition, float] | None:
        """Return the position of a stage, and the seconds for which it did not change; None while nothing is known."""
        seen = self._seen.get(key)
        if seen is None or seen.position is None or not seen.is_believed:
            return None
        return seen.position, self._read - seen.changed
