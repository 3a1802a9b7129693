"""The transfer matrix in a terminal: every gain on a colour from loss to gain."""

from rich.table import Table
from rich.text import Text

from analysis.tables.source import label_chain
from analysis.tables.standings import format_gain
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

# Orange to blue, for readers who confuse red and green; the middle one is around 0.
COLOURS = ("#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3", "#2166ac")
DARK_COLOURS = {"#b35806", "#2166ac"}  # under white letters
LEGEND = (
    "Orange: loss, blue: gain. * The 95% interval excludes 0, ** also after Holm's correction, ~ partial; see rank.py."
)


def build_heat_map(ranking: Ranking) -> Table:
    """Return intermediate tasks by columns, best first; the scale ends at the largest gain or loss of a cell."""
    grid = Table(title="Gain over the baseline, points", title_justify="left", box=None, padding=(0, 0), pad_edge=False)
    grid.add_column("", justify="left", no_wrap=True)
    for column in ranking.columns:
        grid.add_column(f" {column.name.removeprefix('mean ')} ", justify="right", no_wrap=True)
    estimates = [ranking.gains[name, column.name] for name in ranking.intermediates for column in ranking.columns]
    limit = max((abs(each.mean) for each in estimates if each.mean is not None), default=0.0)
    for name in ranking.intermediates:
        label = f"{label_chain(ranking.loaded_scores, name)} "
        for_columns = ((ranking.gains[name, column.name], len(column.targets) > 1) for column in ranking.columns)
        grid.add_row(label, *(_build_cell(gain, limit, over_targets) for gain, over_targets in for_columns))
    return grid


def _build_cell(estimate: Estimate, limit: float, over_targets: bool) -> Text:
    field = format_gain(estimate, over_targets=over_targets)
    text = f" {field.number}{field.marks:<3}"
    if estimate.mean is None:
        return Text(text, style="dim")
    colour = COLOURS[choose_colour_step(estimate.mean, limit)]
    return Text(text, style=f"{'white' if colour in DARK_COLOURS else 'black'} on {colour}")


def choose_colour_step(value: float, limit: float) -> int:
    """Return the index in COLOURS: equal steps from -limit to limit, with 0 in the middle one."""
    half = len(COLOURS) // 2
    return half + round(half * value / limit) if limit else half
