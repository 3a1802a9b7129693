"""A worker without any training: it follows a course, and leaves the files that a real worker leaves."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spaces.checksum import checksum
from spaces.stage import ENCODER_KINDS, TENTHS, Stage
from trainables.record.context import CHECKPOINT, ENCODER, SCORES, StageContext, read_spec
from trainables.record.outcome import Outcome, read_outcome, write_outcome
from trainables.storage.base import write_text
from trainables.training.schedule import end_of_tenth

from .courses import Course, Courses


@dataclass(slots=True)
class StageWork:
    """A stage that a worker has open. `tenth` is the last whole one, perhaps of an earlier trial."""

    context: StageContext
    key: str
    stage: Stage
    course: Course
    tenth: int
    opened_tenth: int = field(init=False)

    def __post_init__(self) -> None:
        self.opened_tenth = self.tenth

    @property
    def seconds(self) -> float:
        """Duration of the next call; 0 if the stage is done."""
        return 0.0 if self.tenth == len(self.course.seconds) else self.course.seconds[self.tenth]

    @property
    def steps(self) -> int:
        """Training steps so far."""
        return end_of_tenth(min(self.tenth, len(self.course.curve)), self.course.steps)

    def advance(self) -> dict[str, Any]:
        """Finish the next call: write its files, and return a result like that of `StageTrial.step`."""
        if self.tenth < len(self.course.seconds):
            self.tenth += 1
            if self.tenth == len(self.course.seconds):
                self._finish()
            else:
                write_text(self.context.results, self.context.file_name(self.key, CHECKPOINT), str(self.tenth))
        curve = self.course.curve[: self.tenth]
        moved = self.opened_tenth < self.tenth < len(self.course.seconds)
        row = {"moved": moved, "dev": curve[-1] if curve else -1.0, "curve": list(curve), "steps": self.steps}
        taken, done = sum(self.course.seconds[: self.tenth]), self.tenth == len(self.course.seconds)
        return {**row, "seconds": taken, "done": done}

    def _finish(self) -> None:
        context, key, curve = self.context, self.key, self.course.curve
        if self.stage.kind in ENCODER_KINDS:
            context.results.write_folder(context.file_name(key, ENCODER), _empty_encoder)
        write_text(context.results, context.file_name(key, SCORES), "")
        outcome = Outcome(
            key=key,
            status=self.course.status,
            score=max(curve, default=None),
            tenth=len(curve) or TENTHS,
            best_tenth=curve.index(max(curve)) + 1 if curve else TENTHS,
            curve=curve,
            steps=self.steps,
            seconds=sum(self.course.seconds),
            scores=checksum(b""),
        )
        write_outcome(context, outcome)
        context.results.remove(context.file_name(key, CHECKPOINT))


def open_stage(context: StageContext, key: str, courses: Courses) -> StageWork:
    """Open a stage at its last whole tenth, or at its beginning."""
    stage = read_spec(context, key)
    course = courses(stage)
    outcome = read_outcome(context, key)
    if outcome is not None and outcome.status in ("finished", "degenerate"):
        return StageWork(context, key, stage, course, len(course.seconds))
    checkpoint = context.results.read(context.file_name(key, CHECKPOINT))
    return StageWork(context, key, stage, course, 0 if checkpoint is None else int(checkpoint))


def _empty_encoder(folder: Path) -> None:
    (folder / "config.json").write_text("{}")
