"""Output that survives its reader: a `| head` that ends, a `tee` that Ctrl-C stops, a terminal that closes."""

import errno
import io
import os
import sys
from typing import Any, TextIO


class PipeSafeStream(io.FileIO):
    """An open file that discards what is written once its reader is gone, since an error would end the sweep."""

    def write(self, data: Any) -> int:
        """Write, or discard what nobody reads."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise
        discard_output(self.fileno())
        return super().write(data)


def discard_output(*descriptors: int) -> None:
    """Redirect file descriptors to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(null, descriptor)
    if null not in descriptors:
        os.close(null)


def ignore_broken_pipes() -> None:
    """Replace standard output and error by streams that survive their readers."""
    sys.stdout, sys.stderr = _wrap_stream(sys.stdout), _wrap_stream(sys.stderr)


def _wrap_stream(stream: TextIO) -> TextIO:
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(PipeSafeStream(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.isatty() or stream is sys.stderr,
    )
