"""The worker's side of a stage without any training: it follows its course, and leaves what a real one leaves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spaces.checksum import checksum
from spaces.stage import TENTHS, Stage
from trainables.record.context import CHECKPOINT, ENCODER, SCORES, StageContext, read_spec
from trainables.record.outcome import Outcome, read_outcome, write_outcome
from trainables.storage.base import write_text
from trainables.training.schedule import end_of_tenth

from .courses import Course, Courses

HANDED_ON = ("pretrain", "intermediate")  # kinds whose encoder others start from


@dataclass(slots=True)
class Work:
    """A stage that a worker has open. `tenth` is the last whole one, also of a trial before this one."""

    place: StageContext
    key: str
    stage: Stage
    course: Course
    tenth: int

    @property
    def seconds(self) -> float:
        """What the next call takes; nothing where the stage is done already."""
        return 0.0 if self.tenth == len(self.course.seconds) else self.course.seconds[self.tenth]

    @property
    def steps(self) -> int:
        """Training steps up to now."""
        return end_of_tenth(min(self.tenth, len(self.course.curve)), self.course.steps)

    def advance(self) -> dict[str, Any]:
        """Come to the end of the next call: write what it leaves, return what `StageTrial.step` returns."""
        if self.tenth < len(self.course.seconds):
            self.tenth += 1
            if self.tenth == len(self.course.seconds):
                self._finish()
            else:
                write_text(self.place.results, self.place.file_name(self.key, CHECKPOINT), str(self.tenth))
        curve = self.course.curve[: self.tenth]
        return {
            "dev": curve[-1] if curve else -1.0,
            "curve": list(curve),
            "steps": self.steps,
            "seconds": sum(self.course.seconds[: self.tenth]),
            "done": self.tenth == len(self.course.seconds),
        }

    def _finish(self) -> None:
        place, key, curve = self.place, self.key, self.course.curve
        if self.stage.kind in HANDED_ON:
            place.results.write_folder(place.file_name(key, ENCODER), _empty_encoder)
        write_text(place.results, place.file_name(key, SCORES), "")
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
        write_outcome(place, outcome)
        place.results.remove(place.file_name(key, CHECKPOINT))


def open_stage(place: StageContext, key: str, courses: Courses) -> Work:
    """A stage from its last whole tenth, or from its beginning."""
    stage = read_spec(place, key)
    course = courses(stage)
    done = read_outcome(place, key)
    if done is not None and done.status in ("finished", "degenerate"):
        return Work(place, key, stage, course, len(course.seconds))
    checkpoint = place.results.read(place.file_name(key, CHECKPOINT))
    return Work(place, key, stage, course, 0 if checkpoint is None else int(checkpoint))


def _empty_encoder(folder: Path) -> None:
    (folder / "config.json").write_text("{}")
