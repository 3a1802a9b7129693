"""The standard streams of a command: no write to them raises an error, and what is lost is known at the end.

A reader that leaves early, such as `head`, has what it wanted: the rest is discarded, and nothing is said. Text for a
stream that is closed or full is lost: `find_lost_streams` tells it, and the command ends with an exit code that is not
0. Characters that the encoding of a stream lacks are written as look-alikes, or as escapes.
"""

import codecs
import errno
import io
import os
import select
import stat
import sys
from typing import Any, TextIO

STDOUT, STDERR = "standard output", "standard error"
LOOK_ALIKES = str.maketrans(
    {"±": "+-", "†": "^", "·": ".", "–": "-", "—": "-", "−": "-", "→": "->", "…": "...", "×": "x"}
    | {"‘": "'", "’": "'", "“": '"', "”": '"'}
)
ESCAPE = "readable"  # the name of the error handler below


class GuardedStream(io.FileIO):
    """An open file that discards what cannot be written, since an error would end the command, and notes the loss."""

    def __init__(self, descriptor: int, *, lost_reason: str | None = None, counts_loss: bool = True) -> None:
        """Write to a file descriptor. With a reason, all that is written is lost; a loss may count or not."""
        super().__init__(descriptor, "w", closefd=False)
        self.start_reason, self.counts_loss = lost_reason, counts_loss
        self.lost_reason: str | None = None

    def write(self, data: Any) -> int:
        """Write, or discard what nobody reads or what cannot be written."""
        size = memoryview(data).nbytes
        if self.start_reason is not None:
            self._note_loss(self.start_reason)
            return size
        try:
            while (written := super().write(data)) is None:  # a reader that is slow, on a pipe that does not wait
                select.select([], [self], [])
        except OSError as error:
            if self._has_lost_reader(error):
                discard_output(self.fileno())
            else:
                self._note_loss(error.strerror or str(error))
            return size
        return written

    def _note_loss(self, reason: str) -> None:
        if self.counts_loss and self.lost_reason is None:
            self.lost_reason = reason

    def _has_lost_reader(self, error: OSError) -> bool:
        """Return True for a pipe without a reader, and for a terminal that was closed."""
        is_terminal_error = error.errno == errno.EIO and stat.S_ISCHR(os.fstat(self.fileno()).st_mode)
        return error.errno == errno.EPIPE or is_terminal_error


def discard_output(*descriptors: int) -> None:
    """Redirect file descriptors to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(null, descriptor)
    if null not in descriptors:
        os.close(null)


def guard_streams() -> None:
    """Replace standard output and error by streams that never raise, and open what is closed of the three streams.

    The first file that a process opens would get the number of a closed stream. Whatever it or its children print
    would then be written into that file.
    """
    for descriptor in range(3):
        if not _is_open(descriptor):
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest number that is free: this one
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = _guard_stream(sys.stdout, 1), _guard_stream(sys.stderr, 2)


def are_guarded() -> bool:
    """Return True once `guard_streams` was called."""
    return _raw_of(sys.stderr) is not None


def open_progress_stream() -> TextIO:
    """Return standard error for text that nobody misses later, such as progress: its loss changes no exit code."""
    raw = _raw_of(sys.stderr)
    if raw is None:
        return sys.stderr
    return _guard_stream(None if raw.start_reason is not None else sys.stderr, 2, counts_loss=False)


def find_lost_streams() -> dict[str, str]:
    """Write what is still buffered; return the names of the streams that lost text, and why."""
    lost = {}
    for name, stream in ((STDOUT, sys.stdout), (STDERR, sys.stderr)):
        stream.flush()
        raw = _raw_of(stream)
        if raw is not None and raw.lost_reason is not None:
            lost[name] = raw.lost_reason
    return lost


def _raw_of(stream: TextIO) -> GuardedStream | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, GuardedStream) else None


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _guard_stream(stream: TextIO | None, descriptor: int, *, counts_loss: bool = True) -> TextIO:
    codecs.register_error(ESCAPE, escape_unencodable)
    if stream is None:
        raw = GuardedStream(descriptor, lost_reason="it is closed", counts_loss=counts_loss)
        return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors=ESCAPE)
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(GuardedStream(stream.fileno(), counts_loss=counts_loss)),
        encoding=stream.encoding,
        errors=ESCAPE,
        line_buffering=stream.isatty() or descriptor == 2,
        write_through=getattr(stream, "write_through", False),  # python -u
    )


def escape_unencodable(error: UnicodeError) -> tuple[str, int]:
    r"""Return look-alikes, or escapes such as `\u00df` (JSON's, two for a character beyond them), for an encoder."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(LOOK_ALIKES)
    return "".join(letter if letter.isascii() else _escape(letter) for letter in text), error.end


def _escape(character: str) -> str:
    code = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{code[start : start + 4]}" for start in range(0, len(code), 4))
