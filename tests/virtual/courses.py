"""What stages would do if nobody stopped them: made up, or read from the results of a sweep that stopped nothing."""

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
    """The whole way of one stage.

    `seconds` has one entry for each call of the worker, the last with the evaluation in it: ten, one for a stage that
    is one piece, fewer than ten for one whose loss was no number on the way.
    """

    curve: tuple[float, ...]  # English dev after each tenth; empty for a stage that is one piece
    seconds: tuple[float, ...]
    steps: int  # of the whole schedule
    status: Status = "finished"


Courses = Callable[[Stage], Course]


def evenly(curve: tuple[float, ...], steps: int, seconds: float, evaluation: float = 0.0) -> Course:
    """A course whose tenths take equally long: `seconds` in all, and `evaluation` after them."""
    pieces = max(1, len(curve))
    each = [seconds / pieces] * pieces
    each[-1] += evaluation
    return Course(curve=curve, seconds=tuple(each), steps=steps)


def uneven(courses: Courses, spread: float, seed: int) -> Courses:
    """The same courses at speeds drawn at random, log-normal by `spread`: of each stage, and of each of its tenths."""

    def found(stage: Stage) -> Course:
        course, draws = courses(stage), random.Random(f"{seed} {stage.key}")
        speed = draws.lognormvariate(0.0, spread)
        seconds = tuple(piece * speed * draws.lognormvariate(0.0, spread) for piece in course.seconds)
        return replace(course, seconds=seconds)

    return found


class Recorded:
    """The courses of a results folder, by stage.

    A stage that is not there has another parent than the recorded one of its stratum and rate: early stopping let
    another arm win. That sister's course stands in for it, and it is in `missing`, with None where there is no sister.
    """

    def __init__(self, storage: Storage) -> None:
        self.courses: dict[str, Course] = {}
        self.unfinished: list[str] = []  # keys of stages that were stopped, failed or never ended: no whole course
        self.missing: dict[str, str | None] = {}  # key of the stage that was asked for: key of its stand-in
        self._stages: dict[str, Stage] = {}
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
        course = evenly(curve, whole(outcome["steps"], outcome["tenth"]), outcome["seconds"])
        if 0 < len(curve) < TENTHS:  # its loss was no number in the tenth after these
            course = replace(course, seconds=(*course.seconds, course.seconds[0]))
        self.courses[stage.key] = replace(course, status=outcome["status"])
        self._sisters.setdefault(_place(stage), stage.key)

    def __call__(self, stage: Stage) -> Course:
        """The course of a stage; raises KeyError where no sister stands in."""
        if stage.key not in self.courses:
            self.missing[stage.key] = self._sisters.get(_place(stage))
        return self.courses[self.missing.get(stage.key) or stage.key]


def whole(steps: int, tenth: int) -> int:
    """Steps of a whole schedule of which the first tenths took so many."""
    return round(steps * TENTHS / tenth) if tenth else steps


def _place(stage: Stage) -> tuple[object, ...]:
    """Where a stage stands in any sweep of its space, whichever stage is its parent."""
    return stage.kind, stage.task, stage.intermediate, stage.seed, stage.learning_rate
