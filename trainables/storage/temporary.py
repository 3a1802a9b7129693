"""Temporary folders that do not pile up: each process that makes one removes those of killed processes.

Encoders have gigabytes, and a killed process cannot clean up. Beside each folder lies a locked file. The lock ends with
its process, which tells dead folders from used ones, also across containers that share a disk.
"""

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield an empty folder below TMPDIR, removed at the end; raises errors of `make_user_folder`."""
    parent = make_user_folder()
    _remove_dead(parent)
    folder = parent / uuid.uuid4().hex
    lock = folder.with_suffix(".lock").open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Path(lock.name).unlink(missing_ok=True)
        lock.close()


def make_user_folder() -> Path:
    """Make and return this user's folder for temporary files; raises PermissionError if another user owns it."""
    folder = Path(tempfile.gettempdir()) / f"transfer-search-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user: remove it, or set TMPDIR.")
    return folder


def _remove_dead(parent: Path) -> None:
    for path in parent.glob("*.lock"):
        try:
            lock = path.open("r+", encoding="utf-8")
        except OSError:  # removed since it was listed
            continue
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # in use
                continue
            if path.exists():  # else its process has just removed it
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                path.unlink(missing_ok=True)
