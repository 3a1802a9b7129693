"""The transfer matrix: every intermediate task on every target."""

import math

import polars as pl

from analysis.page import blocks, chart_style, charts
from analysis.page.blocks import BulletList, Figure, Section
from analysis.page.standings import ESTIMATE_SCHEMA, build_estimate_fields, note_hidden
from analysis.tables import fairness_sentences, ranking_legend
from analysis.tables.source import list_names, refer_to_baseline
from analysis.tables.standings import mark_certainty, mark_missing, mark_same_data
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

TABLE_FIELDS = "intermediate target gain low high spread values seeds languages metrics holes".split()
CELL_SCHEMA = {
    **{name: dtype for name, dtype in ESTIMATE_SCHEMA.items() if name not in ("over", "kind")},
    **dict.fromkeys(("target", "label", "languages", "metrics", "holes"), pl.String),
}


def build_section(ranking: Ranking) -> Section:
    """Return the heat map with the details of each cell."""
    columns = [column.name for column in ranking.columns]
    rows = [_build_cell(ranking, name, column) for name in ranking.shown for column in columns]
    frame = pl.DataFrame(rows, CELL_SCHEMA)
    significant = [
        f"{name} on {column}"
        for name in ranking.intermediates
        for column in columns[: -len(ranking.mean_columns)]
        if ranking.gains[name, column].is_significant
    ]
    listing = "No cell differs from 0 after Holm's correction."
    if significant:
        listing = f"Cells that differ from 0 after Holm's correction: {list_names(significant)}."
    figure = Figure(
        name="matrix",
        title=f"Gain of every intermediate task on every target, points over "
        f"{refer_to_baseline(ranking.loaded_scores)}",
        description=(
            f"Heat map of {len(ranking.shown)} intermediate tasks by {len(columns)} targets and means. "
            f"{listing} All numbers are in the table below."
        ),
        spec=charts.draw_matrix(ranking.shown, columns, choose_colour_limit(frame)),
        data={"cells": frame},
        table=blocks.table_of(
            frame,
            "matrix-table",
            "Every cell of the transfer matrix",
            blocks.name_columns(*TABLE_FIELDS),
        ),
        min_width_rem=50 if 8 < len(columns) <= chart_style.MAX_WIDE_COLUMNS else 30,
    )
    marks = [*ranking_legend.explain_cell_marks(ranking), *fairness_sentences.explain_same_data(ranking)]
    if chart_style.is_narrow(len(columns)):
        marks.append("Cells show their marks alone; their numbers are in the table. A cell without colour has no gain.")
    legend = (BulletList(tuple(line.replace("->", "→") for line in marks)),) if marks else ()
    return Section("matrix", "Transfer matrix", (*note_hidden(ranking), figure, *legend))


def choose_colour_limit(frame: pl.DataFrame) -> float:
    """Return where the nine colours end on both sides of 0, so that each spans a round number of points.

    The last colours hold all larger gains: a few very large ones must not make all others look alike.
    """
    typical = frame["gain"].drop_nulls().abs().quantile(0.9)
    width = 2 / 9 * typical if isinstance(typical, float) and typical > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return 4.5 * next(power * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if power * step >= width)


def format_cell(estimate: Estimate) -> str:
    """Return the text of a cell: its gain and marks, or the word for its absence."""
    if estimate.mean is None:
        return estimate.hole_status or f"{estimate.parts} of {estimate.of_parts}"
    return f"{blocks.format_gain(estimate.mean)}{mark_certainty(estimate)}{mark_missing(estimate)}"


def _build_cell(ranking: Ranking, name: str, column: str) -> dict[str, object]:
    estimate = ranking.gains[name, column]
    is_mean = column in ranking.contests
    holes = "; ".join(f"seed {hole.seed} {hole.description}" for hole in estimate.holes)
    return {
        "intermediate": name,
        "target": column,
        **build_estimate_fields(estimate),
        "label": format_cell(estimate) + mark_same_data(ranking, name, column),
        "languages": f"{estimate.parts} of {estimate.of_parts} {'targets' if is_mean else 'languages'}",
        "metrics": "each target’s own" if is_mean else blocks.join_names(ranking.transfer.metrics.get(column, ("–",))),
        "holes": holes or "nothing",
    }
