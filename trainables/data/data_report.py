"""The report of `--check` on a task's data: splits, numbers of rows, languages, problems, notes."""

from dataclasses import dataclass
from pathlib import Path

from spaces.errors import UsageError
from spaces.task import Task
from trainables.data import load_rows, real_data
from trainables.data.data_check import find_problems, problems_of_error
from trainables.data.data_notes import collect_notes, training_name_of
from trainables.data.locate import DataSplit, list_split_languages, locate_split, prefix_errors
from trainables.data.rows import convert_rows
from trainables.data.split_files import Origin

SPLITS: tuple[DataSplit, ...] = ("train", "dev", "test", "pool")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitReport:
    """One split of a task: its number of rows and its languages."""

    split: DataSplit
    row_count: int | None  # None: only the rows themselves tell
    languages: tuple[str, ...]  # empty if the split is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """A task's data: the existing splits, the problems, and notes for readers of scores."""

    name: str  # the task's, with the language of its training rows if that is not its own
    task: Task
    splits: tuple[SplitReport, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def inspect(task: Task, origin: Origin, language: str | None = None) -> DataReport:
    """Check all data that the task reads, and convert the first row of each location to an example."""
    problems, name = find_problems(task, origin, language), training_name_of(task, language or task.own_language)
    if problems and isinstance(origin, Path) and not origin.is_dir():
        return DataReport(name=name, task=task, splits=(), problems=tuple(problems), notes=())
    reports = []
    for split in SPLITS:
        report, faults = _report_split(task, split, list_split_languages(task, split, language), origin)
        reports += [report] if report.languages else []
        # A label of a first row that the check of all rows has told already stands there with its place.
        problems += [fault for fault in faults if not any(problem.startswith(fault) for problem in problems)]
    return DataReport(
        name=name,
        task=task,
        splits=tuple(reports),
        problems=tuple(dict.fromkeys(problems)),
        notes=() if problems else tuple(collect_notes(task, origin, language)),
    )


def _report_split(
    task: Task, split: DataSplit, languages: tuple[str, ...], origin: Origin
) -> tuple[SplitReport, list[str]]:
    """Return the report of a split, and a line for each of its faults."""
    row_count: int | None = 0
    faults: list[str] = []
    existing: dict[str, None] = {}  # languages
    for language in languages[-1:] if split == "train" else languages:
        try:
            for location in locate_split(task, split, language, origin):
                existing[language] = None
                count, first_row = load_rows.preview(location, language)
                row_count = None if row_count is None or count is None else row_count + count
                if task.kind != "retrieval":
                    task_with_labels = real_data.resolve_labels(task, origin)
                    with prefix_errors(task, location):
                        convert_rows(first_row, task_with_labels, training=split == "train")
        except UsageError as error:
            faults += [problem.line for problem in problems_of_error(task, error)]
    return SplitReport(split=split, row_count=row_count, languages=tuple(existing)), faults
