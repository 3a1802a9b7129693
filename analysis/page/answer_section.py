"""Sections with the answer of a question script: its sentences, tables and notes."""

from collections.abc import Callable

from analysis.page import blocks
from analysis.page.blocks import Block, PageTable, Paragraph, Section
from analysis.tables.answer import Answer
from analysis.tables.grid import Grid, GridColumn, GridNumber, GridValue, format_value
from spaces.errors import UsageError


def build_section(
    name: str, title: str, make_answer: Callable[[], Answer], *figures: Block, open_tables: int = 0
) -> Section:
    """Return the answer of a script, with figures above its tables; or the reason why these scores give none.

    The first `open_tables` tables can be read without a click.
    """
    try:
        answer = make_answer()
    except UsageError as error:
        return Section(name, title, (Paragraph(str(error)),))
    tables = [build_table(f"{name}-table-{i}", grid) for i, grid in enumerate(answer.filled_tables, start=1)]
    notes = (blocks.BulletList(answer.notes, title="How to read it"),) if answer.notes else ()
    return Section(
        name,
        title,
        (
            *map(Paragraph, answer.sentences),
            *figures,
            *tables[:open_tables],
            blocks.DetailsBlock("Tables and notes", (*tables[open_tables:], *notes)),
        ),
    )


def build_table(name: str, grid: Grid) -> PageTable:
    """Return a grid as a table of the page; numbers look as the script prints them, and sort by their values."""
    columns = tuple(blocks.PageColumn(each.name or "row", is_formatted=each.unit != "text") for each in grid.columns)
    rows = (
        tuple(_to_page_value(field, column) for field, column in zip(row, grid.columns, strict=True))
        for row in grid.rows
    )
    return PageTable(name, grid.title, columns, tuple(rows))


def _to_page_value(field: GridValue, column: GridColumn) -> blocks.PageValue:
    text = blocks.ABSENT if field is None else blocks.format_minus(format_value(field, column))
    if column.unit == "text":
        return text
    value = field.value if isinstance(field, GridNumber) else field
    return blocks.FormattedValue(text, None if isinstance(value, str) else value)
