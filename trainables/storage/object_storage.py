"""Results in object storage (S3, GCS, ...), through `pyarrow.fs`.

An object appears complete when its upload ends, so files need no temporary names. A folder is several objects. The last
one written is a marker; without it the folder does not exist.

Addresses are those of `pyarrow.fs.FileSystem.from_uri`: `s3://bucket/prefix`. `AWS_ENDPOINT_URL` names another server.
Credentials come from the environment or the machine's role, never from the address.
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

FOLDER_MARKER = ".whole"
CHUNK_BYTES = 2**24  # read at once during an upload


class ObjectStorage:
    """A prefix of a bucket. Its locks are leases, because object storage has no locks."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.filesystem, prefix = fs.FileSystem.from_uri(url)
        except ArrowInvalid as error:
            raise ValueError(f"{url} is not an address of object storage: {first_line_of(error)}") from error
        self.prefix = prefix.rstrip("/")
        if not self.prefix:
            raise ValueError(f"{url} is not an address of object storage: it names no bucket.")

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
        """Upload a file; raises OSError, and removes the object, if it has another size afterwards."""
        size = path.stat().st_size
        with path.open("rb") as source, self.filesystem.open_output_stream(self._path_of(name)) as target:
            while chunk := source.read(CHUNK_BYTES):
                target.write(chunk)
        if self.filesystem.get_file_info(self._path_of(name)).size != size:
            self.remove(name)
            raise OSError(errno.EIO, "the upload is incomplete", self._path_of(name))

    @contextmanager
    def open_local(self, name: str) -> Iterator[Path]:
        """See Storage. The path is a temporary copy."""
        if not self.has(name):
            raise FileNotFoundError(errno.ENOENT, "no such object", self._path_of(name))
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
        infos = self.filesystem.get_file_info(fs.FileSelector(top, recursive=True, allow_not_found=True))
        return {info.path.removeprefix(f"{self.prefix}/"): info.size for info in infos if info.type == fs.FileType.File}

    def remove(self, name: str) -> None:
        """See Storage. The marker of a folder is removed first."""
        kind = self._type_of(name)
        if kind == fs.FileType.Directory:
            if self._is_whole_folder(name, kind):
                self.filesystem.delete_file(self._path_of(f"{name}/{FOLDER_MARKER}"))
            self.filesystem.delete_dir(self._path_of(name))
        elif kind == fs.FileType.File:
            self.filesystem.delete_file(self._path_of(name))

    def rename(self, name: str, new: str) -> None:
        """See Storage. Objects are copied, then deleted."""
        if self._type_of(name) == fs.FileType.Directory:
            filesystems = {"source_filesystem": self.filesystem, "destination_filesystem": self.filesystem}
            fs.copy_files(self._path_of(name), self._path_of(new), **filesystems)
            self.remove(name)
        else:
            self.filesystem.move(self._path_of(name), self._path_of(new))

    def lock(self, name: str, wait: float = 0.0) -> Lock:
        """See Storage. A dead holder on another machine is noticed after EXPIRY_SECONDS of `lease`."""
        return Lease(self, name, wait)
