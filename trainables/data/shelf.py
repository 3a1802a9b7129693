"""Where the rows of a dataset lie: on the hub, or in a folder that is laid out like the hub.

In such a folder, `DIR/nyu-mll/glue` stands for the hub's `nyu-mll/glue`, with Parquet files as the hub has them:
`<config>/<split>-*.parquet`, `data/<split>-*.parquet` for the config `default`, or `<config>/<split>/*.parquet` as on
the hub's branch of converted files. With a folder, the hub is never asked.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import datasets
import huggingface_hub

from spaces.dataset import HELD_OUT, Dataset, Part
from spaces.errors import UsageError
from spaces.task import Task
from spaces.xtreme_data import DATASETS, PARTS
from trainables.data import parquet_files
from trainables.data.parquet_files import first_line

Split = Literal["train", "dev", "test", "pool"]

LOCAL = "local_"  # configs that only folders have begin like this
LOCAL_HOME = "local/"  # and so do repositories


@dataclass(frozen=True, slots=True)
class Place:
    """One split of one config. `share` says which of its rows are meant: a tail may be held out for English dev."""

    dataset: str
    hub: str  # id of the repository
    config: str
    split: str
    folder: Path | None  # of the repository; None: the hub
    files: tuple[Path, ...] = ()
    share: Literal["all", "head", "tail"] = "all"

    def __str__(self) -> str:
        """Repository, config and split, without the folder that stands for the hub."""
        return f"{self.hub} {self.config} {self.split}"

    @property
    def revision(self) -> str | None:
        """The branch of the hub's repository; None is the main one."""
        dataset = DATASETS[self.dataset]
        return dataset.revision if self.hub == dataset.hub else None


@contextmanager
def told_of(task: Task, place: Place) -> Iterator[None]:
    """Put the names of a task and a place before what is wrong with its rows."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{task.name}: {place}: {error}") from error


def parts_of(task: Task, split: Split, language: str) -> tuple[Part, ...]:
    """The rows of the table that say what a split of the task reads; empty where the task has no such split."""
    parts = PARTS.find(task.clean or task.name)
    if parts.translated is not None and translated(task, split, language):
        return (parts.translated,)
    return {"train": parts.train, "dev": parts.dev, "test": parts.test, "pool": parts.pool}[split]


def translated(task: Task, split: Split, language: str) -> bool:
    """Whether this is a translation, row by row, of the training rows in the task's own language."""
    return split == "train" and language != task.own and PARTS.find(task.clean or task.name).translated is not None


def places(task: Task, split: Split, language: str, data: Path | None) -> tuple[Place, ...]:
    """What a split of the task is read from in this language, part by part; empty if a part it needs is not there."""
    found = [(part, find(part, language, data)) for part in parts_of(task, split, language)]
    if any(place is None and not part.optional for part, place in found):
        return ()
    there = tuple(place for _, place in found if place is not None)
    if split != "train":
        return there
    if translated(task, split, language):  # what is held out in one language is held out in all
        shares = {own.share for own in places(task, "train", task.own, data)}
        return tuple(replace(one, share="head" if "head" in shares else "all") for one in there)
    held_out = places(task, "dev", language if task.kind == "mlm" else "en", data)
    return tuple(replace(one, share="head") if replace(one, share="tail") in held_out else one for one in there)


def find(part: Part, language: str, data: Path | None) -> Place | None:
    """The place of a part in this language, or None if it is not there."""
    for name in part.splits:
        for place in candidates(DATASETS[part.dataset], "train" if name == HELD_OUT else name, language, data):
            if _on_hub(place, part) if place.folder is None else _in_folder(place, language):
                return replace(place, share="tail") if name == HELD_OUT else place
    return None if part.otherwise is None else find(part.otherwise, language, data)


def candidates(dataset: Dataset, split: str, language: str, data: Path | None) -> Iterator[Place]:
    """Every place where a split could lie, best first, whether it is there or not."""
    code = dataset.code(language)
    if code is None:
        return
    for home in dataset.homes:
        for template in dataset.configs:
            config = template.replace("{code}", code)
            if data is not None:
                for files in _files(data / home, config, split):
                    yield Place(dataset.name, home, config, split, data / home, files)
            elif not config.startswith(LOCAL) and not home.startswith(LOCAL_HOME):
                yield Place(dataset.name, home, config, split, None)


