"""Real data for the tasks of the benchmark `xtreme`: examples, what is missing, and a fingerprint of what is read."""

import functools
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import datasets
import huggingface_hub

from spaces.errors import UsageError
from spaces.task import Task
from spaces.xtreme_data import DATASETS
from trainables import shelf
from trainables.examples import Example, Parallel
from trainables.rows import Read, convert, element, is_text, label_ids, missing_columns
from trainables.shelf import Place, Split

ENGLISH = "en"
SELECTED: tuple[Split, ...] = ("train", "dev")  # what training and selection see: English
TEST: Split = "test"


def examples(task: Task, split: Split, language: str = ENGLISH, *, data: Path | None) -> list[Example] | Parallel:
    """The examples of a task: `train` and `dev` in English, `test` in any language that `languages` names.

    `data` is a folder laid out like the hub (None: the hub itself). Raises UsageError if the rows are not there.
    """
    return read(task, split, language, data=data).examples


def read(task: Task, split: Split, language: str = ENGLISH, *, data: Path | None) -> Read:
    """Like `examples`, with a count of the rows that were left out, by reason."""
    place = shelf.find(task, split, language, data)
    if place is None:
        raise UsageError(_absent(task, split, language, data))
    found = convert(shelf.load(place, language), DATASETS[place.dataset], task, training=split == "train")
    if not (found.examples.queries if isinstance(found.examples, Parallel) else found.examples):
        raise UsageError(f"{task.name}: {place} has no usable row in {language!r} (left out: {found.left_out}).")
    return found


def languages(task: Task, data: Path | None) -> tuple[str, ...]:
    """The languages in which the task can be evaluated: those of its table whose test rows are there.

    On the hub all of them are taken to be. The others are named by `notes`.
    """
    return tuple(name for name in task.languages if shelf.find(task, "test", name, data) is not None)


def check(tasks: Sequence[Task], data: Path | None) -> list[str]:
    """One line for everything that the tasks cannot do without and the data lack; quick, as it reads no rows.

    A missing test language is no such thing: it is left out of `languages` and named by `notes`.
    """
    if data is not None and not data.is_dir():
        return [f"there is no folder {data}: give one laid out like the hub (DIR/google/xtreme and so on)."]
    lines = [line for task in tasks for line in _problems(task, data)]
    return list(dict.fromkeys(lines))


def _problems(task: Task, data: Path | None) -> Iterator[str]:
    for split in SELECTED:
        if shelf.part_of(task, split) is not None:
            place = shelf.find(task, split, ENGLISH, data)
            yield from [_absent(task, split, ENGLISH, data)] if place is None else _faults(task, place)
    if shelf.part_of(task, "test") is not None:
        there = languages(task, data)
        if not there:
            yield _absent(task, "test", task.languages[0], data)
        for language in there if data is not None else there[:1]:
            place = shelf.find(task, "test", language, data)
            if place is not None:
                yield from _faults(task, place)


def _absent(task: Task, split: Split, language: str, data: Path | None) -> str:
    part = shelf.part_of(task, split)
    if part is None:
        raise ValueError(f"{task.name} has no {split} split.")
    dataset = DATASETS[part.dataset]
    if data is None:
        return f"{task.name}: {dataset.hub} has no {language!r} rows for {split}."
    places = [place for name in part.splits for place in shelf.candidates(dataset, name, language, data)]
    if not places:
        return f"{task.name}: {dataset.hub} has no language {language!r}."
    wanted = f"{places[-1].folder}/{places[-1].config}/{part.splits[0]}-*.parquet"
    return f"{task.name}: no {split} rows in {language!r}: put {wanted} there, or leave {task.name} out."


