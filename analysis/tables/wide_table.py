"""A wide table as plain text: two lines a row; columns that do not fit side by side follow in another block."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextField:
    """One cell as text: the number or a word for its absence, its marks, and the text below it."""

    number: str
    marks: str = ""
    below: str = ""


@dataclass(frozen=True, slots=True)
class TextRow:
    """One line of a table: its name, a remark and a field per column."""

    name: str
    remark: str
    fields: tuple[TextField, ...]


TwoLineHeading = tuple[str, str]


def lay_out_blocks(
    titles: Sequence[TwoLineHeading], rows: Sequence[TextRow], width: int, rules: Collection[int]
) -> Iterator[str]:
    """Yield the blocks of the table, numbers right-aligned, with a rule below the rows in `rules` (headings are 0)."""
    columns = []
    for index, title in enumerate(titles):
        mark_width = max((len(row.fields[index].marks) for row in rows), default=0)
        # Digits line up: marks have their own room, which words and spreads may use.
        cells = [
            (field.number + field.marks.ljust(mark_width if field.number[-1:].isdigit() else 0), field.below)
            for field in (row.fields[index] for row in rows)
        ]
        columns.append([title, *cells])
    names = [("", ""), *((row.name, f"   {row.remark}" if row.remark else "") for row in rows)]
    name_width = max(len(line) for name in names for line in name) + 1
    widths = [max(len(line) for cell in column for line in cell) for column in columns]
    gap = 2 if name_width + sum(widths) + 2 * len(widths) <= width else 1
    widths = [each + gap for each in widths]

    start = 0
    while start < len(columns):
        stop, total = start + 1, name_width + widths[start]
        while stop < len(columns) and total + widths[stop] <= width:
            total += widths[stop]
            stop += 1
        lines = []
        for number, name in enumerate(names):
            for line_index in (0, 1):
                texts = (columns[index][number][line_index].rjust(widths[index]) for index in range(start, stop))
                line = (name[line_index].ljust(name_width) + "".join(texts)).rstrip()
                if line:
                    lines.append(line)
            if number in rules:
                lines.append("-" * total)
        yield "\n".join(lines)
        start = stop
