"""Text for a terminal or a pipe: its width, wrapped lines, and a reader that closes the pipe early."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

PIPED_WIDTH = 118  # characters a line where there is no terminal to ask
MIN_WIDTH = 80


def get_width() -> int:
    """Return the characters that fit on a line."""
    return max(MIN_WIDTH, shutil.get_terminal_size((PIPED_WIDTH, 24)).columns)


def wrap_lines(lines: Sequence[str], width: int) -> str:
    """Break each line at `width` and indent its continuation."""
    return "\n".join(textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


@contextmanager
def tolerate_closed_pipe() -> Iterator[None]:
    """Print inside this context: a reader that stops early, such as `head`, causes no error."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
