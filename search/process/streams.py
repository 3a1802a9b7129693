"""Output that outlives its reader: `| head` that has seen enough, a `tee` that Ctrl-C ended, a terminal that closed."""

import errno
import io
import os
import sys
from typing import Any, TextIO


class PipeSafeStream(io.FileIO):
    """An open file that becomes the null device when its reader is gone: an error would end the sweep."""

    def write(self, data: Any) -> int:
        """Write, or drop what nobody reads."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        return super().write(data)


def ignore_broken_pipes() -> None:
    """Let standard output and error outlive whoever reads them."""
    sys.stdout, sys.stderr = _wrap_stream(sys.stdout), _wrap_stream(sys.stderr)


def _wrap_stream(stream: TextIO) -> TextIO:
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(PipeSafeStream(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.isatty() or stream is sys.stderr,
    )
