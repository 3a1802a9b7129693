"""When a sweep should stop by itself: every stage fails for the same reason, or the results cannot be written."""

from dataclasses import dataclass, field

from spaces.stage import Stage
from trainables.worker.failures import Failure

IN_A_ROW = 3  # failures of one sort, with no other outcome in between


@dataclass(slots=True)
class Breaker:
    """Looks at how stages end; `why` says why nothing more should start.

    Arms of one task share its data, so a failure of its own (see trainables/worker/failures.py) counts once per task:
    one spoiled task stops no sweep.
    """

    why: str | None = None
    unwritable: bool = False  # that is why
    _sort: str = ""
    _row: list[tuple[str, str]] = field(default_factory=list)  # kind and task of each stage

    def went_well(self) -> None:
        """A stage ended without a failure: what comes next is no row with what was before."""
        self._sort = ""
        self._row.clear()

    def failed(self, stage: Stage, failure: Failure) -> None:
        """A stage failed for good."""
        if failure.sort != self._sort:
            self.went_well()
            self._sort = failure.sort
        self._row.append((stage.kind, stage.task))
        counted = len(set(self._row)) if failure.kind.own else len(self._row)
        if counted >= IN_A_ROW:
            what = f"{len(self._row)} stages" + (f" of {counted} tasks" if failure.kind.own else "")
            self._stop(f"{what} in a row failed alike ({failure.kind.name}: {failure.reason})")

    def cannot_write(self, failure: Failure) -> None:
        """The results could not be written."""
        self.unwritable = self.why is None
        self._stop(f"the results cannot be written ({failure.reason})")

    def _stop(self, why: str) -> None:
        self.why = self.why or why
