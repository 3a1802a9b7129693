"""A table of texts and numbers: for a terminal, Markdown, LaTeX, and as records for programs."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

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
LATEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GridNumber:
    """One number with what is known of it.

    `value` is None where there is none: then `text` says why. `seeds` of `of_seeds` are in it, and `parts` of
    `of_parts` languages or targets.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    seeds: int | None = None
    of_seeds: int | None = None
    parts: int | None = None
    of_parts: int | None = None
    text: str = ""  # what is shown behind the number, or in its place

    @property
    def is_partial(self) -> bool:
        """True if seeds, languages or targets are missing in it."""
        return _is_fewer(self.seeds, self.of_seeds) or _is_fewer(self.parts, self.of_parts)


GridValue = GridNumber | str | int | None


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A heading, and how the numbers below it are written: shares as percentages, differences with their sign."""

    name: str
    unit: ColumnUnit = "text"
    interval: bool = False  # write [low, high] behind the number; else a * where it excludes 0 (differences only)


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of fields under columns; the first column names the row."""

    title: str
    columns: tuple[GridColumn, ...]
    rows: tuple[tuple[GridValue, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: a row of {len(row)} fields under {len(self.columns)} columns: {row}.")


def format_value(field: GridValue, column: GridColumn) -> str:
    """A field as text."""
    if field is None:
        return "-"
    if isinstance(field, str):
        return field
    one = field if isinstance(field, GridNumber) else GridNumber(value=field)
    if one.value is None:
        return one.text or "-"
    text = _format_number(one.value, column.unit)
    if one.low is not None and one.high is not None:
        if column.interval:
            text += f" [{_format_number(one.low, column.unit)}, {_format_number(one.high, column.unit)}]"
        elif column.unit == "difference" and (one.low > 0 or one.high < 0):
            text += "*"
    return " ".join(part for part in (text + "~" * one.is_partial, one.text) if part)


def _format_number(value: float, unit: ColumnUnit) -> str:
    if unit == "p" and value < 0.0005:
        return "<0.001"  # no chance is none
    shown = format(100 * value if unit == "share" else value, UNIT_FORMATS[unit])
    shown = re.sub(r"^[+-](0\.?0*)$", r"\1", shown)  # no sign at a zero that rounding made
    return f"{shown}%" if unit == "share" else shown


def as_text(grid: Grid, width: int) -> str:
    """For a terminal of `width` characters; columns that do not fit side by side follow in another block."""
    texts = [[column.name for column in grid.columns], *_format_rows(grid)]
    heads = [
        textwrap.wrap(text, max(MIN_HEADING_WIDTH, *(len(row[i]) for row in texts[1:])), break_long_words=False)
        for i, text in enumerate(texts[0])
    ]
    widths = [max(map(len, [*heads[i], *(row[i] for row in texts[1:])])) for i in range(len(heads))]
    blocks = [grid.title]
    for places in _split_columns(widths, width):
        tall = max(len(heads[place]) for place in places)
        lines = [[*[""] * (tall - len(head)), *head] for head in heads]
        shown = [[line[level] for line in lines] for level in range(tall)]
        rule = "-" * (sum(widths[place] + COLUMN_GAP for place in places) - COLUMN_GAP)
        rows = [_format_row(row, places, widths, grid.columns) for row in (*shown, *texts[1:])]
        blocks.append("\n".join([*rows[:tall], rule, *rows[tall:]]))
    return "\n\n".join([f"{blocks[0]}\n{blocks[1]}", *blocks[2:]])


def _split_columns(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """The columns in groups that fit side by side, each behind the first."""
    group = [0]
    for place in range(1, len(widths)):
        taken = sum(widths[each] + COLUMN_GAP for each in group) + widths[place]
        if len(group) > 1 and taken > width:
            yield group
            group = [0]
        group.append(place)
    yield group


def _format_row(
    texts: Sequence[str], places: Sequence[int], widths: Sequence[int], columns: Sequence[GridColumn]
) -> str:
    fields = (
        texts[place].ljust(widths[place]) if columns[place].unit == "text" else texts[place].rjust(widths[place])
        for place in places
    )
    return (" " * COLUMN_GAP).join(fields).rstrip()


def as_markdown(grid: Grid) -> str:
    """A pipe table under its title."""
    rule = ["---" if column.unit == "text" else "---:" for column in grid.columns]
    rows = [[column.name for column in grid.columns], rule, *_format_rows(grid)]
    lines = (" | ".join(text.replace("|", r"\|") for text in row) for row in rows)
    return f"{grid.title}:\n\n" + "\n".join(f"| {line} |" for line in lines)


def escape_tildes(text: str) -> str:
    """Markdown in which every ~ is itself: what lies between two of them, as in squad~freelb~x2, would be struck out.

    Code between backticks is shown as it is anyway.
    """
    return re.sub(r"`[^`\n]*`|~", lambda found: r"\~" if found[0] == "~" else found[0], text)


def as_latex(grid: Grid) -> str:
    """A table for the package booktabs, with its title as the caption."""
    layout = "".join("l" if column.unit == "text" else "r" for column in grid.columns)
    rows = [
        " & ".join(map(escape_latex, row)) + r" \\"
        for row in ([column.name for column in grid.columns], *_format_rows(grid))
    ]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(grid.title)}}}",
        rf"\begin{{tabular}}{{{layout}}}",
    ]
    lines += [r"\toprule", rows[0], r"\midrule", *rows[1:], r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines)


def escape_latex(text: str) -> str:
    """Text in which LaTeX sees no command."""
    return "".join(LATEX_ESCAPES.get(letter, letter) for letter in text)


def build_records(grid: Grid) -> list[dict[str, Any]]:
    """One record per field but those that name the row; numbers are not rounded, shares go to 1."""
    return [
        {
            "table": grid.title,
            "row": str(row[0]),
            "column": column.name,
            "unit": column.unit,
            **_build_number_fields(field),
        }
        for row in grid.rows
        for column, field in zip(grid.columns[1:], row[1:], strict=True)
    ]


def _build_number_fields(field: GridValue) -> dict[str, Any]:
    one = field if isinstance(field, GridNumber) else None
    names = ("value", "low", "high", "seeds", "of_seeds", "parts", "of_parts")
    numbers = {name: getattr(one, name, None) for name in names}
    if isinstance(field, int):
        numbers["value"] = field
    return {**numbers, "text": field if isinstance(field, str) else one.text if one else ""}


def _format_rows(grid: Grid) -> list[list[str]]:
    return [[format_value(field, column) for field, column in zip(row, grid.columns, strict=True)] for row in grid.rows]


def _is_fewer(there: int | None, wanted: int | None) -> bool:
    return there is not None and wanted is not None and there < wanted
