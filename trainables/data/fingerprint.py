"""The fingerprint of a task's data: equal fingerprints mean equal rows.

It is part of the keys of stages, so the text that it hashes must not change.
"""

import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

from spaces.checksum import hash_files
from spaces.task import Task
from trainables.data import detokenise, load_rows, parquet_files
from trainables.data.locate import TRAINING_SPLITS, DataSplit, list_split_languages, locate_split
from trainables.data.split_files import Origin, SplitLocation
from trainables.repositories.snapshot import hash_contents


def compute_fingerprint(task: Task, origin: Origin, language: str | None = None) -> str:
    """Return 16 hex digits that change with the contents of all files that the task reads."""
    return hash_lines(describe_locations(task, origin, language))


def hash_lines(lines: Iterable[str]) -> str:
    """Return 16 hex digits that change with any of the lines."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()[:16]


def describe_locations(task: Task, origin: Origin, language: str | None = None) -> list[str]:
    """Return a line for each location that the task reads.

    A line holds the split, the language, the repository, config and split, the portion, `hash_content`, the names of
    the labels where the dataset card alone tells them, and the version of the rule that undoes blanks before marks
    where the dataset is read by it.
    """
    return [
        line
        for split in (*TRAINING_SPLITS, *(("test", "pool") if task.languages else ()))
        for read_language in list_split_languages(task, split, language)
        for line in describe(task, split, read_language, origin)
    ]


def describe(task: Task, split: DataSplit, language: str, origin: Origin) -> list[str]:
    """Return a line for each location of a split in one language."""
    return [
        " ".join((split, language, *_describe_location(location)))
        for location in locate_split(task, split, language, origin)
    ]


def _describe_location(location: SplitLocation) -> tuple[str, ...]:
    rules = (detokenise.VERSION,) if location.spec.may_be_tokenised else ()
    return str(location), location.portion, hash_content(location), *load_rows.read_card_labels(location), *rules


def hash_content(location: SplitLocation) -> str:
    """Return 16 hex digits that change with the contents of the location's files.

    On the hub the listing names the contents, so that nothing is downloaded and a commit elsewhere changes nothing.
    """
    if location.snapshot is None:
        return _hash_files(location.files, parquet_files.read_stamps(location.files))
    try:
        return hash_contents(location.remote_files)
    except ValueError:
        return str(location.snapshot.commit)


@functools.lru_cache(maxsize=1024)
def _hash_files(files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> str:
    return hash_files(files)[:16]
