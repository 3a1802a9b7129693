"""What is wrong with the data of a task, what a reader of its scores must know of them, and what they look like."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import datasets
import pyarrow.parquet

from spaces.errors import UsageError
from spaces.task import Task
from spaces.xtreme_data import DATASETS
from trainables import hub, place_rows, pools, shelf
from trainables.rows import BLIND, convert, element, is_text, label_ids, missing_columns
from trainables.shelf import Place, Split

SPLITS: tuple[Split, ...] = ("train", "dev", "test", "pool")
FIRST_ROWS = 1_000  # of a test split, in which one label at least must be


def problems(task: Task, data: Path | None) -> list[str]:
    """One line for everything that the task cannot do without and the data lack; quick, as it reads hardly any rows.

    A missing test language is no such thing: it is left out of `hub.languages` and named by `notes`.
    """
    if data is not None and not data.is_dir():
        return [f"there is no folder {data}: give one laid out like the hub (DIR/google/xtreme and so on)."]
    try:
        return list(dict.fromkeys(_problems(task, data)))
    except UsageError as error:  # an unreadable file, or no way to the hub
        return str(error).splitlines()


def _problems(task: Task, data: Path | None) -> Iterator[str]:
    for split, language in _needed(task, data):
        found = shelf.places(task, split, language, data)
        if not found:
            yield from hub.absent(task, split, language, data)
        for place in found:
            yield from _faults(task, split, place)


def _needed(task: Task, data: Path | None) -> Iterator[tuple[Split, str]]:
    """Splits and languages that are looked at: of a test on the hub only the first language, to ask it little."""
    trained = task.kind != "retrieval"
    for split in hub.SELECTED if trained else ():
        yield split, hub.ENGLISH
    if shelf.parts_of(task, "test"):
        there = hub.languages(task, data)
        for language in (there if data is not None else there[:1]) or task.languages[:1]:
            yield "test", language
    if shelf.parts_of(task, "pool"):
        yield "pool", hub.ENGLISH


def _faults(task: Task, split: Split, place: Place) -> tuple[str, ...]:
    """What is wrong with a place: unreadable, empty, without a column, with unknown or withheld labels."""
    dataset = DATASETS[place.dataset]
    try:
        if place.folder is None:
            features = place_rows.features(place)
        else:
            features = datasets.Features.from_arrow_schema(shelf.schema(place))
            if place_rows.row_count(place) == 0:
                return (f"{task.name}: {place} has no rows.",)
        absent = missing_columns(dataset, features)
        if absent:
            return (f"{task.name}: {place} has no column {', '.join(absent)}; it has {', '.join(features)}.",)
        if dataset.labels in ("names", "digits"):
            _try_labels(task, place, features)
        if split == "test" and _withheld(task, place):
            return (f"{task.name}: {place} has no labels (they are withheld): give a split that has them.",)
    except UsageError as error:
        return (str(error),)
    return ()


def _try_labels(task: Task, place: Place, features: datasets.Features) -> None:
    """Raise UsageError for class labels of unknown names; the card is asked where the files do not tell them."""
    dataset = DATASETS[place.dataset]
    feature = element(features[_label_column(task, place)])
    if isinstance(feature, datasets.Value) and not is_text(feature):
        feature = element(place_rows.features(place)[_label_column(task, place)])
    label_ids(task, dataset, feature)


def _label_column(task: Task, place: Place) -> str:
    return DATASETS[place.dataset].columns["tags" if task.kind == "tagging" else "label"]


def _withheld(task: Task, place: Place) -> bool:
    """Whether a test split in a folder has no label, tag or answer in its first rows."""
    if place.folder is None or task.kind == "retrieval":
        return False
    column = "answers" if task.kind == "span" else _label_column(task, place)
    file = pyarrow.parquet.ParquetFile(place.files[0])
    rows = next(file.iter_batches(FIRST_ROWS, columns=[column]))[column].to_pylist()
    if task.kind == "span":
        return not any(any(row["text"]) for row in rows) and task.answers != "squad2"
    return all(set(row) <= set(BLIND) if isinstance(row, list) else row in BLIND for row in rows)


def notes(task: Task, data: Path | None) -> list[str]:
    """What a reader of the task's scores must know of the data: languages left out, rows cut, splits stood in for."""
    lines: list[str] = []
    for split in hub.SELECTED if task.kind != "retrieval" else ():
        lines += _of_split(task, split, hub.ENGLISH, data)
    if shelf.parts_of(task, "test"):
        there = hub.languages(task, data)
        left_out = [name for name in task.languages if name not in there]
        if left_out:
            lines.append(f"{task.name}: no test rows for {', '.join(left_out)}: not evaluated there.")
        if there:
            lines += _of_split(task, "test", there[0], data)
        if task.retrieval == "mine":
            tuned = [name for name in there if shelf.places(task, "dev", name, data)]
            flattered = [name for name in there if name not in tuned]
            if flattered:
                lines.append(
                    f"{task.name}: no dev rows for {', '.join(flattered)}: the threshold is chosen on the scored pairs "
                    "themselves, which flatters."
                )
    return list(dict.fromkeys(lines))


