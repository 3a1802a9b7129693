"""Checksums of contents and files."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

CHUNK_BYTES = 1 << 20  # files are read in pieces, so that a large one does not fill the memory


def checksum(content: bytes) -> str:
    """Return the length of a content and the first 32 hex digits of its SHA-256, as `LENGTH-HASH`."""
    return f"{len(content)}-{hashlib.sha256(content).hexdigest()[:32]}"


def size_in_checksum(text: str) -> int:
    """Return the length in bytes that a checksum states. Raises ValueError for text that is not a checksum."""
    return int(text.partition("-")[0])


def read_mark(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return the size of a file in bytes and its time of change in ns; None if there is no such file.

    No program can set the time of change (`ctime`), so a file with an equal mark has not been written since. Raises
    OSError for a file that cannot be looked at.
    """
    try:
        found = os.stat(path)  # noqa: PTH116  # half the time of Path.stat
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size, found.st_ctime_ns


def hash_files(paths: Iterable[Path]) -> str:
    """Return the SHA-256 (64 hex digits) of the contents of files, one after another.

    Raises OSError for a file that cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
