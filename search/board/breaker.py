"""The breaker: stops a sweep whose stages all fail for the same reason, or whose results cannot be written."""

from dataclasses import dataclass, field

from spaces.stage import Stage
from trainables.worker.failures import Failure

MAX_FAILURES_IN_A_ROW = 3  # consecutive failures with the same signature


@dataclass(slots=True)
class Breaker:
    """Consecutive failures with the same signature; `stop_reason` is set when nothing more should start.

    Arms of one task share its data, so task-related failures (see trainables/worker/failures.py) count once per task:
    one bad task stops no sweep.
    """

    stop_reason: str | None = None
    is_unwritable: bool = False  # the stop reason is that the results cannot be written
    _last_signature: str = ""
    _streak: list[tuple[str, str]] = field(default_factory=list)  # kind and task of each stage

    def record_success(self) -> None:
        """Reset the count of consecutive failures."""
        self._last_signature = ""
        self._streak.clear()

    def record_failure(self, stage: Stage, failure: Failure) -> None:
        """Count a stage that failed for good."""
        if failure.signature != self._last_signature:
            self.record_success()
            self._last_signature = failure.signature
        self._streak.append((stage.kind, stage.task))
        counted = len(set(self._streak)) if failure.kind.is_task_related else len(self._streak)
        if counted >= MAX_FAILURES_IN_A_ROW:
            tasks = f" of {counted} tasks" if failure.kind.is_task_related else ""
            self._stop(
                f"{len(self._streak)} stages{tasks} in a row failed for the same reason "
                f"({failure.kind.name}: {failure.reason})"
            )

    def record_unwritable(self, failure: Failure) -> None:
        """Stop the sweep, since its results cannot be written."""
        self.is_unwritable = self.stop_reason is None
        self._stop(f"the results cannot be written ({failure.reason})")

    def _stop(self, reason: str) -> None:
        self.stop_reason = self.stop_reason or reason
