"""Sections that say what the scripts of one question say: their sentences, their tables, their notes."""

import re
from collections.abc import Callable

from analysis.page.blocks import ABSENT, Block, Bullets, Column, More, Section, Shown, Table, Text, Value
from analysis.tables.answer import Answer
from analysis.tables.grid import Column as Over
from analysis.tables.grid import Field, Grid, Number, written
from spaces.errors import UsageError


def section(name: str, title: str, asked: Callable[[], Answer], *figures: Block) -> Section:
    """The answer of a script, with figures above its tables; or why these scores give none."""
    try:
        answer = asked()
    except UsageError as error:
        return Section(name, title, (Text(str(error)),))
    tables = tuple(table(f"{name}-table-{place}", grid) for place, grid in enumerate(answer.tables, start=1))
    notes = (Bullets(answer.notes, title="How to read it"),) if answer.notes else ()
    return Section(name, title, (*map(Text, answer.answer), *figures, More("Tables and notes", (*tables, *notes))))


def table(name: str, grid: Grid) -> Table:
    """A grid as a table of the page: numbers are written as the script writes them, and sorted by their values."""
    columns = tuple(Column(column.name or "row", shown=column.unit != "text") for column in grid.columns)
    rows = (tuple(_value(field, column) for field, column in zip(row, grid.columns, strict=True)) for row in grid.rows)
    return Table(name, grid.title, columns, tuple(rows))


def _value(field: Field, column: Over) -> Value:
    text = ABSENT if field is None else re.sub(r"(?<![\w.])-(?=\d)", "−", written(field, column))
    if column.unit == "text":
        return text
    return Shown(text, field.value if isinstance(field, Number) else None if isinstance(field, str) else field)
