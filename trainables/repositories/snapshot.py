"""A repository of the hub at one commit: the names, sizes and contents of its files."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from spaces.checksum import CHUNK_BYTES
from spaces.errors import UsageError

RepositoryKind = Literal["dataset", "model"]
RepositoryKey = tuple[RepositoryKind, str, str]  # kind, id on the hub, branch

MAIN_BRANCH = "main"
CONTENT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHA256_DIGITS = 64
POINTER_START = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """A file of a repository.

    `content_id` is the SHA-256 of the content where the hub stores it as a large file, else git's id of it (SHA-1);
    None where the hub does not say. Equal ids mean equal contents.
    """

    name: str  # with its folders
    size: int | None  # bytes
    content_id: str | None

    @property
    def is_large(self) -> bool:
        """True if the hub stores it as a large file."""
        return self.content_id is not None and len(self.content_id) == _SHA256_DIGITS


@dataclass(frozen=True, kw_only=True)  # without slots, for the indices
class Snapshot:
    """A repository at one commit. Without a commit, the hub has no such repository or branch."""

    kind: RepositoryKind
    repo_id: str
    branch: str
    commit: str | None
    files: tuple[RepositoryFile, ...] = ()
    is_whole: bool = True  # False: only the files that this machine's cache holds are known

    def __str__(self) -> str:
        return self.repo_id if self.branch == MAIN_BRANCH else f"{self.repo_id} ({self.branch})"

    @property
    def key(self) -> RepositoryKey:
        """Kind, id and branch: what a sweep names."""
        return self.kind, self.repo_id, self.branch

    def find_file(self, name: str) -> RepositoryFile | None:
        """Return the file of a name; None if there is none."""
        return self._file_by_name.get(name)

    def list_folder(self, folder: str) -> dict[str, RepositoryFile]:
        """Return the files that lie directly in a folder ("" is the top one), by their names there."""
        return self._folders.get(folder, {})

    @cached_property
    def _file_by_name(self) -> dict[str, RepositoryFile]:
        return {file.name: file for file in self.files}

    @cached_property
    def _folders(self) -> dict[str, dict[str, RepositoryFile]]:
        folders: dict[str, dict[str, RepositoryFile]] = {}
        for file in sorted(self.files, key=lambda file: file.name):
            folder, _, name = file.name.rpartition("/")
            folders.setdefault(folder, {})[name] = file
        return folders


def is_pointer(path: Path) -> bool:
    """Return True if a file is the text that git-lfs leaves in place of a large file."""
    with path.open("rb") as content:
        return content.read(len(POINTER_START)) == POINTER_START


def find_content_fault(path: Path, file: RepositoryFile) -> str | None:
    """Say how a downloaded file differs from the repository's; None if it does not."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"it has {size:,} bytes instead of {file.size:,}"
    if file.content_id is None:
        return None
    digest = hashlib.sha256() if file.is_large else hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
    return None if digest.hexdigest() == file.content_id else "its content is not that of the commit"


def hash_contents(files: Iterable[RepositoryFile]) -> str:
    """Return 16 hex digits that change with the contents of files, whatever the commit.

    For one large file they are those of the same file in a folder. Raises ValueError where the hub names no contents.
    """
    ids = [file.content_id or "" for file in files]
    if not all(ids):
        raise ValueError("the hub does not say which contents the files have.")
    return ids[0][:16] if len(ids) == 1 else hashlib.sha256(" ".join(ids).encode()).hexdigest()[:16]


def snapshots_to_json(snapshots: Iterable[Snapshot]) -> str:
    """Return snapshots as text, ordered, so that equal snapshots give equal text."""
    records = [
        {
            "kind": snapshot.kind,
            "repository": snapshot.repo_id,
            "branch": snapshot.branch,
            "commit": snapshot.commit,
            "whole": snapshot.is_whole,
            "files": {file.name: [file.size, file.content_id] for file in snapshot.files},
        }
        for snapshot in sorted(snapshots, key=lambda snapshot: snapshot.key)
    ]
    return json.dumps(records, indent=0)


def snapshots_from_json(text: str | bytes) -> tuple[Snapshot, ...]:
    """Return the snapshots of a text by `snapshots_to_json`. Raises UsageError for another text."""
    try:
        return tuple(_parse_record(record) for record in json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(f"the record of repositories cannot be read ({type(error).__name__}: {error}).") from error


def _parse_record(record: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        kind=record["kind"],
        repo_id=record["repository"],
        branch=record["branch"],
        commit=record["commit"],
        files=tuple(RepositoryFile(name, size, content_id) for name, (size, content_id) in record["files"].items()),
        is_whole=record["whole"],
    )
