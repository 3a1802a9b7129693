"""Courses of stages that nobody stops: made up, or read from the results of a sweep without early stopping."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from spaces.columns import Status
from spaces.stage import TENTHS, Stage, stage_from_json
from trainables.storage.base import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The course of one stage from start to end.

    `seconds` has one entry for each call of the worker, the last one including the evaluation: ten entries, one for a
    stage in one piece, or fewer than ten for a stage that diverged.
    """

    curve: tuple[float, ...]  # English dev after each tenth; empty for a stage in one piece
    seconds: tuple[float, ...]
    steps: int  # of the whole schedule
    status: Status = "finished"


Courses = Callable[[Stage], Course]


def evenly(curve: tuple[float, ...], steps: int, seconds: float, evaluation: float = 0.0) -> Course:
    """Return a course whose tenths take equally long: `seconds` in all, and `evaluation` after them."""
    pieces = max(1, len(curve))
    durations = [seconds / pieces] * pieces
    durations[-1] += evaluation
    return Course(curve=curve, seconds=tuple(durations), steps=steps)


def uneven(courses: Courses, spread: float, seed: int) -> Courses:
    """Return the same courses at random speeds, log-normal by `spread`, for each stage and for each of its tenths."""

    def uneven_course(stage: Stage) -> Course:
        course, draws = courses(stage), random.Random(f"{seed} {stage.key}")
        speed = draws.lognormvariate(0.0, spread)
        seconds = tuple(piece * speed * draws.lognormvariate(0.0, spread) for piece in course.seconds)
        return replace(course, seconds=seconds)

    return uneven_course


class Recorded:
    """The courses of a results folder, by stage.

    A stage that is missing there has another parent than the recorded stage of its stratum and rate, since early
    stopping let another arm win. The recorded stage, its sister, stands in for it. The stage is listed in `missing`,
    with None if it has no sister.
    """

    def __init__(self, storage: Storage) -> None:
        self.courses: dict[str, Course] = {}
        self.unfinished: list[str] = []  # keys of stopped, failed and running stages
        self.missing: dict[str, str | None] = {}  # key of the missing stage -> key of its sister
        self._sisters: dict[tuple[object, ...], str] = {}
        for name in sorted(storage.list_sizes("stages")):
            if Path(name).name == "spec.json":
                self._read(storage, name)

    def _read(self, storage: Storage, name: str) -> None:
        stage = stage_from_json((storage.read(name) or b"").decode())
        outcome = json.loads(storage.read(name.replace("spec.json", "outcome.json")) or b"{}")
        if outcome.get("status") not in ("finished", "degenerate"):
            self.unfinished.append(stage.key)
            return
        curve = tuple(outcome["curve"])
        course = evenly(curve, schedule_steps(outcome["steps"], outcome["tenth"]), outcome["seconds"])
        if 0 < len(curve) < TENTHS:  # it diverged in the tenth after these
            course = replace(course, seconds=(*course.seconds, course.seconds[0]))
        self.courses[stage.key] = replace(course, status=outcome["status"])
        self._sisters.setdefault(_position_of(stage), stage.key)

    def __call__(self, stage: Stage) -> Course:
        """Return the course of a stage; raises KeyError if it is missing and has no sister."""
        if stage.key not in self.courses:
            self.missing[stage.key] = self._sisters.get(_position_of(stage))
        return self.courses[self.missing.get(stage.key) or stage.key]


def schedule_steps(steps: int, tenth: int) -> int:
    """Return the steps of a whole schedule whose first `tenth` tenths took `steps`."""
    return round(steps * TENTHS / tenth) if tenth else steps


def _position_of(stage: Stage) -> tuple[object, ...]:
    """Return the position of a stage in any sweep of its space, whatever its parent."""
    return stage.kind, stage.task, stage.intermediate, stage.seed, stage.learning_rate
