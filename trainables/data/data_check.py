"""What is wrong with the data of a task, what a reader of its scores must know of them, and what they look like."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import datasets

from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.task import Task
from spaces.xtreme_data import DATASETS
from trainables.data import hub, load_rows, locate, parquet_files
from trainables.data.column_shapes import field_of, item_type_of
from trainables.data.locate import DataSplit, SplitLocation
from trainables.data.missing_data import describe_missing
from trainables.data.rows import WITHHELD_LABELS, convert_rows, make_label_mapper

SPLITS: tuple[DataSplit, ...] = ("train", "dev", "test", "pool")


def find_problems(task: Task, data: Path | None, language: str | None = None) -> list[str]:
    """One line for everything that the task cannot do without and the data lack.

    Here and below `language` is that of the training rows; None is the task's own.

    Of a folder all columns and labels are looked at, and retrieval pools are built, so that no stage fails for them
    after its training; of the hub only what its cards say. A missing test language is no problem: it is left out of
    `hub.languages` and named by `notes`.
    """
    if data is not None and not data.is_dir():
        return [f"there is no folder {data}: give one laid out like the hub (DIR/google/xtreme and so on)."]
    lines: list[str] = []
    try:
        for split, one in _iter_checked_splits(task, data, language):
            lines += _find_split_problems(task, split, one, data)
        lines += _find_mixing_problems(task, data)
    except UsageError as error:  # the file that tells the languages is not readable, or no way to the hub
        lines += _error_lines_of(task, error, data)
    return list(dict.fromkeys(lines))


def _error_lines_of(task: Task, error: UsageError, data: Path | None) -> list[str]:
    """What an error says, with the name of the task before each line; a hub out of reach is the same for all tasks."""
    if data is None:
        return str(error).splitlines()
    return [f"{task.name}: {line.removeprefix(f'{task.name}: ')}" for line in str(error).splitlines()]


def _find_mixing_problems(task: Task, data: Path | None) -> list[str]:
    """Why the languages of a task that mixes them cannot be mixed."""
    if task.shift != "mixed":
        return []
    there = hub.find_test_languages(task, data)
    if not hub.find_languages(task, data):
        held = ", ".join(there) or "none"
        return [f"{task.name}: it needs test rows in English and in another language; there are: {held}."]
    if data is None:
        return []
    counts = {name: _count_test_rows(task, name, data) for name in there}
    if len(set(counts.values())) == 1:
        return []
    said = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return [f"{task.name}: the test rows must be the same items in all languages, and their numbers differ: {said}."]


def _count_test_rows(task: Task, language: str, data: Path) -> int:
    """Test rows in one language."""
    return sum(len(load_rows.load(place, language)) for place in locate.locate_split(task, "test", language, data))


def _iter_checked_splits(task: Task, data: Path | None, language: str | None) -> Iterator[tuple[DataSplit, str]]:
    """Splits and languages that are looked at: of a test on the hub only the first language, to ask it little."""
    trained = task.kind != "retrieval"
    for split in hub.TRAINING_SPLITS if trained else ():
        for one in hub.list_split_languages(task, split, language):
            yield split, one
    if locate.parts_of(task, "pool", ENGLISH):
        yield "pool", ENGLISH
    if locate.parts_of(task, "test", ENGLISH):
        there = hub.find_test_languages(task, data)
        for one in (there if data is not None else there[:1]) or task.test_languages[:1]:
            yield "test", one
            if task.retrieval_mode == "mine" and there and locate.locate_split(task, "dev", one, data):
                yield "dev", one


def _find_split_problems(task: Task, split: DataSplit, language: str, data: Path | None) -> list[str]:
    """What is wrong with a split in one language: absent, unreadable, empty, of other columns or labels."""
    try:
        found = locate.locate_split(task, split, language, data)
        if not found:
            return describe_missing(task, split, language, data)
        for place in found:
            features = load_rows.read_column_types(place)
            load_rows.check_columns(place, features)
            if place.folder is not None and load_rows.count_rows(place) == 0:
                return [f"{task.name}: {place} has no rows."]
            if place.portion == "tail" and place.folder is not None:
                load_rows.load(place, language)
            if task.kind not in ("retrieval", "mlm"):
                with locate.prefix_errors(task, place):
                    _check_labels(task, place, language, features)
        if task.kind == "retrieval" and split in ("test", "dev") and data is not None:
            hub.load_pool(task, split, language, data_dir=data)
        if locate.is_translated(task, split, language) and data is not None:
            hub.load_split(task, split, language, data_dir=data)  # row by row the same as in the task's own language?
    except UsageError as error:
        return _error_lines_of(task, error, data)
    return []


def _check_labels(task: Task, place: SplitLocation, language: str, features: datasets.Features) -> None:
    """Raise UsageError for labels of unknown names, bare numbers, or (in a folder) none at all."""
    dataset = DATASETS[place.dataset]
    column = dataset.columns["answers"] if task.kind == "span" else dataset.label_column
    feature = item_type_of(features[column])
    if dataset.label_format == "own names":
        make_label_mapper(replace(task, labels=(*getattr(feature, "names", ()),)), dataset, feature)
    named = dataset.label_format in ("names", "digits")
    identify = make_label_mapper(task, dataset, feature) if named else str
    if place.folder is None:
        return
    if task.kind == "span":
        answers = load_rows.load(place, language)[column]
        withheld = not task.has_unanswerable and not any(any(field_of(row, "text")) for row in answers)
    else:
        found = load_rows.read_distinct_values(place, column, language)
        withheld = all(value in WITHHELD_LABELS for value in found)
        for value in found if named else ():
            identify(value)
    if withheld:
        raise UsageError(f"no labels in {language!r} (they are withheld): give a split that has them.")


def collect_notes(task: Task, data: Path | None, language: str | None = None) -> list[str]:
    """What a reader of the task's scores must know of the data: languages left out, rows cut, splits stood in for."""
    lines: list[str] = []
    for split in hub.TRAINING_SPLITS if task.kind != "retrieval" else ():
        for one in hub.list_split_languages(task, split, language)[-1:]:
            lines += _iter_split_notes(task, split, one, data)
    if locate.parts_of(task, "test", ENGLISH):
        there = hub.find_test_languages(task, data)
        left_out = [name for name in task.test_languages if name not in there]
        if left_out:
            lines.append(f"{task.name}: no test rows for {', '.join(left_out)}: not evaluated there.")
        by_line: dict[str, list[str]] = {}  # what holds for several languages is said once
        for one in there if data is not None else there[:1]:
            for line in _iter_split_notes(task, "test", one, data):
                by_line.setdefault(line, []).append(one)
        lines += [line if of == list(there) else f"{line} ({', '.join(of)})" for line, of in by_line.items()]
        if task.retrieval_mode == "mine":
            tuned = [name for name in there if locate.locate_split(task, "dev", name, data)]
            flattered = [name for name in there if name not in tuned]
            if flattered:
                lines.append(
                    f"{task.name}: no dev rows for {', '.join(flattered)}: the threshold is chosen on the scored pairs "
                    "themselves, which flatters."
                )
    return list(dict.fromkeys(lines))


