"""The location of the rows that a task reads: each part of a split, in one language.

Functions raise UsageError for files that cannot be read, and HubError if the hub cannot be asked: what is not known to
be missing is never replaced by something else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import pyarrow.parquet

from spaces.dataset import HELD_OUT, SplitPart, TaskSplits
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.task import Task
from spaces.xtreme_data import DATASETS, TASK_SPLITS
from trainables.data import remote_rows
from trainables.data.row_languages import find_row_languages, language_column_of
from trainables.data.split_files import Origin, SplitLocation, iter_candidates
from trainables.repositories.download import fetch_file
from trainables.repositories.hub import Hub
from trainables.repositories.questions import HubError
from trainables.repositories.snapshot import RepositoryFile, Snapshot

DataSplit = Literal["train", "dev", "test", "pool"]

TRAINING_SPLITS: tuple[DataSplit, ...] = ("train", "dev")  # what training and selection read
SMALL_FILE_BYTES = 8 << 20  # up to this size `--plan` and `--check` download a file, and a run then has it


@contextmanager
def prefix_errors(task: Task, location: SplitLocation) -> Iterator[None]:
    """Put the names of the task and of the location before the message of a UsageError raised inside."""
    try:
        yield
    except HubError:
        raise
    except UsageError as error:
        raise type(error)(f"{task.name}: {location}: {error}") from error


def parts_of(task: Task, split: DataSplit, language: str) -> tuple[SplitPart, ...]:
    """Return the parts that a split of the task is read from; empty if the task has no such split."""
    parts = splits_of(task)
    if parts.translated is not None and is_translated(task, split, language):
        return (parts.translated,)
    return {"train": parts.train, "dev": parts.dev, "test": parts.test, "pool": parts.pool}[split]


def splits_of(task: Task) -> TaskSplits:
    """Return the row of the table of splits that the task's recipe names, or that of the task itself.

    A wide target has the rows of the target that it widens, but for its test rows.
    """
    named = None if task.recipe is None else task.recipe.splits
    splits = TASK_SPLITS.find(named or task.trained_as)
    return splits if task.wide_of is None else replace(splits, name=task.name, test=TASK_SPLITS.find(task.name).test)


def is_translated(task: Task, split: DataSplit, language: str) -> bool:
    """Return True if the rows are a translation, row by row, of the training rows in the task's own language."""
    return split == "train" and language != task.own_language and splits_of(task).translated is not None


def list_split_languages(task: Task, split: DataSplit, language: str | None = None) -> tuple[str, ...]:
    """Return the languages in which a split is read, for a task trained in `language` (None: its own).

    A translation is read beside the rows that it translates.
    """
    if split == "train":
        trained = language or task.own_language
        return (task.own_language, trained) if is_translated(task, split, trained) else (trained,)
    is_foreign = split == "test" or (split == "dev" and task.kind == "retrieval")
    return task.test_languages if is_foreign else (ENGLISH,)


def locate_split(task: Task, split: DataSplit, language: str, origin: Origin) -> tuple[SplitLocation, ...]:
    """Return the location of each part of a split in one language; empty if a part that the task needs is missing.

    Rows that are held out for English dev are left out of `train`, unless the splits say that it has all rows.
    """
    located = [(part, locate_part(part, language, origin)) for part in parts_of(task, split, language)]
    if any(location is None and not part.is_optional for part, location in located):
        return ()
    locations = tuple(location for _, location in located if location is not None)
    if split != "train" or splits_of(task).trains_on_dev:
        return locations
    if is_translated(task, split, language):  # rows that are held out in one language are held out in all
        portions = {own.portion for own in locate_split(task, "train", task.own_language, origin)}
        return tuple(replace(each, portion="head" if "head" in portions else "all") for each in locations)
    dev = locate_split(task, "dev", language if task.kind == "mlm" else ENGLISH, origin)
    return tuple(replace(each, portion="head") if replace(each, portion="tail") in dev else each for each in locations)


def locate_part(part: SplitPart, language: str, origin: Origin) -> SplitLocation | None:
    """Return the location of a part in one language; None if it is missing. Files of the hub are fetched."""
    for name in part.splits:
        split = "train" if name == HELD_OUT else name
        for candidate in iter_candidates(DATASETS[part.dataset], split, language, origin):
            location = fetch(candidate, origin) if isinstance(origin, Hub) else candidate
            if location.files and _has_language(location, language):
                return replace(location, portion="tail") if name == HELD_OUT else location
    return None if part.fallback is None else locate_part(part.fallback, language, origin)


def _has_language(location: SplitLocation, language: str) -> bool:
    """Return True if a location has rows of the language. Of files that are on the hub only, it is taken as given."""
    dataset = location.spec
    return (
        language_column_of(dataset) is None
        or location.is_remote
        or language in find_row_languages(dataset, location.files)
    )


def list_part_files(part: SplitPart, language: str, hub: Hub) -> list[tuple[Snapshot, str]]:
    """Return the files of a part that `locate_part` downloads, as far as the listings of the hub tell."""
    for name in part.splits:
        split = "train" if name == HELD_OUT else name
        for location in iter_candidates(DATASETS[part.dataset], split, language, hub):
            files = location.remote_files[: None if location.spec.max_rows is None else 1]
            if files and location.snapshot is not None:
                return [(location.snapshot, file.name) for file in files if _is_fetched(file, hub)]
    return [] if part.fallback is None else list_part_files(part.fallback, language, hub)


def _is_fetched(file: RepositoryFile, hub: Hub) -> bool:
    return hub.downloads or file.size is None or file.size <= SMALL_FILE_BYTES


def fetch(location: SplitLocation, hub: Hub) -> SplitLocation:
    """Download the files of a location; of a dataset that is cut after some rows, only those that hold them.

    `--plan` and `--check` download small files only, and look at the others over the network.
    """
    snapshot, max_rows = location.snapshot, location.spec.max_rows
    assert snapshot is not None
    rows, needed = 0, 0
    for path, file in zip(location.files, location.remote_files, strict=True):
        if _is_fetched(file, hub):
            fetch_file(snapshot, file.name)
        needed += 1
        if max_rows is not None:
            rows += (
                pyarrow.parquet.read_metadata(path).num_rows
                if path.exists()
                else remote_rows.look_at(snapshot, file.name).row_count
            )
            if rows >= max_rows:
                break
    return replace(location, files=location.files[:needed])