def _faults(task: Task, place: Place) -> tuple[str, ...]:
    """What is wrong with a place that is there: unreadable, empty, without a column, with labels of unknown names."""
    dataset = DATASETS[place.dataset]
    try:
        if place.folder is None:
            features = shelf.features(place)
        else:
            features = datasets.Features.from_arrow_schema(shelf.schema(place))
            if shelf.row_count(place) == 0:
                return (f"{task.name}: {place} has no rows.",)
        absent = missing_columns(dataset, features)
        if absent:
            return (f"{task.name}: {place} has no column {', '.join(absent)}; it has {', '.join(features)}.",)
        if dataset.labels in ("names", "digits"):
            _try_labels(task, place, features)
    except UsageError as error:
        return (str(error),)
    return ()


def _try_labels(task: Task, place: Place, features: datasets.Features) -> None:
    """Raise UsageError for class labels of unknown names; the card is asked where the files do not tell them."""
    dataset = DATASETS[place.dataset]
    column = dataset.columns["tags" if task.kind == "tagging" else "label"]
    feature = element(features[column])
    if isinstance(feature, datasets.Value) and not is_text(feature):
        feature = element(shelf.features(place)[column])
    label_ids(task, dataset, feature)


def notes(task: Task, data: Path | None) -> list[str]:
    """What a reader of the task's scores must know of the data: languages left out, rows cut, splits stood in for."""
    lines: list[str] = []
    for split in SELECTED:
        place = shelf.find(task, split, ENGLISH, data)
        if place is not None:
            lines += _stand_ins(task, split, place)
    if shelf.part_of(task, "test") is not None:
        there = languages(task, data)
        left_out = [name for name in task.languages if name not in there]
        if left_out:
            lines.append(f"{task.name}: no test rows for {', '.join(left_out)}: not evaluated there.")
        place = shelf.find(task, "test", there[0], data) if there else None
        if place is not None:
            lines += _stand_ins(task, "test", place)
    return list(dict.fromkeys(lines))


def _stand_ins(task: Task, split: Split, place: Place) -> Iterator[str]:
    dataset, part = DATASETS[place.dataset], shelf.part_of(task, split)
    if place.share == "tail":
        yield f"{task.name}: English dev is the last tenth of {place} (at most {shelf.HELD_OUT_MOST} rows), held out."
    elif part is not None and place.split != part.splits[0]:
        yield f"{task.name}: {split} is {place}, as there is no split {part.splits[0]}."
    if place.config.startswith(shelf.LOCAL):
        yield f"{task.name}: {split} is {place}, a config that the hub does not have."
    elif dataset.note:
        yield f"{task.name}: {dataset.note}"
    published = dataset.rows.get(place.split)
    if split == "train" and published is not None and place.folder is not None:
        rows = len(shelf.load(place, ENGLISH))
        if rows < published:
            yield f"{task.name}: trained on {rows:,} of {published:,} published rows."


def fingerprint(task: Task, data: Path | None) -> str:
    """16 hex digits that change with anything the task reads: files of a folder, or the hub's current revision."""
    digest = hashlib.sha256()
    for split in (*SELECTED, TEST):
        wanted = task.languages if split == "test" else (ENGLISH,)
        for language in wanted:
            place = shelf.find(task, split, language, data)
            if place is not None:
                digest.update(f"{split} {language} {place} {place.share} {_content(place)}\n".encode())
    return digest.hexdigest()[:16]


def _content(place: Place) -> str:
    """A hash of the files of a place, or the hub's revision of the repository."""
    if place.folder is not None:
        return _hash(place.files, shelf.stamp(place.files))
    dataset = DATASETS[place.dataset]
    return _revision(dataset.hub, dataset.revision)


@functools.lru_cache(maxsize=1024)
def _hash(files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> str:
    """SHA-256 of files, one after the other."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


@functools.lru_cache(maxsize=64)
def _revision(hub: str, revision: str | None) -> str:
    try:
        return str(huggingface_hub.HfApi().dataset_info(hub, revision=revision).sha)
    except (OSError, huggingface_hub.errors.HfHubHTTPError) as error:
        line = str(error).splitlines()[0]
        raise UsageError(f"cannot ask the hub for {hub}: {line} Give --data DIR to read a local folder.") from error
