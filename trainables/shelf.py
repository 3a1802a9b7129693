"""Where the rows of a dataset lie: on the hub, or in a folder that is laid out like the hub.

In such a folder, `DIR/nyu-mll/glue` stands for the hub's `nyu-mll/glue`, with Parquet files as the hub has them:
`<config>/<split>-*.parquet`, or `data/<split>-*.parquet` for the config `default`. On the hub itself the published
tables are trusted and nothing is looked up before it is read. With a folder, the hub is never asked.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import datasets
import pyarrow.parquet

from spaces.dataset import HELD_OUT, Dataset, Part
from spaces.errors import UsageError
from spaces.task import Task
from spaces.xtreme_data import DATASETS, PARTS

Split = Literal["train", "dev", "test"]

HELD_OUT_MOST = 2_000  # rows that are held out of a training set without a dev split, if a tenth of it is more
LOCAL = "local_"  # configs that only folders have begin like this


@dataclass(frozen=True, slots=True)
class Place:
    """One split of one config. `share` says which of its rows are meant: a tail may be held out for English dev."""

    dataset: str
    config: str
    split: str
    folder: Path | None  # of the repository; None: the hub
    files: tuple[Path, ...] = ()
    share: Literal["all", "head", "tail"] = "all"

    def __str__(self) -> str:
        """Repository, config and split, without the folder that stands for the hub."""
        return f"{DATASETS[self.dataset].hub} {self.config} {self.split}"


def part_of(task: Task, split: Split) -> Part | None:
    """The row of the table that says what a split of the task reads; None where the task has no such split."""
    parts = PARTS.find(task.name)
    return {"train": parts.train, "dev": parts.dev, "test": parts.test}[split]


def find(task: Task, split: Split, language: str, data: Path | None) -> Place | None:
    """The place that a split of the task is read from in this language, or None if it is not there."""
    part = part_of(task, split)
    if part is None:
        return None
    for name in part.splits:
        place = _locate(DATASETS[part.dataset], "train" if name == HELD_OUT else name, language, data)
        if place is None:
            continue
        if name == HELD_OUT:
            return replace(place, share="tail")
        dev = find(task, "dev", language, data) if split == "train" else None
        return replace(place, share="head") if dev == replace(place, share="tail") else place
    return None


def candidates(dataset: Dataset, split: str, language: str, data: Path | None) -> Iterator[Place]:
    """Every place where a split could lie, best first, whether it is there or not."""
    code = dataset.code(language)
    if code is None or (dataset.language_in == "none" and language != "en"):
        return
    folder = None if data is None else data / dataset.hub
    for template in dataset.configs:
        config = template.replace("{code}", code)
        if folder is None:
            if not config.startswith(LOCAL):
                yield Place(dataset.name, config, split, None)
            continue
        homes = (folder / config, folder / "data") if config == "default" else (folder / config,)
        for home in homes:
            yield Place(dataset.name, config, split, folder, tuple(sorted(home.glob(f"{split}-*.parquet"))))


def _locate(dataset: Dataset, split: str, language: str, data: Path | None) -> Place | None:
    for place in candidates(dataset, split, language, data):
        if place.folder is None or (place.files and language in _languages(place, stamp(place.files))):
            return place
    return None


def stamp(files: tuple[Path, ...]) -> tuple[tuple[int, int], ...]:
    """Size and time of change of files: what is kept of them in memory is read again when this changes."""
    return tuple((file.stat().st_size, file.stat().st_mtime_ns) for file in files)


@functools.lru_cache(maxsize=256)
def _languages(place: Place, stamps: tuple[tuple[int, int], ...]) -> frozenset[str]:
    """The languages that a place in a folder has rows of; raises UsageError for a file that cannot be read."""
    dataset = DATASETS[place.dataset]
    if dataset.language_in == "none":
        return frozenset({"en"})
    if dataset.language_in == "config":
        codes = dataset.codes or {place.config.split(".")[1]: place.config.split(".")[1]}
        return frozenset(name for name, code in codes.items() if place.config.split(".")[1] == code)
    column = "id" if dataset.language_in == "id" else dataset.columns["language"]
    if column not in schema(place).names:
        return frozenset({"en"})  # `check` names the missing column
    held = {
        _code(dataset, value)
        for file in place.files
        for value in pyarrow.parquet.read_table(file, columns=[column])[column].to_pylist()
    }
    return frozenset(name for name, code in dataset.codes.items() if code in held) if dataset.codes else frozenset(held)


def _code(dataset: Dataset, value: str) -> str:
    """The language code in a value of the column that tells the language."""
    return value.split("-")[0] if dataset.language_in == "id" else value


def schema(place: Place) -> Any:
    """The Arrow schema of a place in a folder; raises UsageError for a file that cannot be read."""
    try:
        return pyarrow.parquet.read_schema(place.files[0])
    except (OSError, pyarrow.ArrowException) as error:
        raise UsageError(f"{place.files[0]} is no readable Parquet file: {_first_line(error)}") from error


def row_count(place: Place) -> int:
    """Rows of a place in a folder, all languages together."""
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in place.files)


def features(place: Place) -> datasets.Features:
    """The columns of a place and their types, with the names of class labels where the files or the card tell them."""
    if place.folder is None or (place.folder / "README.md").is_file():
        return builder(place).info.features or datasets.Features()
    return datasets.Features.from_arrow_schema(schema(place))


def builder(place: Place) -> datasets.DatasetBuilder:
    """What `datasets` knows of a config before it reads rows; raises UsageError if it cannot be reached."""
    dataset = DATASETS[place.dataset]
    path = dataset.hub if place.folder is None else str(place.folder)
    try:
        return datasets.load_dataset_builder(path, place.config, revision=None if place.folder else dataset.revision)
    except (ValueError, OSError) as error:
        raise UsageError(f"cannot open {place}: {_first_line(error)}") from error


def load(place: Place, language: str) -> datasets.Dataset:
    """The rows of a place in one language, as `datasets` reads them; raises UsageError if it cannot."""
    dataset = DATASETS[place.dataset]
    rows = _load(replace(place, share="all"), stamp(place.files))
    if dataset.language_in in ("column", "id"):
        column = "id" if dataset.language_in == "id" else dataset.columns["language"]
        code = dataset.code(language)
        values = rows[column][:]
        rows = rows.select([i for i, value in enumerate(values) if _code(dataset, value) == code])
    held_out = min(len(rows) // 10, HELD_OUT_MOST)
    if place.share == "head":
        return rows.select(range(len(rows) - held_out))
    if place.share == "tail":
        return rows.select(range(len(rows) - held_out, len(rows)))
    return rows


@functools.lru_cache(maxsize=8)  # one config may hold all languages: it is opened once
def _load(place: Place, stamps: tuple[tuple[int, int], ...]) -> datasets.Dataset:
    dataset, split = DATASETS[place.dataset], place.split
    datasets.disable_progress_bars()
    try:
        if place.folder is None:
            return datasets.load_dataset(dataset.hub, place.config, split=split, revision=dataset.revision)
        if (place.folder / "README.md").is_file():
            return datasets.load_dataset(str(place.folder), place.config, split=split)
        return datasets.load_dataset("parquet", data_files={split: [str(file) for file in place.files]}, split=split)
    except (ValueError, OSError, datasets.exceptions.DatasetGenerationError) as error:
        raise UsageError(f"cannot read {place}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