def _of_split(task: Task, split: Split, language: str, data: Path | None) -> Iterator[str]:
    places = shelf.places(task, split, language, data)
    for place in places:
        yield from _stand_ins(task, split, place)
    for part in shelf.parts_of(task, split):
        if places and part.optional and shelf.find(part, language, data) is None:
            yield f"{task.name}: {split} without {DATASETS[part.dataset].hub} {part.splits[0]}, which is not there."


def _stand_ins(task: Task, split: Split, place: Place) -> Iterator[str]:
    dataset = DATASETS[place.dataset]
    wanted = {name for part in shelf.parts_of(task, split) for name in part.splits[:1]}
    if place.share == "tail":
        most = place_rows.HELD_OUT_MOST
        yield f"{task.name}: English dev is the last tenth of {place} (at most {most:,} rows), held out."
    elif place.split not in wanted:
        yield f"{task.name}: {split} is {place}, as there is no split {', '.join(sorted(wanted))}."
    if place.config.startswith(shelf.LOCAL):
        yield f"{task.name}: {split} is {place}, a config that the hub does not have."
    elif dataset.note:
        yield f"{task.name}: {dataset.note}"
    published = dataset.rows.get(place.split)
    if split == "train" and published is not None and place.folder is not None:
        rows = len(place_rows.load(place, hub.ENGLISH))
        if rows < published:
            yield f"{task.name}: trained on {rows:,} of {published:,} published rows of {place}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One split of a task that is there: in which repositories, how many rows, in which languages."""

    split: Split
    where: tuple[str, ...]
    rows: int | None  # None: the hub does not say
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a task's data look like: splits that are there, what is wrong, and what a reader of scores must know."""

    task: Task
    findings: tuple[Finding, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def inspect(task: Task, data: Path | None) -> Inspection:
    """Look at everything that the task reads, and make an example of the first row of each place."""
    wrong = problems(task, data)
    if wrong and data is not None and not data.is_dir():
        return Inspection(task=task, findings=(), problems=tuple(wrong), notes=())
    findings = []
    for split in SPLITS:
        languages = tuple(name for name in hub.wanted(task, split) if shelf.places(task, split, name, data))
        if languages:
            finding, faults = _finding(task, split, languages, data)
            findings.append(finding)
            wrong += faults
    return Inspection(
        task=task,
        findings=tuple(findings),
        problems=tuple(dict.fromkeys(wrong)),
        notes=() if wrong else tuple(notes(task, data)),
    )


def _finding(task: Task, split: Split, languages: tuple[str, ...], data: Path | None) -> tuple[Finding, list[str]]:
    rows: int | None = 0
    faults: list[str] = []
    where: dict[str, None] = {}
    for language in languages:
        for place in shelf.places(task, split, language, data):
            where[place.hub] = None
            try:
                number, first = place_rows.head(place, language)
                rows = None if rows is None or number is None else rows + number
                _try_row(task, split, place, first, data)
            except UsageError as error:
                faults.append(str(error))
    return Finding(split=split, where=tuple(where), rows=rows, languages=languages), faults


def _try_row(task: Task, split: Split, place: Place, first: datasets.Dataset, data: Path | None) -> None:
    """Raise UsageError if the first row makes no example."""
    dataset = DATASETS[place.dataset]
    absent = missing_columns(dataset, first.features)
    if absent:
        raise UsageError(f"{task.name}: {place} has no column {', '.join(absent)}.")
    if task.kind != "retrieval":
        convert(first, dataset, hub.complete(task, data), training=split == "train")
    elif task.retrieval == "mine":
        pools.mining(first, dataset)
