"""What this machine has of the hub: the cache of its client, whose layout is documented, and the last listings."""

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants

from trainables.repositories.snapshot import (
    CONTENT_ID,
    RepositoryFile,
    RepositoryKey,
    RepositoryKind,
    Snapshot,
    snapshots_from_json,
    snapshots_to_json,
)


def cache_folder_of(snapshot: Snapshot) -> Path:
    """Return the folder of a snapshot in the cache of the hub's client (its documented layout)."""
    return repository_folder_of(snapshot.kind, snapshot.repo_id) / "snapshots" / str(snapshot.commit)


def repository_folder_of(kind: RepositoryKind, repo_id: str) -> Path:
    """Return the folder of a repository, with its commits, branches and contents."""
    return Path(huggingface_hub.constants.HF_HUB_CACHE) / f"{kind}s--{repo_id.replace('/', '--')}"


def _listing_path(key: RepositoryKey) -> Path:
    kind, repo_id, branch = (part.replace("/", "--") for part in key)
    return Path(huggingface_hub.constants.HF_HUB_CACHE) / ".transfer-search" / f"{kind}--{repo_id}--{branch}.json"


def remember_snapshot(snapshot: Snapshot) -> None:
    """Keep the newest listing of a branch, for starts without a network. Nothing depends on it."""
    path = _listing_path(snapshot.key)
    with suppress(OSError):  # a cache that others own can be read only
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(snapshots_to_json([snapshot]), encoding="utf-8")
        temporary.replace(path)


def recall_snapshot(key: RepositoryKey) -> Snapshot | None:
    """Return the newest listing of a branch that this machine has seen; None if there is none that can be read."""
    try:
        (snapshot,) = snapshots_from_json(_listing_path(key).read_bytes())
    except (OSError, ValueError):
        return None
    return snapshot if snapshot.key == key else None


def find_cached(key: RepositoryKey) -> Snapshot | None:
    """Return what this machine's cache holds of the newest commit of a branch; None if it holds nothing of it."""
    kind, repo_id, branch = key
    reference = repository_folder_of(kind, repo_id) / "refs" / branch
    return read_cached(key, reference.read_text(encoding="utf-8").strip()) if reference.is_file() else None


def read_cached(key: RepositoryKey, commit: str) -> Snapshot | None:
    """Return what this machine's cache holds of a commit; None if it holds nothing of it."""
    kind, repo_id, branch = key
    snapshot = Snapshot(kind=kind, repo_id=repo_id, branch=branch, commit=commit, is_whole=False)
    folder = cache_folder_of(snapshot)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = (RepositoryFile(path.relative_to(folder).as_posix(), path.stat().st_size, _read_id(path)) for path in paths)
    return replace(snapshot, files=tuple(files)) if paths else None


def _read_id(path: Path) -> str | None:
    """Return the id that a cached file had on the hub: the name of the file in the cache that it links to."""
    name = Path(os.path.realpath(path)).name
    return name if CONTENT_ID.fullmatch(name) else None
