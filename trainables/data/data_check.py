"""The check of a task's data before anything is trained: faults are found here, not after hours of training."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import datasets

from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.task import Task
from trainables.data import load_rows, locate, real_data
from trainables.data.column_shapes import field_of, item_type_of
from trainables.data.labels import WITHHELD_LABELS, make_label_mapper
from trainables.data.locate import DataSplit, locate_split
from trainables.data.missing_data import describe_missing
from trainables.data.split_files import Origin, SplitLocation
from trainables.repositories.questions import HubError

ProblemKind = Literal["absent", "faulty", "unknown"]


class WithheldLabelsError(UsageError):
    """A test set whose labels were taken away: as good as absent."""


@dataclass(frozen=True, slots=True)
class DataProblem:
    """A line on what a task needs and the data lack.

    `absent`: certainly not there. `faulty`: there, and not readable or not as the table of datasets says. `unknown`:
    the hub cannot be asked, or refuses to answer.
    """

    line: str
    kind: ProblemKind

    def __str__(self) -> str:
        return self.line


def find_problems(task: Task, origin: Origin, language: str | None = None) -> list[str]:
    """Return the lines of `list_problems`."""
    return [problem.line for problem in list_problems(task, origin, language)]


def list_problems(task: Task, origin: Origin, language: str | None = None) -> list[DataProblem]:
    """Return each thing that the task needs and the data lack.

    All columns and labels are checked, and retrieval pools are built. Of large files that are on the hub only, the
    columns and the first row are. A missing test language is no problem: `find_languages` leaves it out, and
    `collect_notes` names it.
    """
    if isinstance(origin, Path) and not origin.is_dir():
        line = f"there is no folder {origin}: give one laid out like the hub (DIR/google/xtreme and so on)."
        return [DataProblem(line, "unknown")]
    problems: list[DataProblem] = []
    try:
        for split, read_language in _iter_checked_splits(task, origin, language):
            problems += _find_split_problems(task, split, read_language, origin)
        problems += _find_mixing_problems(task, origin)
    except UsageError as error:  # the file that names the languages is not readable, or the hub cannot be asked
        problems += problems_of_error(task, error)
    return list(dict.fromkeys(problems))


def list_row_problems(task: Task, origin: Origin, rows: Mapping[str, DataSplit]) -> list[DataProblem]:
    """Return what is wrong with the rows of further languages: of each, the split that is read."""
    problems = (_find_split_problems(task, split, language, origin) for language, split in rows.items())
    return list(dict.fromkeys(problem for found in problems for problem in found))


def problems_of_error(task: Task, error: UsageError) -> list[DataProblem]:
    """Return the lines of an error's message, each after the task's name.

    Lines about the hub are returned as they are: they are the same for all tasks, and are printed once.
    """
    if isinstance(error, HubError):
        return [DataProblem(line, "unknown") for line in str(error).splitlines()]
    kind: ProblemKind = "absent" if isinstance(error, WithheldLabelsError) else "faulty"
    prefix = f"{task.name}: "
    return [DataProblem(prefix + line.removeprefix(prefix), kind) for line in str(error).splitlines()]


def _absent(lines: list[str]) -> list[DataProblem]:
    return [DataProblem(line, "absent") for line in lines]


def _iter_checked_splits(task: Task, origin: Origin, language: str | None) -> Iterator[tuple[DataSplit, str]]:
    """Yield the splits and languages to check."""
    for split in () if task.kind == "retrieval" else locate.TRAINING_SPLITS:
        for read_language in locate.list_split_languages(task, split, language):
            yield split, read_language
    if locate.parts_of(task, "pool", ENGLISH):
        yield "pool", ENGLISH
    if locate.parts_of(task, "test", ENGLISH):
        with_rows = real_data.find_test_languages(task, origin)
        for test_language in with_rows or task.test_languages[:1]:
            yield "test", test_language
            if task.retrieval_mode == "mine" and with_rows and locate_split(task, "dev", test_language, origin):
                yield "dev", test_language


def _find_split_problems(task: Task, split: DataSplit, language: str, origin: Origin) -> list[DataProblem]:
    """Return what is wrong with a split in one language: missing, unreadable, empty, of other columns or labels."""
    try:
        locations = locate_split(task, split, language, origin)
        if not locations:
            return _absent(describe_missing(task, split, language, origin))
        for location in locations:
            types = load_rows.read_column_types(location)
            load_rows.check_columns(location, types)
            if load_rows.count_rows(location) == 0:
                return _absent([f"{task.name}: {location} has no rows."])
            if location.portion == "tail" and not location.is_remote:
                load_rows.load(location, language)
            if task.kind not in ("retrieval", "mlm"):
                with locate.prefix_errors(task, location):
                    _check_labels(task, location, language, types)
        if any(location.is_remote for location in locations):
            return []
        if task.kind == "retrieval" and split in ("test", "dev") and _is_here(task, origin):
            real_data.load_pool(task, split, language, origin=origin)
        if locate.is_translated(task, split, language) and _is_here(task, origin, language):
            real_data.load_split(task, split, language, origin=origin)  # compares it with the rows that it translates
    except UsageError as error:
        return problems_of_error(task, error)
    return []


def _is_here(task: Task, origin: Origin, language: str | None = None) -> bool:
    """Return True if all files of a task are on this machine: its pools and translations can be built."""
    if isinstance(origin, Path) or origin.downloads:
        return True
    splits: tuple[DataSplit, ...] = ("train", "test", "pool")
    read = [(split, name) for split in splits for name in locate.list_split_languages(task, split, language)]
    return not any(location.is_remote for split, name in read for location in locate_split(task, split, name, origin))


def _check_labels(task: Task, location: SplitLocation, language: str, types: datasets.Features) -> None:
    """Raise UsageError for labels of unknown names (with file and row), bare numbers, or (in a folder) none at all."""
    dataset = location.spec
    column = dataset.columns["answers"] if task.kind == "span" else dataset.label_column
    feature = item_type_of(types[column])
    if dataset.label_format == "own names":
        make_label_mapper(replace(task, labels=(*getattr(feature, "names", ()),)), dataset, feature)
    has_names = dataset.label_format in ("names", "digits")
    label_id_of = make_label_mapper(task, dataset, feature) if has_names else str
    if location.is_remote:
        return
    if task.kind == "span":
        answers = load_rows.load(location, language).column("answers")
        is_withheld = not task.has_unanswerable and not any(any(field_of(row, "text")) for row in answers)
    else:
        values = load_rows.read_distinct_values(location, column, language)
        is_withheld = all(value in WITHHELD_LABELS for value in values)
        for value in values if has_names else ():
            try:
                label_id_of(value)
            except UsageError as error:
                file, row = load_rows.find_row(location, column, value)
                raise UsageError(f"{error} It is in row {row:,} of {file}: correct or remove that row.") from error
    if is_withheld:
        raise WithheldLabelsError(f"no labels in {language!r} (they are withheld): give files that have them.")


def _find_mixing_problems(task: Task, origin: Origin) -> list[DataProblem]:
    """Return why a task that mixes languages cannot mix those of its test rows."""
    if task.shift != "mixed":
        return []
    with_rows = real_data.find_test_languages(task, origin)
    if not real_data.find_languages(task, origin):
        found = ", ".join(with_rows) or "none"
        return _absent([f"{task.name}: test rows in English and in another language are needed; found: {found}."])
    if not _is_here(task, origin):
        return []
    counts = {
        name: sum(len(load_rows.load(location, name)) for location in locate_split(task, "test", name, origin))
        for name in with_rows
    }
    if len(set(counts.values())) == 1:
        return []
    listing = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    line = f"{task.name}: the test rows must be the same items in all languages, but their numbers differ: {listing}."
    return [DataProblem(line, "faulty")]
