"""The check of a task's data before anything is trained: faults are found here, not after hours of training."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import datasets

from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.task import Task
from trainables.data import hub, load_rows, locate
from trainables.data.column_shapes import field_of, item_type_of
from trainables.data.labels import WITHHELD_LABELS, make_label_mapper
from trainables.data.locate import DataSplit, SplitLocation, locate_split
from trainables.data.missing_data import describe_missing


def find_problems(task: Task, data_dir: Path | None, language: str | None = None) -> list[str]:
    """Return a line for each thing that the task needs and the data lack.

    In a folder, all columns and labels are checked, and retrieval pools are built. Of the hub, only the cards are read.
    A missing test language is no problem: `find_languages` leaves it out, and `collect_notes` names it.
    """
    if data_dir is not None and not data_dir.is_dir():
        return [f"there is no folder {data_dir}: give one laid out like the hub (DIR/google/xtreme and so on)."]
    lines: list[str] = []
    try:
        for split, read_language in _iter_checked_splits(task, data_dir, language):
            lines += _find_split_problems(task, split, read_language, data_dir)
        lines += _find_mixing_problems(task, data_dir)
    except UsageError as error:  # the file that names the languages is not readable, or the hub cannot be reached
        lines += error_lines_of(task, error, data_dir)
    return list(dict.fromkeys(lines))


def error_lines_of(task: Task, error: UsageError, data_dir: Path | None) -> list[str]:
    """Return the lines of an error's message, each after the task's name.

    Lines about the hub are returned as they are: they are the same for all tasks, and are printed once.
    """
    lines = str(error).splitlines()
    return lines if data_dir is None else [f"{task.name}: {line.removeprefix(f'{task.name}: ')}" for line in lines]


def _iter_checked_splits(task: Task, data_dir: Path | None, language: str | None) -> Iterator[tuple[DataSplit, str]]:
    """Yield the splits and languages to check. On the hub, only the first test language is, to send few requests."""
    for split in () if task.kind == "retrieval" else locate.TRAINING_SPLITS:
        for read_language in locate.list_split_languages(task, split, language):
            yield split, read_language
    if locate.parts_of(task, "pool", ENGLISH):
        yield "pool", ENGLISH
    if locate.parts_of(task, "test", ENGLISH):
        with_rows = hub.find_test_languages(task, data_dir)
        for test_language in (with_rows if data_dir is not None else with_rows[:1]) or task.test_languages[:1]:
            yield "test", test_language
            if task.retrieval_mode == "mine" and with_rows and locate_split(task, "dev", test_language, data_dir):
                yield "dev", test_language


def _find_split_problems(task: Task, split: DataSplit, language: str, data_dir: Path | None) -> list[str]:
    """Return what is wrong with a split in one language: missing, unreadable, empty, of other columns or labels."""
    try:
        locations = locate_split(task, split, language, data_dir)
        if not locations:
            return describe_missing(task, split, language, data_dir)
        for location in locations:
            types = load_rows.read_column_types(location)
            load_rows.check_columns(location, types)
            if location.folder is not None and load_rows.count_rows(location) == 0:
                return [f"{task.name}: {location} has no rows."]
            if location.portion == "tail" and location.folder is not None:
                load_rows.load(location, language)
            if task.kind not in ("retrieval", "mlm"):
                with locate.prefix_errors(task, location):
                    _check_labels(task, location, language, types)
        if task.kind == "retrieval" and split in ("test", "dev") and data_dir is not None:
            hub.load_pool(task, split, language, data_dir=data_dir)
        if locate.is_translated(task, split, language) and data_dir is not None:
            hub.load_split(task, split, language, data_dir=data_dir)  # compares it with the rows that it translates
    except UsageError as error:
        return error_lines_of(task, error, data_dir)
    return []


def _check_labels(task: Task, location: SplitLocation, language: str, types: datasets.Features) -> None:
    """Raise UsageError for labels of unknown names, bare numbers, or (in a folder) none at all."""
    dataset = location.spec
    column = dataset.columns["answers"] if task.kind == "span" else dataset.label_column
    feature = item_type_of(types[column])
    if dataset.label_format == "own names":
        make_label_mapper(replace(task, labels=(*getattr(feature, "names", ()),)), dataset, feature)
    has_names = dataset.label_format in ("names", "digits")
    label_id_of = make_label_mapper(task, dataset, feature) if has_names else str
    if location.folder is None:
        return
    if task.kind == "span":
        answers = load_rows.load(location, language).column("answers")
        is_withheld = not task.has_unanswerable and not any(any(field_of(row, "text")) for row in answers)
    else:
        values = load_rows.read_distinct_values(location, column, language)
        is_withheld = all(value in WITHHELD_LABELS for value in values)
        for value in values if has_names else ():
            label_id_of(value)
    if is_withheld:
        raise UsageError(f"no labels in {language!r} (they are withheld): give files that have them.")


def _find_mixing_problems(task: Task, data_dir: Path | None) -> list[str]:
    """Return why a task that mixes languages cannot mix those of its test rows."""
    if task.shift != "mixed":
        return []
    with_rows = hub.find_test_languages(task, data_dir)
    if not hub.find_languages(task, data_dir):
        found = ", ".join(with_rows) or "none"
        return [f"{task.name}: test rows in English and in another language are needed; found: {found}."]
    if data_dir is None:
        return []
    counts = {
        name: sum(len(load_rows.load(location, name)) for location in locate_split(task, "test", name, data_dir))
        for name in with_rows
    }
    if len(set(counts.values())) == 1:
        return []
    listing = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return [f"{task.name}: the test rows must be the same items in all languages, but their numbers differ: {listing}."]
