"""The fingerprint of a task's data: equal fingerprints mean equal rows.

It is part of the keys of stages, so the text that it hashes must not change.
"""

import functools
import hashlib
from pathlib import Path

from spaces.checksum import hash_files
from spaces.task import Task
from trainables.data import parquet_files
from trainables.data.locate import TRAINING_SPLITS, SplitLocation, list_split_languages, locate_split


def compute_fingerprint(task: Task, data_dir: Path | None, language: str | None = None) -> str:
    """Return 16 hex digits that change with everything the task reads: files of a folder, or commits of the hub."""
    digest = hashlib.sha256()
    for line in describe_locations(task, data_dir, language):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()[:16]


def describe_locations(task: Task, data_dir: Path | None, language: str | None = None) -> list[str]:
    """Return a line for each location that the task reads.

    A line holds the split, the language, the repository, config and split, the portion, and `hash_content`.
    """
    return [
        f"{split} {read_language} {location} {location.portion} {hash_content(location)}"
        for split in (*TRAINING_SPLITS, *(("test", "pool") if task.languages else ()))
        for read_language in list_split_languages(task, split, language)
        for location in locate_split(task, split, read_language, data_dir)
    ]


def hash_content(location: SplitLocation) -> str:
    """Return 16 hex digits of the SHA-256 of the location's files, or its commit on the hub."""
    if location.folder is not None:
        return _hash_files(location.files, parquet_files.read_stamps(location.files))
    return str(location.commit)


@functools.lru_cache(maxsize=1024)
def _hash_files(files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> str:
    return hash_files(files)[:16]
