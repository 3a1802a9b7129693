r"""Names that hold characters which no table shows: control characters, line breaks, marks of writing direction.

They would break tables, colour a terminal or turn text round. In everything that is printed they are escapes: `\x1b`.
"""

import unicodedata
from collections.abc import Iterable

import polars as pl

from analysis.scores.tidy import CATEGORY_TYPES
from spaces.errors import UsageError
from spaces.table import shorten_list

NAME_COLUMNS = ("intermediate", "target", "language", "metric", "reason")
HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # of Unicode: controls, formats, surrogates, line and paragraph ends

Renaming = dict[str, dict[str, str]]  # column -> name as written -> name as shown


def show_hidden(text: str) -> str:
    r"""Return `text` with an escape, such as `\n` or `\u202e`, for each character that a table does not show."""
    if text.isprintable():
        return text
    return "".join(
        letter.encode("unicode_escape").decode() if unicodedata.category(letter) in HIDDEN_CATEGORIES else letter
        for letter in text
    )


def find_hidden_names(scored: pl.DataFrame, source: str) -> Renaming:
    """Return the names of `scored` that need escapes; raise UsageError if one would be the name of another."""
    renaming: Renaming = {}
    for column in NAME_COLUMNS:
        names = set(scored[column].drop_nulls().unique().cast(pl.String))
        renamed = {name: shown for name in sorted(names) if (shown := show_hidden(name)) != name}
        if len({*renamed.values(), *names.difference(renamed)}) < len(names):
            example = next(iter(renamed.values()))
            raise UsageError(
                f"{source}: two names of column {column} look alike: `{example}` with control characters and with "
                "their escapes. Rename one of them."
            )
        if renamed:
            renaming[column] = renamed
    return renaming


def rename_hidden(frame: pl.DataFrame, renaming: Renaming) -> pl.DataFrame:
    """Return rows in the columns of `tidy.SCORED_COLUMNS` with the names as they are shown."""
    return frame.with_columns(
        pl.col(column).cast(pl.String).replace(names).cast(CATEGORY_TYPES[column]) for column, names in renaming.items()
    )


def describe_hidden_names(source: str, renamings: Iterable[Renaming]) -> list[str]:
    """Return a note on the names that are shown with escapes; none where there are none."""
    names = {shown: None for renaming in renamings for column in renaming.values() for shown in column.values()}
    if not names:
        return []
    return [f"{source}: names with control characters, written as escapes: {shorten_list(list(names), 4)}."]
