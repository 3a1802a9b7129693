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

from spaces.dataset import HELD_OUT, DatasetSpec, SplitPart
from spaces.errors import UsageError, first_line_of
from spaces.task import Task
from spaces.xtreme_data import DATASETS, TASK_SPLITS
from trainables.data import parquet_files

DataSplit = Literal["train", "dev", "test", "pool"]

LOCAL_CONFIG_PREFIX = "local_"  # configs that only folders have begin like this
LOCAL_REPO_PREFIX = "local/"  # and so do repositories


@dataclass(frozen=True, slots=True)
class SplitLocation:
    """One split of one config. `share` says which of its rows are meant: a tail may be held out for English dev."""

    dataset: str
    repo_id: str  # id of the repository
    config: str
    split: str
    folder: Path | None  # of the repository; None: the hub
    files: tuple[Path, ...] = ()
    portion: Literal["all", "head", "tail"] = "all"

    def __str__(self) -> str:
        """Repository, config and split, without the folder that stands for the hub."""
        return f"{self.repo_id} {self.config} {self.split}"

    @property
    def revision(self) -> str | None:
        """The branch of the hub's repository; None is the main one."""
        dataset = DATASETS[self.dataset]
        return dataset.revision if self.repo_id == dataset.repo_id else None


@contextmanager
def prefix_errors(task: Task, place: SplitLocation) -> Iterator[None]:
    """Put the names of a task and a place before what is wrong with its rows."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{task.name}: {place}: {error}") from error


def parts_of(task: Task, split: DataSplit, language: str) -> tuple[SplitPart, ...]:
    """The rows of the table that say what a split of the task reads; empty where the task has no such split."""
    parts = TASK_SPLITS.find(task.clean_target or task.name)
    if parts.translated is not None and is_translated(task, split, language):
        return (parts.translated,)
    return {"train": parts.train, "dev": parts.dev, "test": parts.test, "pool": parts.pool}[split]


def is_translated(task: Task, split: DataSplit, language: str) -> bool:
    """Whether this is a translation, row by row, of the training rows in the task's own language."""
    return (
        split == "train"
        and language != task.own_language
        and TASK_SPLITS.find(task.clean_target or task.name).translated is not None
    )


def locate_split(task: Task, split: DataSplit, language: str, data: Path | None) -> tuple[SplitLocation, ...]:
    """What a split of the task is read from in this language, part by part; empty if a part it needs is not there."""
    found = [(part, locate_part(part, language, data)) for part in parts_of(task, split, language)]
    if any(place is None and not part.is_optional for part, place in found):
        return ()
    there = tuple(place for _, place in found if place is not None)
    if split != "train":
        return there
    if is_translated(task, split, language):  # what is held out in one language is held out in all
        shares = {own.portion for own in locate_split(task, "train", task.own_language, data)}
        return tuple(replace(one, portion="head" if "head" in shares else "all") for one in there)
    held_out = locate_split(task, "dev", language if task.kind == "mlm" else "en", data)
    return tuple(replace(one, portion="head") if replace(one, portion="tail") in held_out else one for one in there)


def locate_part(part: SplitPart, language: str, data: Path | None) -> SplitLocation | None:
    """The place of a part in this language, or None if it is not there."""
    for name in part.splits:
        for place in iter_candidates(DATASETS[part.dataset], "train" if name == HELD_OUT else name, language, data):
            if _is_on_hub(place, part) if place.folder is None else _is_in_folder(place, language):
                return replace(place, portion="tail") if name == HELD_OUT else place
    return None if part.fallback is None else locate_part(part.fallback, language, data)


def iter_candidates(dataset: DatasetSpec, split: str, language: str, data: Path | None) -> Iterator[SplitLocation]:
    """Every place where a split could lie, best first, whether it is there or not."""
    code = dataset.code_of(language)
    if code is None:
        return
    for home in dataset.repo_ids:
        for template in dataset.configs:
            config = template.replace("{code}", code)
            if data is not None:
                for files in _iter_layouts(data / home, config, split):
                    yield SplitLocation(dataset.name, home, config, split, data / home, files)
            elif not config.startswith(LOCAL_CONFIG_PREFIX) and not home.startswith(LOCAL_REPO_PREFIX):
                yield SplitLocation(dataset.name, home, config, split, None)


def _iter_layouts(folder: Path, config: str, split: str) -> Iterator[tuple[Path, ...]]:
    """The files of a split in each of the layouts that the hub knows."""
    yield _match_files(folder / config, f"{split}-*.parquet")
    yield _match_files(folder / config / split, "*.parquet")
    if config == "default":
        yield _match_files(folder / "data", f"{split}-*.parquet")


