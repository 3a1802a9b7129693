"""What is finished, on disk: the outcome of each stage. The truth about a sweep lies here and nowhere else."""

import re
from collections.abc import Mapping, Sequence
from functools import partial

from search import attempts
from search.attempts import Attempt
from spaces.prediction_columns import PREDICTIONS
from spaces.stage import Stage
from trainables.failures import HANG, Failure
from trainables.outcome import FILE, Outcome, read_outcome, write_outcome
from trainables.places import CHECKPOINT, ENCODER, SCORES, Place, write_spec
from trainables.scores import score_rows, write_scores
from trainables.storage import set_aside, write_text


class Store:
    """The stages' folders below the results folder."""

    def __init__(self, place: Place, *, read_only: bool = False) -> None:
        """With `read_only` nothing is set aside: for a look at what a sweep would do."""
        self.place, self.read_only = place, read_only
        self.set_aside: list[str] = []  # damaged files that were found, under their new names

    def outcome(self, key: str) -> Outcome | None:
        """How the stage ended; None if it has not. A damaged file is set aside and the stage counts as not done."""
        try:
            return read_outcome(self.place, key)
        except ValueError:
            if not self.read_only:
                self.set_aside.append(set_aside(self.place.results, self.place.name(key, FILE)))
            return None

    def lay_out(self, stage: Stage) -> None:
        """Make the stage's folder ready for a worker."""
        write_spec(self.place, stage)

    def has_encoder(self, key: str) -> bool:
        """Whether the stage's encoder is still there for others to start from."""
        return self.place.results.has(self.place.name(key, ENCODER))

    def has_predictions(self, key: str) -> bool:
        """Whether the stage left its predictions."""
        return self.place.results.has(self.place.name(key, PREDICTIONS))

    def reopen(self, key: str) -> None:
        """Forget how the stage ended: its encoder is needed again and was removed, or it is to be tried again."""
        if self.read_only:
            return
        for name in (self.place.name(key, FILE), self.place.name(key, attempts.FILE)):
            if self.place.results.has(name):
                set_aside(self.place.results, name, "reopened")

    def attempts(self, key: str) -> tuple[Attempt, ...]:
        """The tries of the stage that failed. A damaged file is set aside and the stage counts as not tried."""
        name = self.place.name(key, attempts.FILE)
        content = self.place.results.read(name)
        try:
            return () if content is None else attempts.from_json(content.decode())
        except ValueError:
            if not self.read_only:
                self.set_aside.append(set_aside(self.place.results, name))
            return ()

    def add_attempt(self, key: str, attempt: Attempt) -> tuple[Attempt, ...]:
        """Note a try that failed; returns all of them."""
        tried = (*self.attempts(key), attempt)
        write_text(self.place.results, self.place.name(key, attempts.FILE), attempts.to_json(tried))
        return tried

    def take_hang(self, key: str) -> Failure | None:
        """What the watchdog wrote down when it ended the stage's worker, removed; None if it did not."""
        path = self.place.hang(key)
        stacks = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        path.unlink(missing_ok=True)
        limit = re.match(r"Timeout \(([\d:.]+)\)", stacks)
        return None if limit is None else Failure(HANG, f"Hang: no progress in {limit[1]}", stacks)

    def write_stopped(self, stage: Stage, curve: Sequence[float], steps: int, seconds: float) -> Outcome:
        """What the scheduler leaves of a stage: its English dev curve, marked as censored: not bad, but unknown."""
        outcome = Outcome(
            key=stage.key,
            status="stopped",
            score=max(curve, default=None),
            tenth=len(curve),
            curve=tuple(curve),
            steps=steps,
            seconds=seconds,
        )
        rows = [
            {
                "target": target,
                "tenth": tenth,
                "language": "en",
                "split": "dev",
                "metric": "task_score",
                "official": True,
                "value": value,
            }
            for target in (stage.targets or (None,))
            for tenth, value in enumerate(curve, start=1)
        ]
        return self._write(stage, outcome, rows)

    def write_failed(self, stage: Stage, failure: Failure, attempts: int = 1) -> Outcome:
        """A stage that failed: one row without a value for each target, so that the cell is not just absent."""
        outcome = Outcome(
            key=stage.key,
            status="failed",
            score=None,
            tenth=0,
            reason=failure.reason,
            failure=failure.kind.name,
            details=failure.details,
            attempts=attempts,
        )
        rows = [{"target": target, "split": "test"} for target in (stage.targets or (None,))]
        return self._write(stage, outcome, rows)

    def _write(self, stage: Stage, outcome: Outcome, measured: Sequence[Mapping[str, object]]) -> Outcome:
        rows = score_rows(
            stage,
            measured,
            status=outcome.status,
            reason=outcome.reason,
            steps=outcome.steps,
            seconds=outcome.seconds,
        )
        self.place.results.write_file(self.place.name(stage.key, SCORES), partial(write_scores, rows=rows))
        write_outcome(self.place, outcome)
        return outcome

    def drop_checkpoint(self, key: str) -> None:
        """Remove the exact state of a stage that nobody will continue."""
        self.place.results.remove(self.place.name(key, CHECKPOINT))

    def drop_encoder(self, key: str) -> None:
        """Remove an encoder that nobody will start from."""
        self.place.results.remove(self.place.name(key, ENCODER))
