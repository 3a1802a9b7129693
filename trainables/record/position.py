"""How far a running stage is: a small file in its folder, for the driver and for whoever watches the sweep.

Ray brings the driver a result after each tenth, which takes minutes with a real encoder. The folder of results is what
every node of a sweep can write and the driver can read. A thread of the worker writes the file, as it renews a lease,
so training never waits for the storage. A stage that ends before REPORT_SECONDS writes none. The file tells nothing
about outcomes: a worker that was killed leaves it behind, and its reader must see it change to believe it.
"""

import dataclasses
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from spaces.activities import ACTIVITIES, Activity
from trainables.record.context import POSITION, StageContext
from trainables.storage.base import write_text
from trainables.worker.heartbeat import count_beats
from trainables.worker.stage_clock import StageClock

REPORT_SECONDS = 5.0  # between two looks at the stage; the file is written if anything has changed


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePosition:
    """Where a stage is: its whole tenths, its present activity, and how much of that is done if it is counted."""

    tenth: int
    activity: Activity
    done: int = 0  # steps of the tenth, languages of the tests, or examples to be tokenised
    total: int = 0  # 0 if the activity is not counted
    seconds: float = 0.0  # that `done` took
    beats: int = 0  # of the worker: it lives as long as they rise


class HasTenths(Protocol):
    """A training; `tenth` is its last whole one."""

    tenth: int


def find_position(training: HasTenths | None, clock: StageClock) -> StagePosition:
    """Return the position of a stage by its training, if it is open, and its clock."""
    tenth = 0 if training is None else training.tenth
    count = clock.count_of(activity := clock.activity)
    beats = count_beats()
    if count is None:
        return StagePosition(tenth=tenth, activity=activity, beats=beats)
    return StagePosition(
        tenth=tenth,
        activity=activity,
        done=count.done,
        total=count.total,
        seconds=round(count.seconds, 3),
        beats=beats,
    )


def read_position(context: StageContext, key: str) -> StagePosition | None:
    """Return the position of a stage by its file; None if there is no readable one."""
    try:
        position = StagePosition(**json.loads(context.results.read(context.file_name(key, POSITION)) or b""))
    except (OSError, ValueError, TypeError):
        return None
    return position if position.activity in ACTIVITIES else None


class PositionReporter:
    """Writes the position of an open stage again and again, from a thread, until it is closed."""

    def __init__(self, context: StageContext, key: str, find: Callable[[], StagePosition]) -> None:
        self.results, self.name, self._find = context.results, context.file_name(key, POSITION), find
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._report, daemon=True, name=f"position {key}")
        self._thread.start()

    def close(self) -> None:
        """Stop reporting, and remove the file, also one that a killed worker left."""
        self._closed.set()
        self._thread.join()
        with suppress(OSError):  # a position is not worth the stage
            self.results.remove(self.name)

    def _report(self) -> None:
        written: StagePosition | None = None
        while not self._closed.wait(REPORT_SECONDS):
            position = self._find()
            if position == written:
                continue
            with suppress(OSError):  # the storage does not answer: the next report tries again
                write_text(self.results, self.name, json.dumps(dataclasses.asdict(position)))
                written = position
