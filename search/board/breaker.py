"""When a sweep should stop by itself: every stage fails for the same reason, or the results cannot be written."""

from dataclasses import dataclass, field

from spaces.stage import Stage
from trainables.worker.failures import Failure

MAX_FAILURES_IN_A_ROW = 3  # failures of one sort, with no other outcome in between


@dataclass(slots=True)
class Breaker:
    """Looks at how stages end; `why` says why nothing more should start.

    Arms of one task share its data, so a failure of its own (see trainables/worker/failures.py) counts once per task:
    one spoiled task stops no sweep.
    """

    stop_reason: str | None = None
    is_unwritable: bool = False  # that is why
    _last_signature: str = ""
    _streak: list[tuple[str, str]] = field(default_factory=list)  # kind and task of each stage

    def record_success(self) -> None:
        """A stage ended without a failure: what comes next is no row with what was before."""
        self._last_signature = ""
        self._streak.clear()

    def record_failure(self, stage: Stage, failure: Failure) -> None:
        """A stage failed for good."""
        if failure.signature != self._last_signature:
            self.record_success()
            self._last_signature = failure.signature
        self._streak.append((stage.kind, stage.task))
        counted = len(set(self._streak)) if failure.kind.is_task_related else len(self._streak)
        if counted >= MAX_FAILURES_IN_A_ROW:
            what = f"{len(self._streak)} stages" + (f" of {counted} tasks" if failure.kind.is_task_related else "")
            self._stop(f"{what} in a row failed alike ({failure.kind.name}: {failure.reason})")

    def record_unwritable(self, failure: Failure) -> None:
        """The results could not be written."""
        self.is_unwritable = self.stop_reason is None
        self._stop(f"the results cannot be written ({failure.reason})")

    def _stop(self, why: str) -> None:
        self.stop_reason = self.stop_reason or why
