"""The temporary folder of a run: Ray's session, its logs, Tune's records. None of it is ever read again.

The next run removes what a killed run left, and kills its remaining processes: one that hangs would hold the lock of
its stage for ever. Each run holds a lock in its folder. The kernel frees it when the run ends, however it ends, so a
folder whose lock is free is stale. Folders of other users are never touched.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from search.process.processes import get_run_id, kill_started_processes
from search.process.signals import register_teardown
from spaces.errors import UsageError

# Ray's sockets lie below the folder, and the path of a socket has at most 107 bytes.
MAX_PATH_BYTES = 107 - len("/tune-1000000/abcdefgh/session_2026-01-01_00-00-00_000000_0000000/sockets/plasma_store")
LOCK = "lock"
TMPDIR_HINT = f"set RAY_TMPDIR to a folder with at most {MAX_PATH_BYTES} bytes in its path"


@contextmanager
def create_ray_folder() -> Iterator[Path]:
    """Make a folder for this run and remove it at the end. Raise UsageError where none can be made."""
    parent = find_ray_root()
    try:
        parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the temporary folder {parent} cannot be made ({error.strerror}): {TMPDIR_HINT}.") from error
    if parent.is_symlink() or parent.stat().st_uid != os.getuid():
        raise UsageError(f"the temporary folder {parent} belongs to another user: {TMPDIR_HINT}.")
    with (parent / LOCK).open(
        "w", encoding="utf-8"
    ) as parent_lock:  # nobody may take a new folder for a stale one before its lock
        fcntl.flock(parent_lock, fcntl.LOCK_EX)
        remove_stale_folders(parent)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=""))
        lock = (folder / LOCK).open("w", encoding="utf-8")
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(get_run_id())
        lock.flush()
    with lock, register_teardown(lambda: shutil.rmtree(folder, ignore_errors=True)):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def find_ray_root() -> Path:
    """Return the folder in which each run of this user makes its own."""
    return find_temp_root() / f"tune-{os.getuid()}"


def find_temp_root() -> Path:
    """Return RAY_TMPDIR or the usual temporary folder, or /tmp where that path is too long for Ray's sockets."""
    return Path("/tmp" if explain_substitute() else _find_wanted_root())


def explain_substitute() -> str | None:
    """Return why Ray's files lie in /tmp and not where the environment says; None if they do lie there."""
    folder = _find_wanted_root()
    size = len(os.fsencode(folder.rstrip("/")))
    if size <= MAX_PATH_BYTES:
        return None
    name = "RAY_TMPDIR" if os.environ.get("RAY_TMPDIR") else "TMPDIR"
    return (
        f"the files of Ray are in /tmp: {name} {folder} has {size} bytes, and its sockets allow {MAX_PATH_BYTES}. "
        f"For another folder {TMPDIR_HINT}."
    )


def _find_wanted_root() -> str:
    return os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()


def remove_stale_folders(parent: Path) -> None:
    """Kill the processes that killed runs left, and remove their folders. The caller holds the parent's lock."""
    for folder in parent.iterdir():
        if not folder.is_dir():
            continue
        lock = _try_lock(folder / LOCK)
        if lock is not None:
            with lock:
                lock.seek(0)
                run_id = lock.read()
                if run_id:
                    kill_started_processes(run_id)
                shutil.rmtree(folder, ignore_errors=True)


def _try_lock(path: Path) -> IO[str] | None:
    """Return the lock if it is free. The file is made where a run was killed before it made one."""
    lock = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
