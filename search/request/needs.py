"""Which tasks a sweep reads, what the data lack of them, and what a sweep without the missing ones looks like."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from spaces.benchmark import Benchmark
from spaces.chain import MLM, NONE, Ingredient, parse_chain
from spaces.errors import UsageError
from spaces.phase import has_phase, ingredients_of
from spaces.space import Axes
from spaces.task import Task
from trainables.data import task_data
from trainables.data.task_data import DataSource
from trainables.methods import requirements as methods

TaskRole = Literal["intermediate", "target"]
MIN_MIXTURE_TASKS = 2  # tasks in a multi-task run


@dataclass(frozen=True, slots=True)
class TaskNeed:
    """A task that a sweep reads: a target, or an ingredient of an intermediate phase with the language of its rows."""

    role: TaskRole
    task: Task
    language: str = "en"  # of the training rows

    @property
    def name(self) -> str:
        """The name by which fingerprints and messages know it."""
        return self.task.name if self.role == "target" else str(Ingredient(self.task.name, self.language))


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepNeeds:
    """What a sweep reads, and what is in the way. `axes` are those that are left after skipping."""

    axes: Axes
    task_needs: tuple[TaskNeed, ...]
    missing_data: tuple[str, ...]
    skipped_tasks: tuple[str, ...]  # a line for each task that is skipped


def find_needs(axes: Axes, benchmark: Benchmark, source: DataSource, *, skip_missing: bool) -> SweepNeeds:
    """Look for the data of everything that the axes name; with `skip_missing` leave out what lacks them.

    A target that was not asked for, but shares its training with one that was, is evaluated where its data are there.
    Raises UsageError if nothing is left to search.
    """
    axes, asked = _resolve_text_languages(axes, benchmark, source), axes.intermediates
    problems = {need: _find_problems(source, need) for need in _list_needs(axes, benchmark)}
    of_methods = {name: _find_method_problems(name, axes, benchmark, source) for name in axes.intermediates}
    left_out: list[str] = []
    if skip_missing:
        axes = _drop_missing(
            axes,
            benchmark,
            {(need.role, need.name) for need, lines in problems.items() if lines},
            {name for name, lines in of_methods.items() if lines},
        )
        left_out = list(dict.fromkeys(lines[0] for lines in (*problems.values(), *of_methods.values()) if lines))
        problems, of_methods = {need: [] for need in _list_needs(axes, benchmark)}, {}
        if not axes.targets or (axes.intermediates == (NONE,) and asked != (NONE,)):
            raise UsageError("nothing is left without what is missing:\n" + "\n".join(f"  {line}" for line in left_out))
    beside = [
        task for task in _find_sharing_targets(axes, benchmark) if not _find_problems(source, TaskNeed("target", task))
    ]
    kept = {*axes.targets, *(task.name for task in beside)}
    tasks = [need for need in problems if need.role == "intermediate"]
    tasks += [TaskNeed("target", task) for task in benchmark.targets.values() if task.name in kept]
    missing = dict.fromkeys(line for lines in (*problems.values(), *of_methods.values()) for line in lines)
    return SweepNeeds(axes=axes, task_needs=tuple(tasks), missing_data=tuple(missing), skipped_tasks=tuple(left_out))


def _resolve_text_languages(axes: Axes, benchmark: Benchmark, source: DataSource) -> Axes:
    """Masked words in the languages that have texts, where the sweep names none; all of them where none has."""
    used = any(
        need.task.kind == "mlm" for name in axes.intermediates for need in _list_ingredient_needs(name, axes, benchmark)
    )
    if axes.masked.languages is not None or not used:
        return axes
    task = benchmark.intermediates[MLM]
    there = tuple(name for name in task.training_languages if not task_data.find_problems(source, task, name))
    masked = dataclasses.replace(axes.masked, languages=there or task.training_languages)
    return dataclasses.replace(axes, masked=masked)


def _find_problems(source: DataSource, need: TaskNeed) -> list[str]:
    return task_data.find_problems(source, need.task, need.language)


def _find_method_problems(name: str, axes: Axes, benchmark: Benchmark, source: DataSource) -> list[str]:
    """What the methods of a chain lack, in its phase and in the targets' own fine-tuning."""
    chain, lines = parse_chain(name), []
    if chain.method is not None:
        for need in _list_ingredient_needs(name, axes, benchmark):
            if need.task.kind != "mlm":
                lines += methods.find_problems(source, chain.method, need.task, need.language)
    if chain.target_method is not None:
        for target in axes.targets:
            if benchmark.targets[target].training_set is not None:
                lines += methods.find_problems(source, chain.target_method, benchmark.targets[target])
    return lines


def methods_of(axes: Axes) -> list[str]:
    """The methods that the chains use, each once."""
    chains = [parse_chain(name) for name in axes.intermediates]
    used = [name for chain in chains for name in (chain.method, chain.target_method) if name is not None]
    return list(dict.fromkeys(used))


def format_missing_data(missing: Sequence[str]) -> str:
    """All that is missing, in one go."""
    lines = "\n".join(f"  {line}" for line in missing)
    return f"the data lack what this sweep needs (--skip-missing leaves it out):\n{lines}"


def _list_needs(axes: Axes, benchmark: Benchmark) -> list[TaskNeed]:
    """Every ingredient and every target that the axes name."""
    found = [need for name in axes.intermediates for need in _list_ingredient_needs(name, axes, benchmark)]
    found += [TaskNeed("target", benchmark.targets[name]) for name in axes.targets]
    return list(dict.fromkeys(found))


def _list_ingredient_needs(name: str, axes: Axes, benchmark: Benchmark) -> list[TaskNeed]:
    return [
        TaskNeed(
            "intermediate",
            benchmark.intermediates[one.task],
            one.language or benchmark.intermediates[one.task].own_language,
        )
        for one in ingredients_of(parse_chain(name), benchmark, axes.mixture, axes.masked)
    ]


def _find_sharing_targets(axes: Axes, benchmark: Benchmark) -> list[Task]:
    """Targets that are not asked for and share a training with one that is."""
    trainings = {benchmark.targets[name].training_set for name in axes.targets} - {None}
    return [
        task
        for training in trainings
        if training is not None
        for task in benchmark.targets_trained_on(training, axes.targets)
        if task.name not in axes.targets
    ]


def _drop_missing(axes: Axes, benchmark: Benchmark, bad: set[tuple[TaskRole, str]], chains: set[str]) -> Axes:
    """The axes without `chains` and what lacks data; `multitask` mixes what is there."""
    mixture = tuple(
        name
        for name in axes.mixture
        if ("intermediate", str(Ingredient(name, benchmark.intermediates[name].own_language))) not in bad
    )
    axes = dataclasses.replace(axes, mixture=mixture if len(mixture) >= MIN_MIXTURE_TASKS else ())

    def whole(name: str) -> bool:
        needs = _list_ingredient_needs(name, axes, benchmark)
        there = bool(needs) and all((need.role, need.name) not in bad for need in needs)
        return name not in chains and (there or not has_phase(name))

    return dataclasses.replace(
        axes,
        intermediates=tuple(name for name in axes.intermediates if whole(name)),
        targets=tuple(name for name in axes.targets if ("target", name) not in bad),
    )
