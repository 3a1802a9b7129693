"""Text for a terminal or a pipe: its width, and wrapped lines."""

import shutil
import textwrap
from collections.abc import Sequence

from rich.console import Console, RenderableType
from rich.measure import Measurement

PIPED_WIDTH = 118  # characters a line where there is no terminal to ask
MIN_WIDTH = 80
MAX_WIDTH = 1000  # of a table that is not cut to the terminal


def get_width() -> int:
    """Return the characters that fit on a line."""
    return max(MIN_WIDTH, shutil.get_terminal_size((PIPED_WIDTH, 24)).columns)


def wrap_lines(lines: Sequence[str], width: int) -> str:
    """Break each line at `width` and indent its continuation."""
    return "\n".join(textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


def print_whole(lines: Sequence[str], tables: Sequence[RenderableType], legend: str) -> None:
    """Print lines, tables and their legend. A table that is wider than the terminal is not cut."""
    console = Console(highlight=False, soft_wrap=True)
    options = console.options.update(width=MAX_WIDTH)
    console.width = max(console.width, *(Measurement.get(console, options, table).maximum for table in tables))
    console.print(*lines, sep="\n", end="\n\n", markup=False)
    for table in tables:
        console.print(table)
        if table is not tables[-1]:
            console.print()
    console.print(legend, markup=False)
