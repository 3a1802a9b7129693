"""Files of a snapshot on this machine: downloaded where the cache lacks them, and verified."""

import functools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import huggingface_hub
import huggingface_hub.constants

from spaces.errors import UsageError
from trainables.repositories.cache import cache_folder_of, repository_folder_of
from trainables.repositories.questions import AbsentError, HubError, ask_hub
from trainables.repositories.snapshot import RepositoryFile, Snapshot, find_content_fault

PARALLEL_DOWNLOADS = 8
COMMIT_GONE = (
    "The commit that this sweep reads is gone from the hub; --new-commits with another --name reads the new one."
)


def fetch_file(snapshot: Snapshot, name: str) -> Path:
    """Return a file of a repository on this machine.

    Raises UsageError if it cannot be had, or is not that of the snapshot's commit.
    """
    file = snapshot.find_file(name)
    assert file is not None, f"{snapshot} has no {name}"
    fault = None
    for is_second_try in (False, True):
        path = _download(snapshot, name, force=is_second_try)
        _check_commit(snapshot, path)
        fault = _find_fault(path, file, _read_stamp(path))
        if fault is None:
            return path
        if huggingface_hub.constants.is_offline_mode():
            break  # a damaged file of the cache is downloaded again, where the hub can be asked
    raise UsageError(
        f"{snapshot.repo_id} {name} at commit {snapshot.commit}: {fault}. "
        f"Delete {cache_folder_of(snapshot).parents[1]} and start again."
    )


def fetch_ahead(wanted: Iterable[tuple[Snapshot, str]], advance: Callable[[], None]) -> None:
    """Download files side by side; `advance` is called after each. Errors are left to the reader of the file."""

    def fetch(item: tuple[Snapshot, str]) -> None:
        with suppress(UsageError):  # raised again where the file is read
            fetch_file(*item)
        advance()

    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        for _ in pool.map(fetch, wanted):
            pass


def _download(snapshot: Snapshot, name: str, *, force: bool) -> Path:
    path = cache_folder_of(snapshot) / name
    if path.is_file() and not force:
        return path
    download = functools.partial(
        huggingface_hub.hf_hub_download,
        snapshot.repo_id,
        name,
        repo_type=snapshot.kind,
        revision=snapshot.commit,
        force_download=force,
    )
    try:
        return Path(str(ask_hub(f"{snapshot.repo_id} {name} at commit {snapshot.commit}", download)))
    except AbsentError as error:  # the listing has it: a repository that was deleted or rewritten since
        raise HubError(f"{error} {COMMIT_GONE}") from error


def _check_commit(snapshot: Snapshot, path: Path) -> None:
    """Raise UsageError if a download is of another commit than was asked for."""
    folder = repository_folder_of(snapshot.kind, snapshot.repo_id) / "snapshots"
    read = path.relative_to(folder).parts[0] if path.is_relative_to(folder) else str(path)
    if read != snapshot.commit:
        raise UsageError(
            f"{snapshot.repo_id}: commit {snapshot.commit} was asked for, but the hub sent {read}. "
            "Check HF_ENDPOINT and proxies, and start again."
        )


def _read_stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=4096)  # a file is hashed once in a process
def _find_fault(path: Path, file: RepositoryFile, stamp: tuple[int, int]) -> str | None:
    return find_content_fault(path, file)
