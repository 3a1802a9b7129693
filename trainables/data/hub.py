"""Real data for the tasks of `xtreme` and `xtreme-r`: examples, pools, languages, and a fingerprint of what is read."""

import dataclasses
import functools
import hashlib
from collections import Counter
from pathlib import Path

import datasets
import numpy as np

from spaces.checksum import hash_files
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.task import Task
from spaces.xtreme_data import DATASETS
from trainables.data import load_rows, locate, parquet_files, pools
from trainables.data.column_shapes import item_type_of
from trainables.data.locate import DataSplit, SplitLocation
from trainables.data.missing_data import describe_missing
from trainables.data.misspelling import misspell
from trainables.data.parallel_rows import convert_mixed_languages, convert_translation
from trainables.data.rows import WITHHELD_LABELS, ConvertedRows, convert_rows
from trainables.features.examples import Example, PairExample, Pool, RankingPool

TRAINING_SPLITS: tuple[DataSplit, ...] = ("train", "dev")  # what training and selection see: English


def load_examples(task: Task, split: DataSplit, language: str = ENGLISH, *, data_dir: Path | None) -> list[Example]:
    """The examples of a trained task: `train` in one of `trains`, `dev` in English, `test` in one of `languages`.

    `data` is a folder laid out like the hub (None: the hub itself). Raises UsageError if the rows are not there.
    """
    return load_split(task, split, language, data_dir=data_dir).examples


def load_split(task: Task, split: DataSplit, language: str = ENGLISH, *, data_dir: Path | None) -> ConvertedRows:
    """Like `examples`, with a count of the rows that were left out, by reason."""
    if locate.is_translated(task, split, language):
        return _load_translated(task, language, data_dir)
    if split == "test" and task.shift == "mixed":
        return _load_mixed(task, language, data_dir)
    found: list[Example] = []
    left_out: Counter[str] = Counter()
    places = _require_locations(task, split, language, data_dir)
    for place in places:
        rows = load_rows.load(place, language)
        with locate.prefix_errors(task, place):
            part = convert_rows(rows, DATASETS[place.dataset], task, training=split == "train")
        found += map(_misspell_pair, part.examples) if split == "test" and task.shift == "perturbed" else part.examples
        left_out.update(part.left_out)
    if task.is_control:
        found = _randomize_labels(found, len(task.labels))
    return _require_examples(ConvertedRows(found, dict(left_out)), task, places, language)


def _randomize_labels(found: list[Example], labels: int) -> list[Example]:
    """The pairs of a negative control: each with a label drawn by lot, the same every time."""
    drawn = np.random.default_rng(0).integers(labels, size=len(found)).tolist()
    return [
        dataclasses.replace(one, label=label)
        for one, label in zip(found, drawn, strict=True)
        if isinstance(one, PairExample)
    ]


def _load_translated(task: Task, language: str, data: Path | None) -> ConvertedRows:
    """The training rows of the task's own language in another one."""
    (own,), places = (
        _require_locations(task, "train", task.own_language, data),
        _require_locations(task, "train", language, data),
    )
    (place,) = places
    texts, rows = load_rows.load(own, task.own_language), load_rows.load(place, language)
    with locate.prefix_errors(task, place):
        read = convert_translation(texts, DATASETS[own.dataset], rows, DATASETS[place.dataset], task)
    return _require_examples(read, task, places, language)


def _load_mixed(task: Task, language: str, data: Path | None) -> ConvertedRows:
    """Test pairs whose sentences are in two languages, given as `first-second`."""
    places = [_require_locations(task, "test", side, data) for side in task.split_language(language)]
    (one,), (other,) = places
    sides = [
        load_rows.load(place, side) for place, side in zip((one, other), task.split_language(language), strict=True)
    ]
    with locate.prefix_errors(task, other):
        return _require_examples(
            convert_mixed_languages(sides[0], sides[1], DATASETS[one.dataset], task), task, (one, other), language
        )


def _misspell_pair(example: Example) -> Example:
    """A pair with misspelt words."""
    assert isinstance(example, PairExample)
    return PairExample(misspell(example.first), misspell(example.second), example.label)


def _require_examples(
    read: ConvertedRows, task: Task, places: tuple[SplitLocation, ...], language: str
) -> ConvertedRows:
    """What was read, if it is anything; raises UsageError if it is not."""
    if not read.examples:
        where = ", ".join(str(place) for place in places)
        reasons = ", ".join(f"{reason}: {count}" for reason, count in read.left_out.items()) or "it has no rows"
        raise UsageError(f"{task.name}: {where} has no usable row in {language!r} ({reasons}).")
    return read


