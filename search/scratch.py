"""The temporary folder of a run: Ray's session, its logs, Tune's records. None of it is ever read again.

What a killed run left is removed by the next one, and so are its processes that have not ended yet: one that hangs
would hold the lock of its stage for ever. Each run holds a lock in its folder, which the kernel frees when the run
ends, however it ends: so a folder whose lock is free belongs to nobody. Folders of others are never touched.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from search.processes import end_started, this_run
from search.signals import taken_down

LONGEST = 20  # letters: Ray's sockets lie below, and the path of a socket has at most 107
LOCK = "lock"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for this run, removed at its end. Raises OSError where none can be made."""
    parent = base() / f"tune-{os.getuid()}"
    parent.mkdir(mode=0o700, exist_ok=True)
    if parent.is_symlink() or parent.stat().st_uid != os.getuid():
        raise PermissionError(f"{parent} belongs to somebody else: set RAY_TMPDIR to another short path.")
    with (parent / LOCK).open("w") as door:  # nobody looks for left-overs while a new folder has no lock yet
        fcntl.flock(door, fcntl.LOCK_EX)
        remove_left_over(parent)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=""))
        lock = (folder / LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(this_run())
        lock.flush()
    with lock, taken_down(lambda: shutil.rmtree(folder, ignore_errors=True)):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def base() -> Path:
    """RAY_TMPDIR, or else the usual folder for temporary files if its path is short enough for Ray's sockets."""
    given = os.environ.get("RAY_TMPDIR")
    usual = tempfile.gettempdir()
    return Path(given or (usual if len(usual) <= LONGEST else "/tmp"))


def remove_left_over(parent: Path) -> None:
    """End what killed runs left running, and remove their folders. The caller holds the parent's lock."""
    for folder in parent.iterdir():
        if not folder.is_dir():
            continue
        lock = _free_lock(folder / LOCK)
        if lock is not None:
            with lock:
                lock.seek(0)
                run = lock.read()
                if run:
                    end_started(run)
                shutil.rmtree(folder, ignore_errors=True)


def _free_lock(path: Path) -> IO[str] | None:
    """The lock if nobody has it: the file is made anew where a run was killed before it made one."""
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