def _files(folder: Path, config: str, split: str) -> Iterator[tuple[Path, ...]]:
    """The files of a split in each of the layouts that the hub knows."""
    yield _in(folder / config, f"{split}-*.parquet")
    yield _in(folder / config / split, "*.parquet")
    if config == "default":
        yield _in(folder / "data", f"{split}-*.parquet")


def _in(folder: Path, pattern: str) -> tuple[Path, ...]:
    """The files of a folder with such a name; raises UsageError for a folder that is there and may not be read."""
    try:
        return tuple(sorted(file for file in folder.iterdir() if file.match(pattern)))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:  # `glob` would pass over it in silence
        raise UsageError(f"the folder {folder} cannot be read: {error.strerror}.") from error


def _in_folder(place: Place, language: str) -> bool:
    told_by_config = language_column(DATASETS[place.dataset]) is None
    return bool(place.files) and (told_by_config or language in _languages(place, parquet_files.stamp(place.files)))


def _on_hub(place: Place, part: Part) -> bool:
    """Whether the repository's card has the config, and the split where the part could take another one."""
    commit = resolve(place.hub, place.revision)
    if commit is None or place.config not in _configs(place.hub, commit):
        return False
    sole = len(part.splits) == 1 and not part.optional and part.otherwise is None
    return sole or place.split in _splits(place.hub, place.config, commit)


@functools.lru_cache(maxsize=64)
def _configs(hub: str, commit: str) -> frozenset[str]:
    """The configs of a repository; empty for one that `datasets` cannot load (a loading script, no data files)."""
    return _ask(hub, lambda: datasets.get_dataset_config_names(hub, revision=commit))


@functools.lru_cache(maxsize=512)
def _splits(hub: str, config: str, commit: str) -> frozenset[str]:
    """The splits of a config; empty for one that cannot be loaded."""
    return _ask(hub, lambda: datasets.get_dataset_split_names(hub, config, revision=commit))


def _ask(hub: str, question: Callable[[], Iterable[str]]) -> frozenset[str]:
    try:
        return frozenset(question())
    except (ValueError, RuntimeError, FileNotFoundError):
        return frozenset()
    except Exception as error:  # the hub's clients have errors of several libraries; all mean that it cannot be asked
        raise _no_hub(hub, error) from error


@functools.lru_cache(maxsize=64)
def resolve(hub: str, revision: str | None) -> str | None:
    """The commit that a branch of a repository stands at now: what is read is this, and this is recorded.

    None if there is no such repository or branch (any more); raises UsageError if the hub cannot be asked.
    """
    try:
        return str(huggingface_hub.HfApi().dataset_info(hub, revision=revision).sha)
    except (huggingface_hub.errors.RepositoryNotFoundError, huggingface_hub.errors.RevisionNotFoundError):
        return None
    except Exception as error:  # as above
        raise _no_hub(hub, error) from error


def _no_hub(hub: str, error: Exception) -> UsageError:
    line = first_line(error).rstrip(".")
    return UsageError(f"cannot ask the hub for {hub}: {line}. Give --data DIR to read a local folder.")


@functools.lru_cache(maxsize=64)
def language_rows(place: Place, stamps: tuple[tuple[int, int], ...]) -> Mapping[str, int]:
    """How many rows a place in a folder has of each language code, by the column that tells the language of a row.

    Rows that do not tell their language count under the empty code. Raises UsageError for a file that cannot be read.
    """
    column = language_column(DATASETS[place.dataset])
    if column is None or column not in parquet_files.names(place.files):
        return {}  # `check` names the missing column
    codes = (code_in(DATASETS[place.dataset], value) for value in parquet_files.values(place.files, column))
    return dict(Counter(code or "" for code in codes))


def _languages(place: Place, stamps: tuple[tuple[int, int], ...]) -> frozenset[str]:
    """The languages that a place in a folder has rows of; English where no column tells: `check` looks at it then."""
    dataset, held = DATASETS[place.dataset], language_rows(place, stamps)
    if not held:
        return frozenset({"en"})
    return frozenset(name for name, code in dataset.codes.items() if code in held) if dataset.codes else frozenset(held)


def language_column(dataset: Dataset) -> str | None:
    """The column that tells the language of a row; None where one config holds one language."""
    return {"id": dataset.columns.get("id"), "column": dataset.columns.get("language")}.get(dataset.language_in)


def code_in(dataset: Dataset, value: Any) -> str | None:
    """The language code in a value of the column that tells the language; None where there is none."""
    if value is None:
        return None
    return str(value).split("-")[0] if dataset.language_in == "id" else str(value)
