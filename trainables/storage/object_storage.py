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

from spaces.errors import first_line_of
from trainables.storage.base import FillFunction, Lock, check_name
from trainables.storage.lease import Lease
from trainables.storage.temporary import temporary_folder

FOLDER_MARKER = ".whole"  # the marker of a folder
CHUNK_BYTES = 2**24  # bytes read at once when a file is sent


class ObjectStorage:
    """A prefix of a bucket. Locks are leases: object storage has none of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.filesystem, prefix = fs.FileSystem.from_uri(url)
        except ArrowInvalid as error:
            raise ValueError(f"{url} is no address of a storage: {first_line_of(error)}") from error
        self.prefix = prefix.rstrip("/")
        if not self.prefix:
            raise ValueError(f"{url} is no address of a storage: it names no bucket.")

    def _path_of(self, name: str) -> str:
        return f"{self.prefix}/{check_name(name)}"

    def _type_of(self, name: str) -> fs.FileType:
        return self.filesystem.get_file_info(self._path_of(name)).type

    def _is_whole_folder(self, name: str, kind: fs.FileType) -> bool:
        return bool(kind == fs.FileType.Directory and self._type_of(f"{name}/{FOLDER_MARKER}") == fs.FileType.File)

    def read(self, name: str) -> bytes | None:
        """See Storage."""
        try:
            with self.filesystem.open_input_stream(self._path_of(name)) as stream:
                content: bytes = stream.read()
        except FileNotFoundError:
            return None
        return content

    def write_file(self, name: str, fill: FillFunction) -> None:
        """See Storage."""
        with temporary_folder() as folder:
            path = folder / Path(check_name(name)).name
            fill(path)
            self._upload(path, name)

    def write_folder(self, name: str, fill: FillFunction) -> None:
        """See Storage."""
        with temporary_folder() as temporary:
            folder = temporary / Path(check_name(name)).name
            folder.mkdir()
            fill(folder)
            self.remove(name)
            for path in sorted(file for file in folder.rglob("*") if file.is_file()):
                self._upload(path, f"{name}/{path.relative_to(folder).as_posix()}")
        with self.filesystem.open_output_stream(self._path_of(f"{name}/{FOLDER_MARKER}")) as marker:
            marker.write(b"whole\n")

    def _upload(self, path: Path, name: str) -> None:
        """Upload a file. What a failure leaves of it has another size and is removed."""
        size = path.stat().st_size
        with path.open("rb") as source, self.filesystem.open_output_stream(self._path_of(name)) as target:
            while chunk := source.read(CHUNK_BYTES):
                target.write(chunk)
        if self.filesystem.get_file_info(self._path_of(name)).size != size:
            self.remove(name)
            raise OSError(errno.EIO, "the upload is not whole", self._path_of(name))

    @contextmanager
    def open_local(self, name: str) -> Iterator[Path]:
        """See Storage. It is a copy, which lasts as long as the context."""
        if not self.has(name):
            raise FileNotFoundError(errno.ENOENT, "there is no such object", self._path_of(name))
        with temporary_folder() as folder:
            path = folder / Path(name).name
            if self._type_of(name) == fs.FileType.Directory:
                path.mkdir()
            fs.copy_files(self._path_of(name), str(path), source_filesystem=self.filesystem)
            yield path

    def has(self, name: str) -> bool:
        """See Storage."""
        kind = self._type_of(name)
        return bool(kind == fs.FileType.File or self._is_whole_folder(name, kind))

    def list_sizes(self, prefix: str = "") -> dict[str, int]:
        """See Storage."""
        top = self._path_of(prefix) if prefix else self.prefix
        found = self.filesystem.get_file_info(fs.FileSelector(top, recursive=True, allow_not_found=True))
        return {info.path.removeprefix(f"{self.prefix}/"): info.size for info in found if info.type == fs.FileType.File}

    def remove(self, name: str) -> None:
        """See Storage. The marker of a folder goes first."""
        kind = self._type_of(name)
        if kind == fs.FileType.Directory:
            if self._is_whole_folder(name, kind):
                self.filesystem.delete_file(self._path_of(f"{name}/{FOLDER_MARKER}"))
            self.filesystem.delete_dir(self._path_of(name))
        elif kind == fs.FileType.File:
            self.filesystem.delete_file(self._path_of(name))

    def rename(self, name: str, new: str) -> None:
        """See Storage. Object storage copies and deletes."""
        if self._type_of(name) == fs.FileType.Directory:
            both = {"source_filesystem": self.filesystem, "destination_filesystem": self.filesystem}
            fs.copy_files(self._path_of(name), self._path_of(new), **both)
            self.remove(name)
        else:
            self.filesystem.move(self._path_of(name), self._path_of(new))

    def lock(self, name: str, wait: float = 0.0) -> Lock:
        """See Storage. Of a holder on another machine it takes half a minute to see that it is dead."""
        return Lease(self, name, wait)
