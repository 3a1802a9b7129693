"""The rows in other languages that ceilings and target-language dev sets read, and what the data lack of them."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from spaces.benchmark import Benchmark
from spaces.ceilings import Ceiling, explain_gap
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.space import Axes
from spaces.task import Split, Task
from trainables.data import foreign_rows
from trainables.data.foreign_rows import find_dev_languages, find_shot_splits, find_translations
from trainables.data.task_data import DataSource


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingRows:
    """The ceilings of a sweep with the rows that the data have, and what there is to say about them, a line each."""

    ceilings: tuple[Ceiling, ...]
    absent: tuple[str, ...]  # ceilings without rows for any target
    faults: tuple[str, ...]  # rows that cannot be read
    notes: tuple[str, ...]  # for readers of the scores


def find_ceiling_rows(axes: Axes, benchmark: Benchmark, source: DataSource) -> CeilingRows:
    """Find the rows of each ceiling. A target without any is noted; a ceiling without any target is absent."""
    ceilings: list[Ceiling] = []
    faults: list[str] = []
    absent_ceilings: list[str] = []
    notes: list[str] = []
    for ceiling in axes.ceilings:
        rows: dict[str, Mapping[str, Split]] = {}
        without = []
        for training_set, task in list_training_sets(axes, benchmark).items():
            try:
                found = find_translations(source, task) if ceiling.shots is None else find_shot_splits(source, task)
                faults += [problem.line for problem in foreign_rows.list_problems(source, task, found)]
                absent = foreign_rows.list_absent_languages(source, task, found)
            except UsageError as error:  # files that cannot be read, or a hub that cannot be asked
                faults += str(error).splitlines()
                continue
            if not found:
                without.append(task.name)
                continue
            rows[training_set] = found
            notes += _describe_rows(ceiling, task, found, absent)
        if without and rows:
            notes += [
                f"{name}: {explain_gap(ceiling.name)} but English ones, so no stage of {ceiling.name}."
                for name in without
            ]
        if not rows and not faults:
            absent_ceilings.append(f"{ceiling.name}: {explain_gap(ceiling.name)} for {', '.join(axes.targets)}.")
        ceilings.append(dataclasses.replace(ceiling, rows=rows))
    return CeilingRows(
        ceilings=tuple(ceilings), absent=tuple(absent_ceilings), faults=tuple(faults), notes=tuple(notes)
    )


def _describe_rows(ceiling: Ceiling, task: Task, found: Mapping[str, Split], absent: tuple[str, ...]) -> Iterator[str]:
    if absent:
        yield f"{task.name}: {explain_gap(ceiling.name)} for {', '.join(absent)}: not in {ceiling.name}."
    if from_dev := [language for language, split in found.items() if split == "dev"]:
        yield f"{task.name}: the shots of {ceiling.name} are dev rows for {', '.join(from_dev)}, without training rows."


def list_training_sets(axes: Axes, benchmark: Benchmark) -> dict[str, Task]:
    """Return the training sets of the sweep's targets, each with the target whose rows are trained on."""
    sets = (benchmark.targets_trained_with(name, axes.targets) for name in axes.targets)
    tasks = (benchmark.targets[names[0]] for names in sets if names)
    return {task.training_set: task for task in tasks if task.training_set is not None}


def collect_fingerprints(source: DataSource, axes: Axes, benchmark: Benchmark) -> dict[tuple[str, str], str]:
    """Return the fingerprint of each ceiling's rows in other languages, by role and `ceiling training-set`."""
    return {
        ("ceiling", name): foreign_rows.compute_fingerprint(source, task, rows)
        for name, task, rows in _iter_rows(axes, benchmark)
    }


def describe_locations(source: DataSource, axes: Axes, benchmark: Benchmark) -> dict[str, list[str]]:
    """Return the files of each ceiling's rows in other languages, with their hashes."""
    return {
        f"ceiling {name}": foreign_rows.describe_locations(source, task, rows)
        for name, task, rows in _iter_rows(axes, benchmark)
    }


def _iter_rows(axes: Axes, benchmark: Benchmark) -> Iterator[tuple[str, Task, Mapping[str, Split]]]:
    tasks = list_training_sets(axes, benchmark)
    for ceiling in axes.ceilings:
        for training_set, rows in ceiling.rows.items():
            yield f"{ceiling.name} {training_set}", tasks[training_set], rows


def build_spec_entry(axes: Axes, benchmark: Benchmark) -> dict[str, Mapping[str, Split]]:
    """Return what `sweep.json` says of ceilings: by `ceiling target`, each language with the split of its rows."""
    return {
        f"{ceiling.name} {target}": ceiling.rows[training_set]
        for ceiling in axes.ceilings
        for target in axes.targets
        if (training_set := benchmark.targets[target].training_set) in ceiling.rows and training_set is not None
    }


def find_target_dev(axes: Axes, benchmark: Benchmark, source: DataSource) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the training sets of which a target has dev rows in other languages, and a note on each other target."""
    sets: set[str] = set()
    notes: list[str] = []
    for task in (benchmark.targets[name] for name in axes.targets):
        if task.training_set and find_dev_languages(source, task):
            sets.add(task.training_set)
        elif task.training_set:
            notes.append(f"{task.name}: no dev rows in other languages, so nothing for --target-dev.")
    return frozenset(sets), tuple(notes)


def iter_wanted_splits(
    axes: Axes, benchmark: Benchmark, *, target_dev: bool
) -> Iterator[tuple[Task, str, list[Split]]]:
    """Yield task, language and the splits that may be read of it, of which the first with rows is read."""
    for task in list_training_sets(axes, benchmark).values():
        for language in task.test_languages:
            if language == ENGLISH:
                continue
            for ceiling in axes.ceilings:
                if ceiling.shots is not None:
                    yield task, language, ["train", "dev"]
                elif task.is_translated:
                    yield task, language, ["train"]
            if target_dev:
                yield task, language, ["dev"]
