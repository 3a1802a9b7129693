"""A table of texts and numbers: for a terminal, Markdown, LaTeX, and as records for programs."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analysis.tables.escapes import escape_latex, escape_markdown, escape_markdown_line

ColumnUnit = Literal["points", "difference", "share", "correlation", "count", "p", "number", "text"]

UNIT_FORMATS: dict[ColumnUnit, str] = {
    "points": ".1f",
    "difference": "+.1f",
    "share": ".0f",
    "correlation": "+.2f",
    "count": ".0f",
    "p": ".3f",
    "number": ".4g",
    "text": "g",
}
MIN_HEADING_WIDTH = 10  # characters of a line of a heading, where the column itself is no wider
COLUMN_GAP = 2  # blanks between the columns of a terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class GridNumber:
    """One number and its uncertainty.

    `value` is None where there is no number; `text` is then the reason. `seeds` of `of_seeds` are in it, and `parts`
    of `of_parts` languages or targets. The names of the fields are the names of CSV columns.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    seeds: int | None = None
    of_seeds: int | None = None
    parts: int | None = None
    of_parts: int | None = None
    text: str = ""  # shown behind the number, or in its place

    @property
    def is_partial(self) -> bool:
        """True if seeds, languages or targets are missing."""
        return _is_fewer(self.seeds, self.of_seeds) or _is_fewer(self.parts, self.of_parts)


GridValue = GridNumber | str | int | None
GridRow = tuple[GridValue, ...]


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A heading and the format of the numbers below it: shares as percentages, differences with their sign."""

    name: str
    unit: ColumnUnit = "text"
    interval: bool = False  # write [low, high] behind the number; else a * if it excludes 0 (differences only)


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of fields under columns; the first column names the row."""

    title: str
    columns: tuple[GridColumn, ...]
    rows: tuple[GridRow, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: a row of {len(row)} fields under {len(self.columns)} columns: {row}.")


def format_value(field: GridValue, column: GridColumn) -> str:
    """Return a field as text."""
    if field is None:
        return "-"
    if isinstance(field, str):
        return field
    number = field if isinstance(field, GridNumber) else GridNumber(value=field)
    if number.value is None:
        return number.text or "-"
    text = _format_number(number.value, column.unit)
    if number.low is not None and number.high is not None:
        if column.interval:
            text += f" [{_format_number(number.low, column.unit)}, {_format_number(number.high, column.unit)}]"
        elif column.unit == "difference" and (number.low > 0 or number.high < 0):
            text += "*"
    return " ".join(part for part in (text + "~" * number.is_partial, number.text) if part)


def _format_number(value: float, unit: ColumnUnit) -> str:
    if unit == "p" and value < 0.0005:
        return "<0.001"  # a p value is never 0
    text = format(100 * value if unit == "share" else value, UNIT_FORMATS[unit])
    text = re.sub(r"^[+-](0\.?0*)$", r"\1", text)  # no sign at a zero that rounding made
    return f"{text}%" if unit == "share" else text


def as_text(grid: Grid, width: int) -> str:
    """Return the table for a terminal of `width` characters; columns that do not fit follow in another block."""
    texts = [[column.name for column in grid.columns], *_format_rows(grid)]
    headings = [
        textwrap.wrap(text, max(MIN_HEADING_WIDTH, *(len(row[i]) for row in texts[1:])), break_long_words=False)
        for i, text in enumerate(texts[0])
    ]
    widths = [max(map(len, [*headings[i], *(row[i] for row in texts[1:])])) for i in range(len(headings))]
    blocks = [grid.title]
    for indices in _split_columns(widths, width):
        height = max(len(headings[index]) for index in indices)
        lines = [[*[""] * (height - len(head)), *head] for head in headings]
        heading_rows = [[line[level] for line in lines] for level in range(height)]
        rule = "-" * (sum(widths[index] + COLUMN_GAP for index in indices) - COLUMN_GAP)
        rows = [_format_row(row, indices, widths, grid.columns) for row in (*heading_rows, *texts[1:])]
        blocks.append("\n".join([*rows[:height], rule, *rows[height:]]))
    return "\n\n".join([f"{blocks[0]}\n{blocks[1]}", *blocks[2:]])


def _split_columns(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """Yield groups of columns that fit side by side; each begins with the first column."""
    group = [0]
    for index in range(1, len(widths)):
        used_width = sum(widths[member] + COLUMN_GAP for member in group) + widths[index]
        if len(group) > 1 and used_width > width:
            yield group
            group = [0]
        group.append(index)
    yield group


def _format_row(
    texts: Sequence[str], indices: Sequence[int], widths: Sequence[int], columns: Sequence[GridColumn]
) -> str:
    fields = (
        texts[index].ljust(widths[index]) if columns[index].unit == "text" else texts[index].rjust(widths[index])
        for index in indices
    )
    return (" " * COLUMN_GAP).join(fields).rstrip()


def as_markdown(grid: Grid) -> str:
    """Return a pipe table under its title."""
    rule = ["---" if column.unit == "text" else "---:" for column in grid.columns]
    rows = [[column.name for column in grid.columns], rule, *_format_rows(grid)]
    lines = (" | ".join(map(_escape_cell, row)) for row in rows)
    return f"{escape_markdown_line(grid.title)}:\n\n" + "\n".join(f"| {line} |" for line in lines)


def _escape_cell(text: str) -> str:
    return text if text.strip("-:") == "" else escape_markdown(text)


def as_latex(grid: Grid) -> str:
    """Return a table for the package booktabs, with its title as the caption."""
    layout = "".join("l" if column.unit == "text" else "r" for column in grid.columns)
    texts = [[column.name for column in grid.columns], *_format_rows(grid)]
    heading, *rows = [" & ".join(map(escape_latex, row)) + r" \\" for row in texts]
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{escape_latex(grid.title)}}}"]
    lines += [rf"\begin{{tabular}}{{{layout}}}", r"\toprule", heading, r"\midrule", *rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


def build_records(grid: Grid) -> list[dict[str, Any]]:
    """Return one record per field but those that name the row; numbers are not rounded, shares go to 1."""
    records = []
    for name, *fields in grid.rows:
        for column, field in zip(grid.columns[1:], fields, strict=True):
            record = {"table": grid.title, "row": str(name), "column": column.name, "unit": column.unit}
            records.append(record | _build_number_fields(field))
    return records


def _build_number_fields(field: GridValue) -> dict[str, Any]:
    number = field if isinstance(field, GridNumber) else None
    names = ("value", "low", "high", "seeds", "of_seeds", "parts", "of_parts")
    numbers = {name: getattr(number, name, None) for name in names}
    if isinstance(field, int):
        numbers["value"] = field
    return {**numbers, "text": field if isinstance(field, str) else number.text if number else ""}


def _format_rows(grid: Grid) -> list[list[str]]:
    return [[format_value(field, column) for field, column in zip(row, grid.columns, strict=True)] for row in grid.rows]


def _is_fewer(count: int | None, expected: int | None) -> bool:
    return count is not None and expected is not None and count < expected