def _match_files(folder: Path, pattern: str) -> tuple[Path, ...]:
    """The files of a folder with such a name; raises UsageError for a folder that is there and may not be read."""
    try:
        return tuple(sorted(file for file in folder.iterdir() if file.match(pattern)))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:  # `glob` would pass over it in silence
        raise UsageError(f"the folder {folder} cannot be read: {error.strerror}.") from error


def _is_in_folder(place: SplitLocation, language: str) -> bool:
    told_by_config = language_column_of(DATASETS[place.dataset]) is None
    return bool(place.files) and (
        told_by_config or language in _find_languages(place, parquet_files.read_stamps(place.files))
    )


def _is_on_hub(place: SplitLocation, part: SplitPart) -> bool:
    """Whether the repository's card has the config, and the split where the part could take another one."""
    commit = resolve_commit(place.repo_id, place.revision)
    if commit is None or place.config not in _list_configs(place.repo_id, commit):
        return False
    sole = len(part.splits) == 1 and not part.is_optional and part.fallback is None
    return sole or place.split in _list_splits(place.repo_id, place.config, commit)


@functools.lru_cache(maxsize=64)
def _list_configs(hub: str, commit: str) -> frozenset[str]:
    """The configs of a repository; empty for one that `datasets` cannot load (a loading script, no data files)."""
    return _ask_hub(hub, lambda: datasets.get_dataset_config_names(hub, revision=commit))


@functools.lru_cache(maxsize=512)
def _list_splits(hub: str, config: str, commit: str) -> frozenset[str]:
    """The splits of a config; empty for one that cannot be loaded."""
    return _ask_hub(hub, lambda: datasets.get_dataset_split_names(hub, config, revision=commit))


def _ask_hub(hub: str, question: Callable[[], Iterable[str]]) -> frozenset[str]:
    try:
        return frozenset(question())
    except (ValueError, RuntimeError, FileNotFoundError):
        return frozenset()
    except Exception as error:  # the hub's clients have errors of several libraries; all mean that it cannot be asked
        raise _hub_error(hub, error) from error


@functools.lru_cache(maxsize=64)
def resolve_commit(hub: str, revision: str | None) -> str | None:
    """The commit that a branch of a repository stands at now: what is read is this, and this is recorded.

    None if there is no such repository or branch (any more); raises UsageError if the hub cannot be asked.
    """
    try:
        return str(huggingface_hub.HfApi().dataset_info(hub, revision=revision).sha)
    except (huggingface_hub.errors.RepositoryNotFoundError, huggingface_hub.errors.RevisionNotFoundError):
        return None
    except Exception as error:  # as above
        raise _hub_error(hub, error) from error


def _hub_error(hub: str, error: Exception) -> UsageError:
    line = first_line_of(error).rstrip(".")
    return UsageError(f"cannot ask the hub for {hub}: {line}. Give --data DIR to read a local folder.")


@functools.lru_cache(maxsize=64)
def count_rows_by_language(place: SplitLocation, stamps: tuple[tuple[int, int], ...]) -> Mapping[str, int]:
    """How many rows a place in a folder has of each language code, by the column that tells the language of a row.

    Rows that do not tell their language count under the empty code. Raises UsageError for a file that cannot be read.
    """
    column = language_column_of(DATASETS[place.dataset])
    if column is None or column not in parquet_files.read_column_names(place.files):
        return {}  # `check` names the missing column
    codes = (
        language_code_of(DATASETS[place.dataset], value) for value in parquet_files.read_column(place.files, column)
    )
    return dict(Counter(code or "" for code in codes))


def _find_languages(place: SplitLocation, stamps: tuple[tuple[int, int], ...]) -> frozenset[str]:
    """The languages that a place in a folder has rows of; English where no column tells: `check` looks at it then."""
    dataset, held = DATASETS[place.dataset], count_rows_by_language(place, stamps)
    if not held:
        return frozenset({"en"})
    return frozenset(name for name, code in dataset.codes.items() if code in held) if dataset.codes else frozenset(held)


def language_column_of(dataset: DatasetSpec) -> str | None:
    """The column that tells the language of a row; None where one config holds one language."""
    return {"id": dataset.columns.get("id"), "column": dataset.columns.get("language")}.get(dataset.language_in)


def language_code_of(dataset: DatasetSpec, value: Any) -> str | None:
    """The language code in a value of the column that tells the language; None where there is none."""
    if value is None:
        return None
    return str(value).split("-")[0] if dataset.language_in == "id" else str(value)
