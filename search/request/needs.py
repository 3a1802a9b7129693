"""The tasks that a sweep reads, the data that they lack, and the sweep that is left without them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from search.request.ceiling_rows import find_ceiling_rows
from spaces.benchmark import Benchmark
from spaces.chain import MLM, Ingredient, is_baseline, parse_chain
from spaces.errors import UsageError
from spaces.language import ENGLISH
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
    language: str = ENGLISH  # of the training rows

    @property
    def name(self) -> str:
        """The task's name in fingerprints and messages."""
        return self.task.name if self.role == "target" else str(Ingredient(self.task.name, self.language))

    @property
    def key(self) -> tuple[TaskRole, str]:
        """Role and name, which tell tasks apart."""
        return self.role, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepNeeds:
    """The tasks that a sweep reads, and the data that are missing. `axes` are those that are left after skipping."""

    axes: Axes
    task_needs: tuple[TaskNeed, ...]
    missing_data: tuple[str, ...]
    skipped_tasks: tuple[str, ...]  # a line for each task that is skipped
    ceiling_notes: tuple[str, ...] = ()  # what the data lack of rows in other languages

    @property
    def readable_needs(self) -> tuple[TaskNeed, ...]:
        """The tasks whose data can be read: none while data are missing."""
        return () if self.missing_data else self.task_needs


def find_needs(axes: Axes, benchmark: Benchmark, source: DataSource, *, skip_missing: bool) -> SweepNeeds:
    """Find the tasks that the axes name and the data that they lack; with `skip_missing`, leave out tasks without data.

    A target that shares its training set with one of the axes is evaluated too, where its data are available.
    Raises UsageError if nothing is left to search.
    """
    requested, axes = axes.intermediates, _resolve_text_languages(axes, benchmark, source)
    problems = {need: _list_problems(source, need, skip_missing) for need in list_needs(axes, benchmark)}
    chain_problems = {name: _find_method_problems(name, axes, benchmark, source) for name in axes.intermediates}
    skipped: list[str] = []
    if skip_missing:
        lacking = {need.key for need, lines in problems.items() if lines}
        axes = _drop_missing(axes, benchmark, lacking, {name for name, lines in chain_problems.items() if lines})
        skipped = list(dict.fromkeys(lines[0] for lines in (*problems.values(), *chain_problems.values()) if lines))
        problems, chain_problems = {need: [] for need in list_needs(axes, benchmark)}, {}
        has_baselines_only = all(map(is_baseline, axes.intermediates)) and not all(map(is_baseline, requested))
        if not axes.targets or has_baselines_only:
            lines = "\n".join(f"  {line}" for line in skipped)
            raise UsageError(f"nothing is left to search after skipping what is missing:\n{lines}")
    trained = {name for target in axes.targets for name in benchmark.targets_trained_with(target, axes.targets)}
    sharing = (TaskNeed("target", benchmark.targets[name]) for name in sorted(trained - set(axes.targets)))
    evaluated = {*axes.targets, *(need.name for need in sharing if _can_be_evaluated(source, need, skipped, problems))}
    needs = [need for need in list_needs(axes, benchmark) if need.role == "intermediate"]
    needs += [TaskNeed("target", task) for task in benchmark.targets.values() if task.name in evaluated]
    found = find_ceiling_rows(axes, benchmark, source)
    ceilings = tuple(ceiling for ceiling in found.ceilings if ceiling.rows or not skip_missing)
    if skip_missing:
        skipped += found.absent
    missing = dict.fromkeys(line for lines in (*problems.values(), *chain_problems.values()) for line in lines)
    return SweepNeeds(
        axes=dataclasses.replace(axes, ceilings=ceilings),
        task_needs=tuple(needs),
        missing_data=(*missing, *found.faults, *(() if skip_missing else found.absent)),
        skipped_tasks=tuple(skipped),
        ceiling_notes=found.notes,
    )


def _resolve_text_languages(axes: Axes, benchmark: Benchmark, source: DataSource) -> Axes:
    """Resolve the languages of masked words where the sweep names none: those with texts, or all if none has any."""
    needs = (need for name in axes.intermediates for need in _list_ingredient_needs(name, axes, benchmark))
    if axes.masked.languages is not None or not any(need.task.name == MLM for need in needs):
        return axes
    task = benchmark.intermediates[MLM]
    problems = {name: task_data.list_problems(source, task, name) for name in task.training_languages}
    available = tuple(name for name, found in problems.items() if all(each.kind != "absent" for each in found))
    masked = dataclasses.replace(axes.masked, languages=available or task.training_languages)
    return dataclasses.replace(axes, masked=masked)


