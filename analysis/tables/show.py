"""The transfer matrix for people: plain text for a terminal or a pipe, and Markdown."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from analysis.ranking import ALL, Matrix
from analysis.statistics.gains import Estimate
from analysis.tables import words
from spaces.benchmark import NONE

LISTED = 12  # lines of what is missing; the other formats have it all
TITLE = f"Gain over `{NONE}` in points"


@dataclass(frozen=True, slots=True)
class Field:
    """One estimate as text: the number or the word for its absence, its marks, and what stands below."""

    number: str
    marks: str = ""
    below: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the matrix: its name, a remark and a field per column."""

    name: str
    remark: str
    fields: tuple[Field, ...]


def table(found: Matrix, width: int) -> str:
    """The report as plain text of `width` characters; columns that do not fit side by side follow in another block."""
    title = TITLE + (", below each the standard deviation over seeds" if words.spread(found) else "")
    lists = (words.order(found), _listed(found), words.legend(found))
    parts = [
        _wrapped(words.head(found), width),
        title,
        *_blocks(found, width),
        *(_wrapped(each, width) for each in lists),
    ]
    return "\n\n".join(part for part in parts if part)


def markdown(found: Matrix) -> str:
    """The report in Markdown, each estimate in one cell."""
    titles = [" ".join(title).strip() for title in _titles(found)]
    lines = [["", *titles], ["---", *("---:" for _ in titles)]]
    for row in _rows(found):
        fields = (f"{field.number}{field.marks} {field.below}".strip() for field in row.fields)
        lines.append([f"{row.name} {row.remark}".strip(), *fields])
    grid = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    lists = (words.order(found), _listed(found), words.legend(found))
    parts = [_bullets(words.head(found)), f"{TITLE}:", grid, *(_bullets(each) for each in lists)]
    return "\n\n".join(part for part in parts if part)


def _columns(found: Matrix) -> tuple[str, ...]:
    return (*found.targets, *found.groups)


def _titles(found: Matrix) -> list[tuple[str, str]]:
    """Two lines of heading per column."""
    means = [
        ("", "mean") if group == ALL else ("without", group.removeprefix("mean without ")) for group in found.groups
    ]
    return [*(("", target) for target in found.targets), *means]


def _rows(found: Matrix) -> Iterator[Row]:
    ranked = found.order(ALL)
    for name in found.intermediates:
        place = str(ranked.index(name) + 1) if name in ranked else "-"
        fields = tuple(_field(found.gains[name, column], column in found.groups, True) for column in _columns(found))
        yield Row(f"{place:>2} {name}", "(control)" if name in found.read.controls else "", fields)
    for name in (NONE, *found.floors):
        fields = tuple(_field(found.levels[name, column], column in found.groups, False) for column in _columns(found))
        yield Row(f"   {name}", "(score)" if name == NONE else "(floor)", fields)


def _field(one: Estimate, over_targets: bool, gain: bool) -> Field:
    if one.mean is None:
        if over_targets:
            return Field(f"{one.parts}/{one.of_parts}", below="targets")
        if one.hole is None:
            return Field("-")  # a floor that this target does not have
        return Field(one.hole, below=f"0/{one.of_seeds}" if one.of_seeds > 1 else "")
    number = f"{one.mean:+.1f}" if gain else f"{one.mean:.1f}"
    marks = ("*" if gain and one.beyond else "") + ("~" if one.partial else "")
    spread = "" if one.sd is None else f"±{one.sd:.1f}"
    seeds = f"{one.seeds}/{one.of_seeds}" if one.seeds < one.of_seeds else ""
    return Field(number, marks, f"{spread} {seeds}".strip())


def _blocks(found: Matrix, width: int) -> Iterator[str]:
    """The matrix as text: two lines a row, numbers right-aligned with room for the marks behind them."""
    rows = list(_rows(found))
    room = max(len(field.marks) for row in rows for field in row.fields)
    columns = []
    for index, title in enumerate(_titles(found)):
        fields = [row.fields[index] for row in rows]
        # Digits stand under digits: marks have their own room, which words and spreads may use.
        cells = [
            (field.number + field.marks.ljust(room if field.number[-1].isdigit() else 0), field.below)
            for field in fields
        ]
        columns.append([title, *cells])
    names = [("", ""), *((row.name, f"   {row.remark}" if row.remark else "") for row in rows)]
    first = max(len(line) for name in names for line in name) + 1
    widths = [max(len(line) for cell in column for line in cell) for column in columns]
    gap = 2 if first + sum(widths) + 2 * len(widths) <= width else 1
    widths = [each + gap for each in widths]

    start = 0
    while start < len(columns):
        stop, total = start + 1, first + widths[start]
        while stop < len(columns) and total + widths[stop] <= width:
            total += widths[stop]
            stop += 1
        lines = []
        for place, name in enumerate(names):
            for half in (0, 1):
                texts = (columns[index][place][half].rjust(widths[index]) for index in range(start, stop))
                line = (name[half].ljust(first) + "".join(texts)).rstrip()
                if line:
                    lines.append(line)
            if place in (0, len(found.intermediates)):
                lines.append("-" * total)
        yield "\n".join(lines)
        start = stop


def _listed(found: Matrix) -> list[str]:
    lines = words.missing(found)
    if len(lines) > LISTED:
        lines = [*lines[:LISTED], f"and {len(lines) - LISTED} more cells: --format json has them all"]
    return ["Not complete:", *lines] if lines else []


def _wrapped(lines: list[str], width: int) -> str:
    filled = (textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines)
    return "\n".join(filled).replace(words.TIE, " ")


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines).replace(words.TIE, " ")
