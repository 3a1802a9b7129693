"""What a script answers: a sentence or two, tables, how to read them and what is missing; printed in any format."""

import csv
import io
import json
import sys
from dataclasses import dataclass

from analysis.tables import grid, screen
from analysis.tables.grid import Grid

JSON_VERSION = 1  # of the JSON document; raised when a key changes its meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All that a script prints: every text a sentence or more, without line breaks."""

    question: str
    sentences: tuple[str, ...]
    source_lines: tuple[str, ...]  # what was read, and what a reader of its scores must know
    tables: tuple[Grid, ...]
    notes: tuple[str, ...]  # how to read the tables, and what is missing


def print_answer(found: Answer, form: str) -> None:
    """Print in one of `arguments.FORMATS`. A CSV has no place for sentences: they go to standard error."""
    with screen.tolerate_closed_pipe():
        if form == "csv":
            print(as_csv(found))
            print("\n".join((*found.sentences, *found.source_lines, *found.notes)), file=sys.stderr)
        else:
            print({"json": as_json, "markdown": as_markdown, "latex": as_latex, "table": as_text}[form](found))


def as_text(found: Answer, width: int | None = None) -> str:
    """Plain text of `width` characters, by default those of the terminal."""
    width = width or screen.get_width()
    said, read, notes = (
        screen.wrap_lines(lines, width) for lines in (found.sentences, found.source_lines, found.notes)
    )
    tables = (grid.as_text(table, width) for table in found.tables)
    return "\n\n".join(filter(None, (said, read, *tables, notes)))


def as_markdown(found: Answer) -> str:
    """The answer as text, each table as a pipe table, the notes as a list."""
    lists = ["\n".join(f"- {line}" for line in lines) for lines in (found.source_lines, found.notes)]
    parts = ("\n\n".join(found.sentences), lists[0], *map(grid.as_markdown, found.tables), lists[1])
    return grid.escape_tildes("\n\n".join(filter(None, parts)))


def as_latex(found: Answer) -> str:
    """The tables, with the sentences as comments around them."""
    head = "\n".join(f"% {line}" for line in (*found.sentences, *found.source_lines))
    notes = "\n".join(f"% {line}" for line in found.notes)
    return "\n\n".join(filter(None, (head, *map(grid.as_latex, found.tables), notes)))


def as_csv(found: Answer) -> str:
    """One record per number of every table; an absent number is empty."""
    names = ("table", "row", "column", "unit", "value", "low", "high", "seeds", "of_seeds", "parts", "of_parts", "text")
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(record for table in found.tables for record in grid.build_records(table))
    return text.getvalue().rstrip("\n")


def as_json(found: Answer) -> str:
    """One object with the sentences and the records of all tables; numbers are not rounded."""
    document = {
        "version": JSON_VERSION,
        "question": found.question,
        "answer": found.sentences,
        "read": found.source_lines,
        "records": [record for table in found.tables for record in grid.build_records(table)],
        "notes": found.notes,
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
