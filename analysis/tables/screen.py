"""Text for a terminal or a pipe: how wide it is, how lines are broken, and what if the reader leaves early."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

PIPED_WIDTH = 118  # characters a line where there is no terminal to ask
MIN_WIDTH = 80


def get_width() -> int:
    """Characters a line."""
    return max(MIN_WIDTH, shutil.get_terminal_size((PIPED_WIDTH, 24)).columns)


def wrap_lines(lines: Sequence[str], width: int) -> str:
    """Each line broken at `width`, what follows of it indented."""
    return "\n".join(textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


@contextmanager
def tolerate_closed_pipe() -> Iterator[None]:
    """Within it print; a reader that has seen enough, e.g. head, is no error."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
