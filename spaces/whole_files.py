"""Files that are whole or not there: written under a temporary name, flushed to disk, and renamed.

A kill or a power cut at any moment leaves either the old file or the new one. Temporary names start with a dot and end
in the id of the writing process. The folder of a file must exist: OSError otherwise, as for all that fails.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def _temporary_path_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")


def _flush(path: Path) -> None:
    """Wait until a file's contents, or a folder's entries, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, flush it to disk and rename it to `path`."""
    temporary = _temporary_path_of(path)
    try:
        write(temporary)
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_folder(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary folder, flush its files and rename it to `path`, in place of an earlier folder."""
    temporary = _temporary_path_of(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        write(temporary)
        for file in temporary.rglob("*"):
            _flush(file)
        _flush(temporary)
        if path.exists():
            shutil.rmtree(path)  # a kill before the next line leaves no folder, never a part of one
        temporary.rename(path)
        _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
