"""Results in object storage (S3, GCS, ...), by `pyarrow.fs`.

An object appears whole when its upload ends, so files need no temporary names. A folder is several objects: the last
one that is written is a marker, and without it the folder is not there.

Addresses are those of `pyarrow.fs.FileSystem.from_uri`: `s3://bucket/prefix`. A server of one's own is named by
`AWS_ENDPOINT_URL`. Credentials come from the environment or the machine's role, never from the address.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyarrow import ArrowInvalid, fs

from trainables.storage.base import Fill, Lock, checked
from trainables.storage.lease import Lease
from trainables.storage.temporary import temporary_folder

WHOLE = ".whole"  # the marker of a folder
CHUNK = 2**24  # bytes read at once when a file is sent


class ObjectStorage:
    """A prefix of a bucket. Locks are leases: object storage has none of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.system, prefix = fs.FileSystem.from_uri(url)
        except ArrowInvalid as error:
            raise ValueError(f"{url} is no address of a storage: {str(error).splitlines()[0]}") from error
        self.prefix = prefix.rstrip("/")
        if not self.prefix:
            raise ValueError(f"{url} is no address of a storage: it names no bucket.")

    def _at(self, name: str) -> str:
        return f"{self.prefix}/{checked(name)}"

    def _kind(self, name: str) -> fs.FileType:
        return self.system.get_file_info(self._at(name)).type

    def _whole(self, name: str, kind: fs.FileType) -> bool:
        return bool(kind == fs.FileType.Directory and self._kind(f"{name}/{WHOLE}") == fs.FileType.File)

    def read(self, name: str) -> bytes | None:
        """See Storage."""
        try:
            with self.system.open_input_stream(self._at(name)) as stream:
                content: bytes = stream.read()
        except FileNotFoundError:
            return None
        return content

    def write_file(self, name: str, fill: Fill) -> None:
        """See Storage."""
        with temporary_folder() as folder:
            path = folder / Path(checked(name)).name
            fill(path)
            self._send(path, name)

    def write_folder(self, name: str, fill: Fill) -> None:
        """See Storage."""
        with temporary_folder() as temporary:
            folder = temporary / Path(checked(name)).name
            folder.mkdir()
            fill(folder)
            self.remove(name)
            for path in sorted(file for file in folder.rglob("*") if file.is_file()):
                self._send(path, f"{name}/{path.relative_to(folder).as_posix()}")
        with self.system.open_output_stream(self._at(f"{name}/{WHOLE}")) as marker:
            marker.write(b"whole\n")

    def _send(self, path: Path, name: str) -> None:
        """Upload a file. What a failure leaves of it has another size and is removed."""
        size = path.stat().st_size
        with path.open("rb") as source, self.system.open_output_stream(self._at(name)) as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
        if self.system.get_file_info(self._at(name)).size != size:
            self.remove(name)
            raise OSError(errno.EIO, "the upload is not whole", self._at(name))

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """See Storage. It is a copy, which lasts as long as the context."""
        if not self.has(name):
            raise FileNotFoundError(errno.ENOENT, "there is no such object", self._at(name))
        with temporary_folder() as folder:
            path = folder / Path(name).name
            if self._kind(name) == fs.FileType.Directory:
                path.mkdir()
            fs.copy_files(self._at(name), str(path), source_filesystem=self.system)
            yield path

    def has(self, name: str) -> bool:
        """See Storage."""
        kind = self._kind(name)
        return bool(kind == fs.FileType.File or self._whole(name, kind))

    def sizes(self, prefix: str = "") -> dict[str, int]:
        """See Storage."""
        top = self._at(prefix) if prefix else self.prefix
        found = self.system.get_file_info(fs.FileSelector(top, recursive=True, allow_not_found=True))
        return {info.path.removeprefix(f"{self.prefix}/"): info.size for info in found if info.type == fs.FileType.File}

    def remove(self, name: str) -> None:
        """See Storage. The marker of a folder goes first."""
        kind = self._kind(name)
        if kind == fs.FileType.Directory:
            if self._whole(name, kind):
                self.system.delete_file(self._at(f"{name}/{WHOLE}"))
            self.system.delete_dir(self._at(name))
        elif kind == fs.FileType.File:
            self.system.delete_file(self._at(name))

    def rename(self, name: str, new: str) -> None:
        """See Storage. Object storage copies and deletes."""
        if self._kind(name) == fs.FileType.Directory:
            both = {"source_filesystem": self.system, "destination_filesystem": self.system}
            fs.copy_files(self._at(name), self._at(new), **both)
            self.remove(name)
        else:
            self.system.move(self._at(name), self._at(new))

    def lock(self, name: str, wait: float = 0.0) -> Lock:
        """See Storage. Of a holder on another machine it takes half a minute to see that it is dead."""
        return Lease(self, name, wait)
