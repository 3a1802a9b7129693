"""Results in memory, for tests and benchmarks of more stages than a disk has the time for.

It keeps what `trainables/storage/base.py` promises, but for one thing: no other process can open it. Its address looks
like one of object storage, so that nobody takes it for a folder.
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
        found = self._find(name)
        return found if isinstance(found, bytes) else None

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
            self._put(name, _taken(Path(temporary)))

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        found = self._find(name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", name)
        with tempfile.TemporaryDirectory(dir=_scratch()) as temporary:
            path = Path(temporary, Path(name).name)
            _laid_out(found, path)
            yield path

    def has(self, name: str) -> bool:
        return self._find(name) is not None

    def sizes(self, prefix: str = "") -> dict[str, int]:
        return dict(_sizes(self._find(prefix) if prefix else self._root, prefix))

    def remove(self, name: str) -> None:
        self._take(name)

    def rename(self, name: str, new: str) -> None:
        check_name(new)
        found = self._take(name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", name)
        self._put(new, found)

    def lock(self, name: str, wait: float = 0.0) -> Lock:
        """Nobody waits: who has it is this process, and would not give it free meanwhile."""
        if check_name(name) in self._locked:
            raise LockedError(describe_process())
        self._locked.add(name)
        return _MemoryLock(self._locked, name)

    def _find(self, name: str) -> bytes | Folder | None:
        found: bytes | Folder | None = self._root
        for part in check_name(name).split("/"):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def _put(self, name: str, content: bytes | Folder) -> None:
        *above, last = check_name(name).split("/")
        folder = self._root
        for part in above:
            inner = folder.setdefault(part, {})
            if not isinstance(inner, dict):
                raise NotADirectoryError(errno.ENOTDIR, "a file is no folder", name)
            folder = inner
        folder[last] = content

    def _take(self, name: str) -> bytes | Folder | None:
        above, _, last = check_name(name).rpartition("/")
        folder = self._find(above) if above else self._root
        return folder.pop(last, None) if isinstance(folder, dict) else None


class _MemoryLock:
    def __init__(self, locked: set[str], name: str) -> None:
        self.locked, self.name = locked, name

    def release(self) -> None:
        self.locked.discard(self.name)


@cache
def _scratch() -> Path:
    """Where files are filled: one folder for the whole process, since making one takes longer than all the rest."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _taken(folder: Path) -> Folder:
    return {path.name: _taken(path) if path.is_dir() else path.read_bytes() for path in folder.iterdir()}


def _laid_out(found: bytes | Folder, path: Path) -> None:
    if isinstance(found, bytes):
        path.write_bytes(found)
        return
    path.mkdir()
    for name, inner in found.items():
        _laid_out(inner, path / name)


def _sizes(found: bytes | Folder | None, name: str) -> Iterator[tuple[str, int]]:
    if isinstance(found, bytes):
        yield name, len(found)
    for inner, content in found.items() if isinstance(found, dict) else ():
        yield from _sizes(content, f"{name}/{inner}" if name else inner)