def _iter_split_notes(task: Task, split: DataSplit, language: str, data: Path | None) -> Iterator[str]:
    places = locate.locate_split(task, split, language, data)
    for place in places:
        yield from _iter_location_notes(task, split, place, language)
    for part in locate.parts_of(task, split, language):
        if places and part.is_optional and locate.locate_part(part, language, data) is None:
            yield f"{task.name}: {split} without {DATASETS[part.dataset].repo_id} {part.splits[0]}, which is not there."


def _iter_location_notes(task: Task, split: DataSplit, place: SplitLocation, language: str) -> Iterator[str]:
    dataset = DATASETS[place.dataset]
    wanted = {name for part in locate.parts_of(task, split, language) for name in part.splits[:1]}
    if place.portion == "tail":
        most = load_rows.MAX_HELD_OUT_ROWS
        yield f"{task.name}: English dev is the last tenth of {place} (at most {most:,} rows), held out."
    elif place.split not in wanted:
        yield f"{task.name}: {split} is the {place.split} of {place.repo_id}, as there is no {', '.join(sorted(wanted))}."
    if place.config.startswith(locate.LOCAL_CONFIG_PREFIX):
        yield f"{task.name}: {split} is {place}, a config that the hub does not have."
    elif dataset.note:
        yield f"{task.name}: {dataset.note}"
    yield from _iter_unread_language_notes(task, split, place)
    published = dataset.published_rows.get(place.split)
    if split == "train" and published is not None and place.folder is not None:
        rows = len(load_rows.load(place, language))
        if rows < published:
            yield f"{_training_name_of(task, language)}: trained on {rows:,} of {published:,} published rows of {place}."


