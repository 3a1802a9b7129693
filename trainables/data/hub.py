"""Real data for the tasks of `xtreme` and `xtreme-r`: examples, pools, languages, and a fingerprint of what is read."""

import dataclasses
import functools
import hashlib
from collections import Counter
from pathlib import Path

import datasets
import numpy as np

from spaces.errors import UsageError
from spaces.task import Task
from spaces.xtreme_data import DATASETS
from trainables.data import parquet_files, place_rows, pools, shelf
from trainables.data.absent_data import absent
from trainables.data.column_shapes import element
from trainables.data.parallel_rows import mix, translate
from trainables.data.perturbation import misspelt
from trainables.data.rows import BLIND, Read, convert
from trainables.data.shelf import Place, Split
from trainables.features.examples import Example, Pair, Pool, Ranking

ENGLISH = "en"
SELECTED: tuple[Split, ...] = ("train", "dev")  # what training and selection see: English


def examples(task: Task, split: Split, language: str = ENGLISH, *, data: Path | None) -> list[Example]:
    """The examples of a trained task: `train` in one of `trains`, `dev` in English, `test` in one of `languages`.

    `data` is a folder laid out like the hub (None: the hub itself). Raises UsageError if the rows are not there.
    """
    return read(task, split, language, data=data).examples


def read(task: Task, split: Split, language: str = ENGLISH, *, data: Path | None) -> Read:
    """Like `examples`, with a count of the rows that were left out, by reason."""
    if shelf.translated(task, split, language):
        return _translated(task, language, data)
    if split == "test" and task.shift == "mixed":
        return _mixed(task, language, data)
    found: list[Example] = []
    left_out: Counter[str] = Counter()
    places = _there(task, split, language, data)
    for place in places:
        rows = place_rows.load(place, language)
        with shelf.told_of(task, place):
            part = convert(rows, DATASETS[place.dataset], task, training=split == "train")
        found += map(_misspelt, part.examples) if split == "test" and task.shift == "perturbed" else part.examples
        left_out.update(part.left_out)
    if task.control:
        found = _mislabelled(found, len(task.labels))
    return _some(Read(found, dict(left_out)), task, places, language)


def _mislabelled(found: list[Example], labels: int) -> list[Example]:
    """The pairs of a negative control: each with a label drawn by lot, the same every time."""
    drawn = np.random.default_rng(0).integers(labels, size=len(found)).tolist()
    return [
        dataclasses.replace(one, label=label) for one, label in zip(found, drawn, strict=True) if isinstance(one, Pair)
    ]


def _translated(task: Task, language: str, data: Path | None) -> Read:
    """The training rows of the task's own language in another one."""
    (own,), places = _there(task, "train", task.own, data), _there(task, "train", language, data)
    (place,) = places
    texts, rows = place_rows.load(own, task.own), place_rows.load(place, language)
    with shelf.told_of(task, place):
        read = translate(texts, DATASETS[own.dataset], rows, DATASETS[place.dataset], task)
    return _some(read, task, places, language)


def _mixed(task: Task, language: str, data: Path | None) -> Read:
    """Test pairs whose sentences are in two languages, given as `first-second`."""
    places = [_there(task, "test", side, data) for side in task.sides(language)]
    (one,), (other,) = places
    sides = [place_rows.load(place, side) for place, side in zip((one, other), task.sides(language), strict=True)]
    with shelf.told_of(task, other):
        return _some(mix(sides[0], sides[1], DATASETS[one.dataset], task), task, (one, other), language)


def _misspelt(example: Example) -> Example:
    """A pair with misspelt words."""
    assert isinstance(example, Pair)
    return Pair(misspelt(example.first), misspelt(example.second), example.label)


def _some(read: Read, task: Task, places: tuple[Place, ...], language: str) -> Read:
    """What was read, if it is anything; raises UsageError if it is not."""
    if not read.examples:
        where = ", ".join(str(place) for place in places)
        reasons = ", ".join(f"{reason}: {count}" for reason, count in read.left_out.items()) or "it has no rows"
        raise UsageError(f"{task.name}: {where} has no usable row in {language!r} ({reasons}).")
    return read


