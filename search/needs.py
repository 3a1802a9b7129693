"""Which tasks a sweep reads, what the data lack of them, and what a sweep without the missing ones looks like."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from spaces.benchmark import Benchmark
from spaces.chain import MULTITASK, NONE
from spaces.errors import UsageError
from spaces.space import Axes
from spaces.task import Task
from trainables import data
from trainables.data import Source

Role = Literal["intermediate", "target"]
FEWEST_MIXED = 2  # tasks in a multi-task run


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The tasks that a sweep reads, and what is in the way. `axes` are those that are left after skipping."""

    axes: Axes
    tasks: tuple[tuple[Role, Task], ...]
    missing: tuple[str, ...]
    left_out: tuple[str, ...]  # a line for each task that is skipped


def find_needs(axes: Axes, benchmark: Benchmark, source: Source, *, skip_missing: bool) -> Needs:
    """Look for the data of everything that the axes name; with `skip_missing` leave out what lacks them.

    A target that was not asked for, but shares its training with one that was, is evaluated where its data are there.
    Raises UsageError if nothing is left to search.
    """
    problems = {(role, task.name): data.problems(source, task) for role, task in _asked(axes, benchmark)}
    left_out: list[str] = []
    if skip_missing:
        bad = {name for name, lines in problems.items() if lines}
        axes = _without(axes, bad)
        left_out = [problems[one][0] for one in problems if one in bad]
        problems = {name: [] for name in problems if name not in bad}
        if not axes.targets or axes.intermediates == (NONE,):
            raise UsageError("nothing is left without what is missing:\n" + "\n".join(f"  {line}" for line in left_out))
    beside = [task for task in _sharing(axes, benchmark) if not data.problems(source, task)]
    tasks: list[tuple[Role, Task]] = [(role, task) for role, task in _asked(axes, benchmark) if role == "intermediate"]
    kept = {*axes.targets, *(task.name for task in beside)}
    tasks += [("target", task) for task in benchmark.targets.values() if task.name in kept]
    missing = dict.fromkeys(line for lines in problems.values() for line in lines)
    return Needs(axes=axes, tasks=tuple(tasks), missing=tuple(missing), left_out=tuple(left_out))


def list_missing(missing: Sequence[str]) -> str:
    """All that is missing, in one go."""
    lines = "\n".join(f"  {line}" for line in missing)
    return f"the data lack what this sweep needs (--skip-missing leaves it out):\n{lines}"


def _asked(axes: Axes, benchmark: Benchmark) -> list[tuple[Role, Task]]:
    """Every task that the axes name, with its role."""
    names = [name for name in axes.intermediates if name not in (NONE, MULTITASK)]
    tasks: list[tuple[Role, Task]] = [
        ("intermediate", benchmark.intermediates[name]) for name in dict.fromkeys([*names, *axes.mixture])
    ]
    return tasks + [("target", benchmark.targets[name]) for name in axes.targets]


def _sharing(axes: Axes, benchmark: Benchmark) -> list[Task]:
    """Targets that are not asked for and share a training with one that is."""
    trainings = {benchmark.targets[name].training for name in axes.targets} - {None}
    return [
        task
        for task in benchmark.targets.values()
        if task.training in trainings and task.name not in axes.targets and not task.extra
    ]


def _without(axes: Axes, bad: set[tuple[Role, str]]) -> Axes:
    mixture = tuple(name for name in axes.mixture if ("intermediate", name) not in bad)
    if len(mixture) < FEWEST_MIXED:
        mixture = ()
    return dataclasses.replace(
        axes,
        intermediates=tuple(
            name for name in axes.intermediates if ("intermediate", name) not in bad and (name != MULTITASK or mixture)
        ),
        targets=tuple(name for name in axes.targets if ("target", name) not in bad),
        mixture=mixture,
    )
