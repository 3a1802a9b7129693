"""The answer of a question script: sentences, tables and notes, printed in any format."""

import csv
import io
import json
import sys
from dataclasses import dataclass, replace

from analysis.tables import grid, screen
from analysis.tables.escapes import escape_formula, escape_markdown_line
from analysis.tables.grid import Grid

JSON_VERSION = 1  # of the JSON document; raised when a key changes its meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Everything that a script prints. Every text is a sentence or more, without line breaks."""

    question: str
    sentences: tuple[str, ...]
    source_lines: tuple[str, ...]  # where the scores come from, and what a reader of them must know
    tables: tuple[Grid, ...]  # tables without rows are not printed
    notes: tuple[str, ...]  # how to read the tables, and what is missing

    @property
    def filled_tables(self) -> tuple[Grid, ...]:
        """The tables that have rows."""
        return tuple(table for table in self.tables if table.rows)


def print_answer(answer: Answer, form: str) -> None:
    """Print in one of `arguments.FORMATS`. A CSV has no place for sentences: they go to standard error."""
    if form == "csv":
        print(as_csv(answer))
        print("\n".join((*answer.sentences, *answer.source_lines, *answer.notes)), file=sys.stderr)
    else:
        print({"json": as_json, "markdown": as_markdown, "latex": as_latex, "table": as_text}[form](answer))


def print_with_command(answer: Answer, form: str, hint: str, command: str) -> None:
    """Print an answer, and last a command: on a line of its own, where it can be copied, or as a note."""
    if form == "table":
        print_answer(answer, form)
        print(f"\n{hint}\n\n    {command}")
    else:
        print_answer(replace(answer, notes=(*answer.notes, f"{hint} {command}")), form)


def as_text(answer: Answer) -> str:
    """Return plain text of the terminal's width."""
    width = screen.get_width()
    texts = [screen.wrap_lines(lines, width) for lines in (answer.sentences, answer.source_lines, answer.notes)]
    tables = (grid.as_text(table, width) for table in answer.filled_tables)
    return "\n\n".join(filter(None, (*texts[:2], *tables, texts[2])))


def as_markdown(answer: Answer) -> str:
    """Return the sentences as paragraphs, each table as a pipe table, the notes as a list."""
    lists = [
        "\n".join(f"- {escape_markdown_line(line)}" for line in lines) for lines in (answer.source_lines, answer.notes)
    ]
    sentences = "\n\n".join(map(escape_markdown_line, answer.sentences))
    return "\n\n".join(filter(None, (sentences, lists[0], *map(grid.as_markdown, answer.filled_tables), lists[1])))


def as_latex(answer: Answer) -> str:
    """Return the tables, with the sentences as comments around them."""
    head = "\n".join(f"% {line}" for line in (*answer.sentences, *answer.source_lines))
    notes = "\n".join(f"% {line}" for line in answer.notes)
    return "\n\n".join(filter(None, (head, *map(grid.as_latex, answer.filled_tables), notes)))


def as_csv(answer: Answer) -> str:
    """Return one record per number of every table; an absent number is empty."""
    names = ("table", "row", "column", "unit", "value", "low", "high", "seeds", "of_seeds", "parts", "of_parts", "text")
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for record in (record for table in answer.tables for record in grid.build_records(table)):
        writer.writerow(
            {name: escape_formula(field) if isinstance(field, str) else field for name, field in record.items()}
        )
    return text.getvalue().rstrip("\n")


def as_json(answer: Answer) -> str:
    """Return one object with the sentences and the records of all tables; numbers are not rounded."""
    document = {
        "version": JSON_VERSION,
        "question": answer.question,
        "answer": answer.sentences,
        "read": answer.source_lines,
        "records": [record for table in answer.tables for record in grid.build_records(table)],
        "notes": answer.notes,
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
