"""Results in a folder: of this machine, or of a file system that all nodes share (NFS, Lustre, ...)."""

import errno
import fcntl
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from trainables.storage.base import FillFunction, Lock, LockedError, check_name
from trainables.storage.files import write_file, write_folder
from trainables.storage.lease import Lease

LOCK_POLL_SECONDS = 0.05  # seconds between looks at a lock that somebody else has
NO_LOCK_ERRNOS = (
    errno.ENOLCK,
    errno.ENOTSUP,
    errno.ENOSYS,
)  # of file systems without locks, e.g. Lustre without -o flock


def describe_process() -> str:
    """How this process is named to others."""
    return f"process {os.getpid()} on {platform.node()}"


@dataclass(frozen=True, slots=True)
class LocalStorage:
    """A folder. Locks are those of the file system: the kernel frees them when their process ends."""

    root: Path

    @property
    def url(self) -> str:
        """The folder's absolute path."""
        return str(self.root.resolve())

    def path_of(self, name: str) -> Path:
        """Where a name lies; raises ValueError for one that leads out of the folder."""
        return self.root / check_name(name)

    def read(self, name: str) -> bytes | None:
        """See Storage."""
        try:
            return self.path_of(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write_file(self, name: str, fill: FillFunction) -> None:
        """See Storage."""
        write_file(self.path_of(name), fill)

    def write_folder(self, name: str, fill: FillFunction) -> None:
        """See Storage."""
        write_folder(self.path_of(name), fill)

    @contextmanager
    def open_local(self, name: str) -> Iterator[Path]:
        """See Storage. It is the file itself."""
        path = self.path_of(name)
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, "there is no such file", str(path))
        yield path

    def has(self, name: str) -> bool:
        """See Storage."""
        return self.path_of(name).exists()

    def list_sizes(self, prefix: str = "") -> dict[str, int]:
        """See Storage. Links are not followed."""
        top = self.path_of(prefix) if prefix else self.root
        found = {}
        for folder, _, files in os.walk(top):
            below = Path(folder).relative_to(self.root).as_posix()
            for file in files:
                try:
                    size = os.lstat(f"{folder}/{file}").st_size
                except FileNotFoundError:  # gone between the listing and the look
                    continue
                found[file if below == "." else f"{below}/{file}"] = size
        return found

    def remove(self, name: str) -> None:
        """See Storage."""
        path = self.path_of(name)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def rename(self, name: str, new: str) -> None:
        """See Storage."""
        self.path_of(name).replace(self.path_of(new))

    def lock(self, name: str, wait: float = 0.0) -> Lock:
        """See Storage. Where the file system has no locks, a lease takes their place."""
        path, end = self.path_of(name), time.monotonic() + wait
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
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES) or time.monotonic() >= end:
                    file.seek(0)
                    held_by = file.read().strip()
                    file.close()
                    if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                        raise
                    raise LockedError(held_by or "another process") from error
                time.sleep(LOCK_POLL_SECONDS)
        file.truncate(0)
        file.write(describe_process())
        file.flush()
        return FileLock(file)


@dataclass(frozen=True, slots=True)
class FileLock:
    """A lock on an open file."""

    file: IO[str]

    def release(self) -> None:
        """Close the file, which frees the lock."""
        self.file.close()