def pool(task: Task, split: Split, language: str, *, data: Path | None) -> Pool | None:
    """A retrieval pool: `test`, or the `dev` on which a mining threshold is chosen (None if that is not there)."""
    if task.retrieval == "rank":
        _there(task, split, language, data)
        ranking = _rankings(task, data)[language]
        if not ranking.queries:
            reasons = ", ".join(f"{reason}: {count}" for reason, count in ranking.left_out.items()) or "it has no rows"
            raise UsageError(f"{task.name}: no usable row in {language!r} ({reasons}).")
        return ranking
    if split == "dev" and not shelf.places(task, split, language, data):
        return None
    (place,) = _there(task, split, language, data)
    rows, dataset = place_rows.load(place, language), DATASETS[place.dataset]
    with shelf.told_of(task, place):
        found = pools.mining(rows, dataset) if task.retrieval == "mine" else pools.parallel(rows, dataset)
    if not found.queries:
        raise UsageError(f"{task.name}: {place} has no rows in {language!r}.")
    return found


@functools.lru_cache(maxsize=2)
def _rankings(task: Task, data: Path | None) -> dict[str, Ranking]:
    """The pool of every language: they share one set of candidates, which is embedded once."""
    rows: dict[str, datasets.Dataset] = {}
    for language in languages(task, data):
        (place,) = _there(task, "test", language, data)
        rows[language] = place_rows.load(place, language)
    dataset = DATASETS[place.dataset]
    if "sentences" in dataset.columns:
        with shelf.told_of(task, place):
            return pools.answer_sentences(rows, dataset)
    (index,) = _there(task, "pool", ENGLISH, data)
    described = place_rows.load(index, ENGLISH)
    with shelf.told_of(task, index):
        return pools.entities(rows, dataset, described, DATASETS[index.dataset])


def _there(task: Task, split: Split, language: str, data: Path | None) -> tuple[Place, ...]:
    places = shelf.places(task, split, language, data)
    if not places:
        raise UsageError("\n".join(absent(task, split, language, data)))
    return places


def languages(task: Task, data: Path | None) -> tuple[str, ...]:
    """The languages in which the task can be evaluated: those of its table whose test rows are there."""
    there = spoken(task, data)
    return tuple(name for name in task.languages if {*task.sides(name)} <= {*there})


def spoken(task: Task, data: Path | None) -> tuple[str, ...]:
    """The languages that the test rows are read in: those of `languages`, or of their sides."""
    return tuple(name for name in task.spoken if shelf.places(task, "test", name, data))


def complete(task: Task, data: Path | None) -> Task:
    """The task with its labels, where only the data say which there are (supertags)."""
    if task.labels or task.kind not in ("tagging", "pair"):
        return task
    return dataclasses.replace(task, labels=_own_labels(task, data))


@functools.lru_cache(maxsize=8)
def _own_labels(task: Task, data: Path | None) -> tuple[str, ...]:
    names: set[str] = set()
    for split in SELECTED:
        language = task.own if split == "train" else ENGLISH
        for place in _there(task, split, language, data):
            column = DATASETS[place.dataset].label_column
            rows = place_rows.load(place, language)
            feature = element(rows.features[column])
            if isinstance(feature, datasets.ClassLabel):
                names.update(feature.names)
            else:
                found = rows[column][:]
                names.update(
                    name for row in found for name in (row if isinstance(row, list) else [row]) if name not in BLIND
                )
    return tuple(sorted(names))


def fingerprint(task: Task, data: Path | None, language: str | None = None) -> str:
    """16 hex digits that change with anything the task reads: files of a folder, or commits of the hub.

    `language` is that of the training rows; None is the task's own.
    """
    digest = hashlib.sha256()
    for line in sources(task, data, language):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()[:16]


def sources(task: Task, data: Path | None, language: str | None = None) -> list[str]:
    """What the task reads, a line for each place: split, language, repository, and the files' hash or the commit."""
    return [
        f"{split} {one} {place} {place.share} {content(place)}"
        for split in (*SELECTED, *(("test", "pool") if task.languages else ()))
        for one in wanted(task, split, language)
        for place in shelf.places(task, split, one, data)
    ]


def wanted(task: Task, split: Split, language: str | None = None) -> tuple[str, ...]:
    """The languages in which a split of the task is read, if it is trained in `language`; None is the task's own.

    A translation is read beside the rows that it translates.
    """
    if split == "train":
        trained = language or task.own
        return (task.own, trained) if shelf.translated(task, split, trained) else (trained,)
    foreign = split == "test" or (split == "dev" and task.kind == "retrieval")
    return task.spoken if foreign else (ENGLISH,)


def content(place: Place) -> str:
    """A hash of the files of a place, or the hub's commit."""
    if place.folder is not None:
        return _hash(place.files, parquet_files.stamp(place.files))
    return str(shelf.resolve(place.hub, place.revision))


@functools.lru_cache(maxsize=1024)
def _hash(files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> str:
    """SHA-256 of files, one after the other."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
