"""What is finished, on disk: the outcome of each stage. The truth about a sweep lies here and nowhere else."""

from collections.abc import Mapping, Sequence
from functools import partial

from spaces.prediction_columns import PREDICTIONS
from spaces.stage import Stage
from trainables.outcome import FILE, Outcome, read_outcome, write_outcome
from trainables.places import CHECKPOINT, ENCODER, SCORES, Place, write_spec
from trainables.scores import score_rows, write_scores
from trainables.storage import set_aside


class Store:
    """The stages' folders below the results folder."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.set_aside: list[str] = []  # damaged files that were found, under their new names

    def outcome(self, key: str) -> Outcome | None:
        """How the stage ended; None if it has not. A damaged file is set aside and the stage counts as not done."""
        try:
            return read_outcome(self.place, key)
        except ValueError:
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
        """Forget that the stage is done, since its encoder is needed again and was removed."""
        set_aside(self.place.results, self.place.name(key, FILE), "reopened")

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

    def write_failed(self, stage: Stage, reason: str, details: str | None = None) -> Outcome:
        """A stage that failed: one row without a value for each target, so that the cell is not just absent."""
        outcome = Outcome(key=stage.key, status="failed", score=None, tenth=0, reason=reason, details=details)
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
