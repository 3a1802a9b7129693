"""The interface of a place for results: a folder (local or shared by a cluster), or a prefix in object storage.

Names are relative to the place, with `/` between their parts. A file or folder is complete or does not exist, even if
its writer was killed.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

FillFunction = Callable[[Path], object]  # writes a local file, or fills an empty local folder


class LockedError(Exception):
    """Another process holds the lock; the message names it."""


class Lock(Protocol):
    """A lock, held until it is released or its process ends."""

    def release(self) -> None:
        """Release the lock."""


class Storage(Protocol):
    """A place for the results of sweeps and stages. Every method raises OSError if the place fails."""

    @property
    def url(self) -> str:
        """The address that opens the same place in another process: an absolute path, or s3://bucket/prefix."""

    def read(self, name: str) -> bytes | None:
        """Return the contents of a file; None if it does not exist."""

    def write_file(self, name: str, fill: FillFunction) -> None:
        """Let `fill` write a local file, and store it under the name, in place of an earlier one."""

    def write_folder(self, name: str, fill: FillFunction) -> None:
        """Let `fill` write a local folder, and store it under the name, in place of an earlier one."""

    def open_local(self, name: str) -> AbstractContextManager[Path]:
        """Yield the local path of a file or folder, valid inside the context; raises FileNotFoundError."""

    def has(self, name: str) -> bool:
        """Return True if a file or a complete folder has this name."""

    def list_sizes(self, prefix: str = "") -> dict[str, int]:
        """Return the sizes in bytes of all files below a folder by name, temporary and foreign files included."""

    def remove(self, name: str) -> None:
        """Remove a file or folder, if it exists."""

    def rename(self, name: str, new: str) -> None:
        """Rename a file or folder; a file replaces a file that has the new name."""

    def lock(self, name: str, wait: float = 0.0) -> Lock:
        """Take a lock, waiting up to `wait` seconds; raises LockedError if another process still holds it."""


def is_remote(url: str) -> bool:
    """Return True for an address of object storage, False for the path of a folder."""
    return "://" in url


def join_url(url: str, name: str) -> str:
    """Return the address of a name in the storage at `url`, which may end in a query."""
    if not is_remote(url):
        return f"{url}/{name}"
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def check_name(name: str) -> str:
    """Return the name; raises ValueError for one that leads out of the storage."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} is not a name inside a results folder.")
    return name


def write_text(storage: Storage, name: str, text: str) -> None:
    """Write a text file, complete or not at all."""
    storage.write_file(name, lambda path: path.write_text(text, encoding="utf-8"))


def quarantine(storage: Storage, name: str, suffix: str = "damaged") -> str:
    """Rename a file or folder so that nothing reads it, and return its new name: no content is deleted silently."""
    new_name, number = f"{name}.{suffix}", 1
    while storage.has(new_name):
        number += 1
        new_name = f"{name}.{suffix}{number}"
    storage.rename(name, new_name)
    return new_name