def _can_be_evaluated(
    source: DataSource, need: TaskNeed, skipped: list[str], problems: dict[TaskNeed, list[str]]
) -> bool:
    """Return True if a target that nobody asked for has data.

    Faults are told in `skipped`. What cannot be known is a problem of the sweep: the target may not be left out.
    """
    found = task_data.list_problems(source, need.task, need.language)
    skipped += [f"{need.name}, trained in passing: {each.line}" for each in found if each.kind == "faulty"]
    unknown = [each.line for each in found if each.kind == "unknown"]
    if unknown:
        problems[need] = unknown
    return not found


def _list_problems(source: DataSource, need: TaskNeed, skip_missing: bool) -> list[str]:
    """Return what is wrong with the data of a task, a line each.

    Raises UsageError if the task could be left out and that would hide a fault: data that are damaged, or of which
    nobody knows whether they are there, are not missing.
    """
    problems = task_data.list_problems(source, need.task, need.language)
    hidden = [problem.line for problem in problems if problem.kind != "absent"]
    if skip_missing and hidden:
        raise UsageError(
            "\n".join([*hidden, "--skip-missing never leaves out data that are faulty or that cannot be asked for."])
        )
    return [problem.line for problem in problems]


def _find_method_problems(name: str, axes: Axes, benchmark: Benchmark, source: DataSource) -> list[str]:
    """Return the problems of a chain's methods, both in its phase and in the fine-tuning on targets."""
    chain, lines = parse_chain(name), list[str]()
    for member in chain.members:
        lines += _find_method_problems(member.name, axes, benchmark, source)
    if chain.method is not None:
        for need in _list_ingredient_needs(name, axes, benchmark):
            if need.task.kind != "mlm":
                lines += methods.find_problems(source, chain.method, need.task, need.language)
    target_method = axes.target_method_of(name)
    if target_method is not None:
        for target in axes.targets:
            if benchmark.targets[target].training_set is not None:
                lines += methods.find_problems(source, target_method, benchmark.targets[target])
    return lines


def methods_of(axes: Axes) -> list[str]:
    """Return the methods that the chains use, each once."""
    chains = [parse_chain(name) for name in axes.intermediates]
    phases = [each.method for chain in chains for each in (chain, *chain.members)]
    names = (*phases, *map(axes.target_method_of, axes.intermediates))
    return list(dict.fromkeys(name for name in names if name is not None))


def format_missing_data(missing: Sequence[str]) -> str:
    """Return the message that lists all missing data."""
    lines = "\n".join(f"  {line}" for line in missing)
    return f"data that this sweep needs are missing (--skip-missing leaves out what is certainly not there):\n{lines}"


def list_needs(axes: Axes, benchmark: Benchmark) -> list[TaskNeed]:
    """Return the tasks that the axes name, each once."""
    needs = [need for name in axes.intermediates for need in _list_ingredient_needs(name, axes, benchmark)]
    needs += [TaskNeed("target", benchmark.targets[name]) for name in axes.targets]
    return list(dict.fromkeys(needs))


def _list_ingredient_needs(name: str, axes: Axes, benchmark: Benchmark) -> list[TaskNeed]:
    chain, needs = parse_chain(name), list[TaskNeed]()
    for member in chain.members:
        needs += _list_ingredient_needs(member.name, axes, benchmark)
    for ingredient in ingredients_of(chain, benchmark, axes.mixture, axes.masked):
        task = benchmark.intermediates[ingredient.task]
        needs.append(TaskNeed("intermediate", task, ingredient.language or task.own_language))
    return needs


def _drop_missing(axes: Axes, benchmark: Benchmark, lacking: set[tuple[TaskRole, str]], chains: set[str]) -> Axes:
    """Return the axes without `chains` and without the tasks that lack data; `multitask` mixes those that are left."""
    tasks = (benchmark.intermediates[name] for name in axes.mixture)
    mixture = tuple(task.name for task in tasks if TaskNeed("intermediate", task, task.own_language).key not in lacking)
    axes = dataclasses.replace(axes, mixture=mixture if len(mixture) >= MIN_MIXTURE_TASKS else ())

    def is_complete(name: str) -> bool:
        needs = _list_ingredient_needs(name, axes, benchmark)
        has_data = bool(needs) and all(need.key not in lacking for need in needs)
        reads_nothing = not has_phase(name) or parse_chain(name).ready is not None
        return name not in chains and (has_data or reads_nothing)

    intermediates = tuple(name for name in axes.intermediates if is_complete(name))
    kept = (*intermediates, *axes.references)
    return dataclasses.replace(
        axes,
        intermediates=intermediates,
        chain_seeds={name: seeds for name, seeds in axes.chain_seeds.items() if name in kept},
        targets=tuple(name for name in axes.targets if ("target", name) not in lacking),
    )