def _training_name_of(task: Task, language: str) -> str:
    return task.name if language == task.own_language else f"{task.name}@{language}"


def _iter_unread_language_notes(task: Task, split: DataSplit, place: SplitLocation) -> Iterator[str]:
    """Rows whose language the task does not know, so that nobody reads them."""
    dataset = DATASETS[place.dataset]
    if place.folder is None or locate.language_column_of(dataset) is None:
        return
    known = {dataset.code_of(name) for name in task.test_languages}
    rows = locate.count_rows_by_language(place, parquet_files.read_stamps(place.files))
    strange = ", ".join(f"{code or 'none'} ({rows[code]:,})" for code in sorted(rows) if code not in known)
    if strange:
        yield f"{task.name}: {split} {place} has rows of languages that are not in the table and not read: {strange}."


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitReport:
    """One split of a task that is there: in which repositories, how many rows, in which languages."""

    split: DataSplit
    where: tuple[str, ...]
    row_count: int | None  # None: the hub does not say
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """What a task's data look like: splits that are there, what is wrong, and what a reader of scores must know."""

    name: str  # the task's, with the language of its training rows where that is not its own
    task: Task
    splits: tuple[SplitReport, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def inspect(task: Task, data: Path | None, language: str | None = None) -> DataReport:
    """Look at everything that the task reads, and make an example of the first row of each place."""
    wrong, named = find_problems(task, data, language), _training_name_of(task, language or task.own_language)
    if wrong and data is not None and not data.is_dir():
        return DataReport(name=named, task=task, splits=(), problems=tuple(wrong), notes=())
    findings = []
    for split in SPLITS:
        finding, faults = _report_split(task, split, hub.list_split_languages(task, split, language), data)
        findings += [finding] if finding.languages else []
        wrong += faults
    return DataReport(
        name=named,
        task=task,
        splits=tuple(findings),
        problems=tuple(dict.fromkeys(wrong)),
        notes=() if wrong else tuple(collect_notes(task, data, language)),
    )


def _report_split(
    task: Task, split: DataSplit, wanted: tuple[str, ...], data: Path | None
) -> tuple[SplitReport, list[str]]:
    rows: int | None = 0
    faults: list[str] = []
    where: dict[str, None] = {}
    languages = []
    for language in wanted[-1:] if split == "train" else wanted:
        try:
            for place in locate.locate_split(task, split, language, data):
                languages.append(language)
                where[place.repo_id] = None
                number, first = load_rows.preview(place, language)
                rows = None if rows is None or number is None else rows + number
                if task.kind != "retrieval":
                    complete = hub.resolve_labels(task, data)
                    with locate.prefix_errors(task, place):
                        convert_rows(first, DATASETS[place.dataset], complete, training=split == "train")
        except UsageError as error:
            faults += _error_lines_of(task, error, data)
    return SplitReport(
        split=split, where=tuple(where), row_count=rows, languages=tuple(dict.fromkeys(languages))
    ), faults
