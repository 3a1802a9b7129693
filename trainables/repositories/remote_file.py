"""A file of a repository that is read in pieces over the network, so that a look at it downloads little of it."""

import io
from typing import Any

import huggingface_hub
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from spaces.errors import UsageError
from trainables.repositories.questions import ask_hub
from trainables.repositories.snapshot import RepositoryFile, Snapshot

BLOCK_BYTES = 1 << 16  # the least that a request asks for
COMMIT_HEADER = "X-Repo-Commit"


class RemoteFile(io.RawIOBase):
    """A readable, seekable file of known size. The last block that was read is kept.

    Reads raise UsageError if the hub cannot be asked, or sends another commit or another part than was asked for.
    """

    def __init__(self, snapshot: Snapshot, file: RepositoryFile) -> None:
        super().__init__()
        if file.size is None:
            raise UsageError(f"{snapshot.repo_id} {file.name}: the hub does not say how large it is.")
        self._snapshot, self._name, self._size = snapshot, file.name, file.size
        self._position = 0
        self._start, self._block = 0, b""

    def readable(self) -> bool:  # noqa: D102
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def tell(self) -> int:  # noqa: D102
        return self._position

    def size(self) -> int:
        """Return the size in bytes; Arrow asks for it."""
        return self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:  # noqa: D102
        self._position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:  # noqa: D102
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def read(self, count: int = -1) -> bytes:  # noqa: D102
        stop = self._size if count < 0 else min(self._position + count, self._size)
        if not (self._start <= self._position and stop <= self._start + len(self._block)):
            self._read_block(self._position, stop)
        content = self._block[self._position - self._start : max(stop, self._position) - self._start]
        self._position += len(content)
        return content

    def _read_block(self, start: int, stop: int) -> None:
        """Read at least these bytes; near the end of the file, the block before it, where the footer begins."""
        stop = min(max(stop, start + BLOCK_BYTES), self._size)
        start = max(min(start, stop - BLOCK_BYTES), 0)
        about = f"{self._snapshot.repo_id} {self._name} at commit {self._snapshot.commit}"
        self._start, self._block = start, ask_hub(about, lambda: self._request(about, start, stop))

    def _request(self, about: str, start: int, stop: int) -> bytes:
        url = huggingface_hub.hf_hub_url(
            self._snapshot.repo_id, self._name, repo_type=self._snapshot.kind, revision=self._snapshot.commit
        )
        headers = {**build_hf_headers(), "Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        response = huggingface_hub.get_session().get(url, headers=headers)
        response.raise_for_status()
        for answer in (*response.history, response):
            sent = answer.headers.get(COMMIT_HEADER)
            if sent not in (None, self._snapshot.commit):
                raise UsageError(
                    f"{about}: the hub sent commit {sent}. Check HF_ENDPOINT and proxies, and start again."
                )
        content: bytes = response.content
        if len(content) == self._size:  # a mirror that ignores ranges sends the whole file
            return content[start:stop]
        if len(content) != stop - start:
            raise OSError(f"Consistency check failed: {stop - start} bytes were asked for, {len(content)} came")
        return content
