"""Temporary folders that do not pile up: what a killed process leaves is removed by the next one that needs a folder.

Encoders are gigabytes, and whoever is killed cannot clean up. Each folder has a lock beside it that ends with its
process, which tells dead ones from those in use, also across containers that share the disk.
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
    """An empty folder of this process, removed at the end. It lies where TMPDIR says."""
    top = make_user_folder()
    _remove_dead(top)
    folder = top / uuid.uuid4().hex
    lock = folder.with_suffix(".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Path(lock.name).unlink(missing_ok=True)
        lock.close()


def make_user_folder() -> Path:
    """The folder for temporary things of this user; raises PermissionError if it is somebody else's."""
    top = Path(tempfile.gettempdir()) / f"transfer-search-{os.getuid()}"
    top.mkdir(mode=0o700, exist_ok=True)
    if top.is_symlink() or top.stat().st_uid != os.getuid():
        raise PermissionError(f"{top} belongs to another user: remove it, or set TMPDIR.")
    return top


def _remove_dead(top: Path) -> None:
    for path in top.glob("*.lock"):
        try:
            lock = path.open("r+")
        except OSError:  # gone since it was listed
            continue
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # in use
                continue
            if path.exists():  # else its process has just ended in order
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                path.unlink(missing_ok=True)
