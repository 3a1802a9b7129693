"""Results in a folder of this machine, or of a file system that all nodes share (NFS, Lustre, ...)."""

import errno
import fcntl
import os
import platform
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from spaces.whole_files import write_file, write_folder
from trainables.storage.base import FillFunction, Lock, LockedError, check_name
from trainables.storage.lease import Lease

LOCK_POLL_SECONDS = 0.05  # between tries to take a lock that another process holds
NO_LOCK_ERRNOS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)  # file systems without locks: Lustre without -o flock
HELD_LOCK_ERRNOS = (errno.EWOULDBLOCK, errno.EACCES)


def describe_process() -> str:
    """Return the name of this process for messages of other processes."""
    return f"process {os.getpid()} on {platform.node()}"


@dataclass(frozen=True, slots=True)
class LocalStorage:
    """A folder. Its locks are those of the file system: the kernel frees them when their process ends."""

    root: Path

    @property
    def url(self) -> str:
        """The folder's absolute path."""
        return str(self.root.resolve())

    def path_of(self, name: str) -> Path:
        """Return the path of a name; raises ValueError for one that leads out of the folder."""
        return self.root / check_name(name)

    def read(self, name: str) -> bytes | None:
        """See Storage."""
        try:
            return self.path_of(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write_file(self, name: str, fill: FillFunction) -> None:
        """See Storage."""
        write_file(self._make_room_for(name), fill)

    def write_folder(self, name: str, fill: FillFunction) -> None:
        """See Storage."""
        write_folder(self._make_room_for(name), fill)

    def _make_room_for(self, name: str) -> Path:
        path = self.path_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def open_local(self, name: str) -> Iterator[Path]:
        """See Storage. The path is the file itself, not a copy."""
        path = self.path_of(name)
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        yield path

    def has(self, name: str) -> bool:
        """See Storage."""
        return self.path_of(name).exists()

    def list_sizes(self, prefix: str = "") -> dict[str, int]:
        """See Storage. Links are not followed."""
        sizes: dict[str, int] = {}
        waiting = [check_name(prefix) if prefix else ""]
        while waiting:
            folder = waiting.pop()
            for entry in self._scan(folder):
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(name)
                elif not _leads_to_folder(entry):
                    with suppress(FileNotFoundError):  # removed since it was listed
                        sizes[name] = entry.stat(follow_symlinks=False).st_size
        return sizes

    def _scan(self, folder: str) -> list[os.DirEntry[str]]:
        """Return the entries of a folder, none if there is no such folder; one that cannot be listed is an error."""
        try:
            with os.scandir(f"{self.root}/{folder}" if folder else self.root) as entries:
                return list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def remove(self, name: str) -> None:
        """See Storage."""
        path = f"{self.root}/{check_name(name)}"
        try:
            mode = os.lstat(path).st_mode  # a fifth of the time of Path.lstat: most often there is nothing to remove
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISDIR(mode):
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)

    def rename(self, name: str, new: str) -> None:
        """See Storage."""
        self.path_of(name).replace(self.path_of(new))

    def lock(self, name: str, wait: float = 0.0) -> Lock:
        """See Storage. On a file system without locks, the lock is a lease."""
        path, deadline = self.path_of(name), time.monotonic() + wait
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno in NO_LOCK_ERRNOS:
                    file.close()
                    return Lease(self, f"{name}.lease", wait)
                if error.errno not in HELD_LOCK_ERRNOS:
                    file.close()
                    raise
                if time.monotonic() >= deadline:
                    file.seek(0)
                    holder = file.read().strip()
                    file.close()
                    raise LockedError(holder or "another process") from error
                time.sleep(LOCK_POLL_SECONDS)
        file.truncate(0)
        file.write(describe_process())
        file.flush()
        return FileLock(file)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Return True for a link to a folder; False for a file, and for a link that leads nowhere."""
    with suppress(OSError):
        return entry.is_symlink() and entry.is_dir()
    return False


@dataclass(frozen=True, slots=True)
class FileLock:
    """A lock on an open file."""

    file: IO[str]

    def release(self) -> None:
        """Close the file, which releases the lock."""
        self.file.close()