def load_pool(task: Task, split: DataSplit, language: str, *, data_dir: Path | None) -> Pool | None:
    """A retrieval pool: `test`, or the `dev` on which a mining threshold is chosen (None if that is not there)."""
    if task.retrieval_mode == "rank":
        _require_locations(task, split, language, data_dir)
        ranking = _load_ranking_pools(task, data_dir)[language]
        if not ranking.queries:
            reasons = ", ".join(f"{reason}: {count}" for reason, count in ranking.left_out.items()) or "it has no rows"
            raise UsageError(f"{task.name}: no usable row in {language!r} ({reasons}).")
        return ranking
    if split == "dev" and not locate.locate_split(task, split, language, data_dir):
        return None
    (place,) = _require_locations(task, split, language, data_dir)
    rows, dataset = load_rows.load(place, language), DATASETS[place.dataset]
    with locate.prefix_errors(task, place):
        found = (
            pools.build_mining_pool(rows, dataset)
            if task.retrieval_mode == "mine"
            else pools.build_parallel_pool(rows, dataset)
        )
    if not found.queries:
        raise UsageError(f"{task.name}: {place} has no rows in {language!r}.")
    return found


@functools.lru_cache(maxsize=2)
def _load_ranking_pools(task: Task, data: Path | None) -> dict[str, RankingPool]:
    """The pool of every language: they share one set of candidates, which is embedded once."""
    rows: dict[str, datasets.Dataset] = {}
    for language in find_languages(task, data):
        (place,) = _require_locations(task, "test", language, data)
        rows[language] = load_rows.load(place, language)
    dataset = DATASETS[place.dataset]
    if "sentences" in dataset.columns:
        with locate.prefix_errors(task, place):
            return pools.build_answer_pools(rows, dataset)
    (index,) = _require_locations(task, "pool", ENGLISH, data)
    described = load_rows.load(index, ENGLISH)
    with locate.prefix_errors(task, index):
        return pools.build_entity_pools(rows, dataset, described, DATASETS[index.dataset])


def _require_locations(task: Task, split: DataSplit, language: str, data: Path | None) -> tuple[SplitLocation, ...]:
    places = locate.locate_split(task, split, language, data)
    if not places:
        raise UsageError("\n".join(describe_missing(task, split, language, data)))
    return places


def find_languages(task: Task, data: Path | None) -> tuple[str, ...]:
    """The languages in which the task can be evaluated: those of its table whose test rows are there."""
    there = find_test_languages(task, data)
    return tuple(name for name in task.languages if {*task.split_language(name)} <= {*there})


def find_test_languages(task: Task, data: Path | None) -> tuple[str, ...]:
    """The languages that the test rows are read in: those of `languages`, or of their sides."""
    return tuple(name for name in task.test_languages if locate.locate_split(task, "test", name, data))


def resolve_labels(task: Task, data: Path | None) -> Task:
    """The task with its labels, where only the data say which there are (supertags)."""
    if task.labels or task.kind not in ("tagging", "pair"):
        return task
    return dataclasses.replace(task, labels=_read_labels(task, data))


@functools.lru_cache(maxsize=8)
def _read_labels(task: Task, data: Path | None) -> tuple[str, ...]:
    names: set[str] = set()
    for split in TRAINING_SPLITS:
        language = task.own_language if split == "train" else ENGLISH
        for place in _require_locations(task, split, language, data):
            column = DATASETS[place.dataset].label_column
            rows = load_rows.load(place, language)
            feature = item_type_of(rows.features[column])
            if isinstance(feature, datasets.ClassLabel):
                names.update(feature.names)
            else:
                found = rows[column][:]
                names.update(
                    name
                    for row in found
                    for name in (row if isinstance(row, list) else [row])
                    if name not in WITHHELD_LABELS
                )
    return tuple(sorted(names))


def compute_fingerprint(task: Task, data: Path | None, language: str | None = None) -> str:
    """16 hex digits that change with anything the task reads: files of a folder, or commits of the hub.

    `language` is that of the training rows; None is the task's own.
    """
    digest = hashlib.sha256()
    for line in describe_locations(task, data, language):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()[:16]


def describe_locations(task: Task, data: Path | None, language: str | None = None) -> list[str]:
    """What the task reads, a line for each place: split, language, repository, and the files' hash or the commit."""
    return [
        f"{split} {one} {place} {place.portion} {hash_content(place)}"
        for split in (*TRAINING_SPLITS, *(("test", "pool") if task.languages else ()))
        for one in list_split_languages(task, split, language)
        for place in locate.locate_split(task, split, one, data)
    ]


def list_split_languages(task: Task, split: DataSplit, language: str | None = None) -> tuple[str, ...]:
    """The languages in which a split of the task is read, if it is trained in `language`; None is the task's own.

    A translation is read beside the rows that it translates.
    """
    if split == "train":
        trained = language or task.own_language
        return (task.own_language, trained) if locate.is_translated(task, split, trained) else (trained,)
    foreign = split == "test" or (split == "dev" and task.kind == "retrieval")
    return task.test_languages if foreign else (ENGLISH,)


def hash_content(place: SplitLocation) -> str:
    """A hash of the files of a place, or the hub's commit."""
    if place.folder is not None:
        return _hash_files(place.files, parquet_files.read_stamps(place.files))
    return str(locate.resolve_commit(place.repo_id, place.revision))


@functools.lru_cache(maxsize=1024)
def _hash_files(files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> str:
    """SHA-256 of files, one after the other."""
    return hash_files(files)[:16]
