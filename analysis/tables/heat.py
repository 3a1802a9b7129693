"""The transfer matrix in a terminal: every gain on a colour from loss to gain."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from analysis.tables.source import label_chain, refer_to_baseline
from analysis.tables.standings import format_cell
from analysis.transfer.columns import TransferColumn
from analysis.transfer.ranking import Ranking

# Orange to blue, for readers who confuse red and green; the middle one is around 0.
COLOURS = ("#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3", "#2166ac")
DARK_COLOURS = {"#b35806", "#2166ac"}  # under white letters
LEGEND = (
    "Orange: loss, blue: gain. * The 95% interval excludes 0, ° also by the false discovery rate, ** also after "
    "Holm's correction, ~ partial, ‡ trained twice on the same rows; see rank.py."
)


def build_heat_maps(ranking: Ranking, width: int) -> list[Table]:
    """Return tables of intermediate tasks by columns, best first; columns beyond `width` characters are in the next.

    The scale is the same in all of them: it ends at the largest gain or loss of a cell.
    """
    estimates = [ranking.gains[name, column.name] for name in ranking.shown for column in ranking.columns]
    limit = max((abs(each.mean) for each in estimates if each.mean is not None), default=0.0)
    names = Text("\n").join(Text(f"{label_chain(ranking.loaded_scores, name)} ") for name in ranking.shown)
    columns = [_build_column(ranking, column, limit) for column in ranking.columns]
    widths = [max(cell.cell_len for cell in column) for column in columns]
    name_width = max((cell_len(line) for line in names.plain.split("\n")), default=0)
    tables, start = [], 0
    while start < len(columns):
        stop, total = start + 1, name_width + widths[start]
        while stop < len(columns) and total + widths[stop] <= width:
            total += widths[stop]
            stop += 1
        baseline = None if start else refer_to_baseline(ranking.loaded_scores)
        tables.append(_build_table(names.split("\n"), columns[start:stop], baseline))
        start = stop
    return tables


def _build_table(names: Iterable[Text], columns: Sequence[Sequence[Text]], baseline: str | None) -> Table:
    title = f"Gain over {baseline}, points" if baseline else None
    grid = Table(title=title, title_justify="left", box=None, padding=(0, 0), pad_edge=False)
    grid.add_column("", justify="left", no_wrap=True)
    for heading, *_ in columns:
        grid.add_column(heading, justify="right", no_wrap=True)
    for name, cells in zip(names, zip(*(cells for _, *cells in columns), strict=True), strict=True):
        grid.add_row(name, *cells)
    return grid


def _build_column(ranking: Ranking, column: TransferColumn, limit: float) -> list[Text]:
    """Return the heading and the cells of a column. They are `Text`, so that no name is read as rich's markup."""
    cells = [_build_cell(ranking, name, column, limit) for name in ranking.shown]
    return [Text(f" {column.name.removeprefix('mean ')} "), *cells]


def _build_cell(ranking: Ranking, name: str, column: TransferColumn, limit: float) -> Text:
    estimate, field = ranking.gains[name, column.name], format_cell(ranking, name, column)
    text = f" {field.number}{field.marks:<3}"
    if estimate.mean is None:
        return Text(text, style="dim")
    colour = COLOURS[choose_colour_step(estimate.mean, limit)]
    return Text(text, style=f"{'white' if colour in DARK_COLOURS else 'black'} on {colour}")


def choose_colour_step(value: float, limit: float) -> int:
    """Return the index in COLOURS: equal steps from -limit to limit, with 0 in the middle one."""
    half = len(COLOURS) // 2
    return half + round(half * value / limit) if limit else half
