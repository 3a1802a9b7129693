"""Results in memory, for tests and benchmarks with more stages than a disk can serve in time.

It does all that `trainables/storage/base.py` requires, except that no other process can open it. Its URL looks like
one of object storage, so that nobody takes it for a folder.
"""

import atexit
import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

from trainables.storage.base import FillFunction, Lock, LockedError, check_name
from trainables.storage.local_storage import describe_process

Folder = dict[str, "bytes | Folder"]
_NUMBERS = count()


class MemoryStorage:
    """A tree of folders (dicts) and files (bytes)."""

    def __init__(self) -> None:
        self.url = f"memory://{next(_NUMBERS)}"
        self._root: Folder = {}
        self._locked: set[str] = set()

    def read(self, name: str) -> bytes | None:
        entry = self._find(name)
        return entry if isinstance(entry, bytes) else None

    def write_file(self, name: str, fill: FillFunction) -> None:
        check_name(name)
        path = _scratch() / "file"
        try:
            fill(path)
            self._put(name, path.read_bytes())
        finally:
            path.unlink(missing_ok=True)

    def write_folder(self, name: str, fill: FillFunction) -> None:
        check_name(name)
        with tempfile.TemporaryDirectory(dir=_scratch()) as temporary:
            fill(Path(temporary))
            self._put(name, _read_folder(Path(temporary)))

    @contextmanager
    def open_local(self, name: str) -> Iterator[Path]:
        entry = self._find(name)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", name)
        with tempfile.TemporaryDirectory(dir=_scratch()) as temporary:
            path = Path(temporary, Path(name).name)
            _write_out(entry, path)
            yield path

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def list_sizes(self, prefix: str = "") -> dict[str, int]:
        return dict(_sizes(self._find(prefix) if prefix else self._root, prefix))

    def remove(self, name: str) -> None:
        self._take(name)

    def rename(self, name: str, new: str) -> None:
        check_name(new)
        entry = self._take(name)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", name)
        self._put(new, entry)

    def lock(self, name: str, wait: float = 0.0) -> Lock:
        """Take a lock without waiting: its holder is this process, which would not release it meanwhile."""
        if check_name(name) in self._locked:
            raise LockedError(describe_process())
        self._locked.add(name)
        return _MemoryLock(self._locked, name)

    def _find(self, name: str) -> bytes | Folder | None:
        entry: bytes | Folder | None = self._root
        for part in check_name(name).split("/"):
            entry = entry.get(part) if isinstance(entry, dict) else None
        return entry

    def _put(self, name: str, content: bytes | Folder) -> None:
        *parents, last = check_name(name).split("/")
        folder = self._root
        for part in parents:
            inner = folder.setdefault(part, {})
            if not isinstance(inner, dict):
                raise NotADirectoryError(errno.ENOTDIR, "a file is no folder", name)
            folder = inner
        folder[last] = content

    def _take(self, name: str) -> bytes | Folder | None:
        parent, _, last = check_name(name).rpartition("/")
        folder = self._find(parent) if parent else self._root
        return folder.pop(last, None) if isinstance(folder, dict) else None


class _MemoryLock:
    def __init__(self, locked: set[str], name: str) -> None:
        self.locked, self.name = locked, name

    def release(self) -> None:
        self.locked.discard(self.name)


@cache
def _scratch() -> Path:
    """Return the folder where files are filled: one for the process, since making one takes longer than all else."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _read_folder(folder: Path) -> Folder:
    return {path.name: _read_folder(path) if path.is_dir() else path.read_bytes() for path in folder.iterdir()}


def _write_out(entry: bytes | Folder, path: Path) -> None:
    if isinstance(entry, bytes):
        path.write_bytes(entry)
        return
    path.mkdir()
    for name, inner in entry.items():
        _write_out(inner, path / name)


def _sizes(entry: bytes | Folder | None, name: str) -> Iterator[tuple[str, int]]:
    if isinstance(entry, bytes):
        yield name, len(entry)
    for inner_name, inner in entry.items() if isinstance(entry, dict) else ():
        yield from _sizes(inner, f"{name}/{inner_name}" if name else inner_name)
