"""Where results lie: a folder, local or shared by the nodes of a cluster, or a prefix in object storage.

Names are relative to it, with `/` between their parts. A file or folder is whole or not there, whoever is killed when.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

FillFunction = Callable[[Path], object]  # fills an empty local file or folder


class LockedError(Exception):
    """Somebody else holds a lock; the message says who."""


class Lock(Protocol):
    """A lock that is held until it is released, or until its process ends."""

    def release(self) -> None:
        """Give it free."""


class Storage(Protocol):
    """What the sweep and its stages need of a place for results. Every method raises OSError if the place fails."""

    @property
    def url(self) -> str:
        """What opens the same place elsewhere: an absolute path, or s3://bucket/prefix."""

    def read(self, name: str) -> bytes | None:
        """The contents of a file; None if there is none."""

    def write_file(self, name: str, fill: FillFunction) -> None:
        """Let `fill` write a local file, and put it in place whole."""

    def write_folder(self, name: str, fill: FillFunction) -> None:
        """Let `fill` write a local folder, and put it in place whole, instead of what was there."""

    def open_local(self, name: str) -> AbstractContextManager[Path]:
        """A file or folder as a local path for as long as the context lasts; raises FileNotFoundError."""

    def has(self, name: str) -> bool:
        """Whether there is a file, or a whole folder, of this name."""

    def list_sizes(self, prefix: str = "") -> dict[str, int]:
        """The bytes of every file below a folder, temporary and foreign ones too, by name."""

    def remove(self, name: str) -> None:
        """Remove a file or folder, if it is there."""

    def rename(self, name: str, new: str) -> None:
        """Give a file or folder another name; a file takes the place of one that has it."""

    def lock(self, name: str, wait: float = 0.0) -> Lock:
        """Take a lock, waiting up to so many seconds; raises LockedError if somebody else still has it."""


def is_remote(url: str) -> bool:
    """Whether an address is one of object storage, and not a folder's path."""
    return "://" in url


def join_url(url: str, name: str) -> str:
    """The address of what has a name in the storage at `url`, which may end in a query."""
    if not is_remote(url):
        return f"{url}/{name}"
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def check_name(name: str) -> str:
    """The name, if it stays below the storage; raises ValueError for one that leads elsewhere."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} is no name below a results folder.")
    return name


def write_text(storage: Storage, name: str, text: str) -> None:
    """Write a whole text file, or none."""
    storage.write_file(name, lambda path: path.write_text(text, encoding="utf-8"))


def quarantine(storage: Storage, name: str, why: str = "damaged") -> str:
    """Give a file or folder a name under which nobody reads it, and return that: nothing is deleted silently."""
    aside, number = f"{name}.{why}", 1
    while storage.has(aside):
        number += 1
        aside = f"{name}.{why}{number}"
    storage.rename(name, aside)
    return aside
