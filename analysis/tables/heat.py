"""The transfer matrix in a terminal: every gain on a colour from loss to gain."""

from rich.table import Table
from rich.text import Text

from analysis.tables.standings import format_gain
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

# Orange to blue, which readers who confuse red and green can tell apart; the middle one is around 0.
COLOURS = ("#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3", "#2166ac")
DARK_COLOURS = {"#b35806", "#2166ac"}  # under white letters
LEGEND = (
    "Orange: lost, blue: gained. * the 95% interval excludes 0, ** after Holm too, ~ partial. rank.py says the rest."
)


def build_heat_map(found: Ranking) -> Table:
    """Intermediates by columns, best first; colours end at the largest gain or loss of a single column."""
    grid = Table(title="Gain over the baseline, points", title_justify="left", box=None, padding=(0, 0), pad_edge=False)
    grid.add_column("", justify="left", no_wrap=True)
    for column in found.columns:
        grid.add_column(f" {column.name.removeprefix('mean ')} ", justify="right", no_wrap=True)
    shown = [found.gains[name, column.name] for name in found.intermediates for column in found.columns]
    most = max((abs(one.mean) for one in shown if one.mean is not None), default=0.0)
    for name in found.intermediates:
        label = f"{name} (control) " if name in found.loaded_scores.controls else f"{name} "
        cells = [_build_cell(found.gains[name, column.name], most, len(column.targets) > 1) for column in found.columns]
        grid.add_row(label, *cells)
    return grid


def _build_cell(one: Estimate, most: float, over_targets: bool) -> Text:
    field = format_gain(one, over_targets=over_targets)
    text = f" {field.number}{field.marks:<3}"
    if one.mean is None:
        return Text(text, style="dim")
    colour = COLOURS[choose_colour_step(one.mean, most)]
    return Text(text, style=f"{'white' if colour in DARK_COLOURS else 'black'} on {colour}")


def choose_colour_step(value: float, most: float) -> int:
    """Which of COLOURS: equal steps from -most to most, 0 in the middle one."""
    half = len(COLOURS) // 2
    return half + round(half * value / most) if most else half
