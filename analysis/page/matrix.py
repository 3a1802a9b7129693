"""The transfer matrix: every intermediate task on every target."""

import math

import polars as pl

from analysis.page import charts
from analysis.page.blocks import (
    Figure,
    PageColumn,
    Paragraph,
    Section,
    format_gain,
    format_percent,
    join_names,
    table_of,
)
from analysis.page.standings import ESTIMATE_SCHEMA, build_estimate_fields
from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.tables.standings import mark_missing
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

CELL_SCHEMA = {
    **{name: dtype for name, dtype in ESTIMATE_SCHEMA.items() if name not in ("over", "kind")},
    **dict.fromkeys(("target", "label", "languages", "metrics", "holes"), pl.String),
}


def build_section(found: Ranking) -> Section:
    """The heat map with the details of each cell."""
    columns = [column.name for column in found.columns]
    frame = pl.DataFrame(
        [_build_cell(found, name, column) for name in found.intermediates for column in columns], CELL_SCHEMA
    )
    certain = [
        f"{name} on {column}"
        for name in found.intermediates
        for column in columns[: -len(found.mean_columns)]
        if found.gains[name, column].is_significant
    ]
    figure = Figure(
        name="matrix",
        title="Gain of every intermediate task on every target, points over the baseline",
        description=(
            f"Heat map of {len(found.intermediates)} intermediate tasks by {len(columns)} targets and means. "
            + (
                f"Cells that differ from 0 after Holm's adjustment: {', '.join(certain)}. "
                if certain
                else "No cell differs from 0 after Holm's adjustment. "
            )
            + "All numbers are in the table below."
        ),
        spec=charts.draw_matrix(found.intermediates, columns, choose_colour_limit(frame)),
        data={"cells": frame},
        table=table_of(
            frame,
            "matrix-table",
            "Every cell of the transfer matrix",
            {
                "intermediate": PageColumn("intermediate"),
                "target": PageColumn("target"),
                "gain": PageColumn("gain", 2, True),
                "low": PageColumn("low", 2, True),
                "high": PageColumn("high", 2, True),
                "spread": PageColumn("sd over seeds"),
                "values": PageColumn("per seed"),
                "seeds": PageColumn("seeds"),
                "languages": PageColumn("languages"),
                "metrics": PageColumn("metrics"),
                "holes": PageColumn("missing"),
            },
        ),
        min_width_rem=50 if len(columns) > 8 else 30,
    )
    marks = (
        f"* the {format_percent(CONFIDENCE_LEVEL)} interval excludes 0; ** so it does when all cells are tested together (Holm); ~ "
        "partial: something is missing that others have; † decided early, on fewer seeds. Point at a cell for its "
        "details."
    )
    return Section("matrix", "Transfer matrix", (figure, Paragraph(marks, "soft")))


def choose_colour_limit(frame: pl.DataFrame) -> float:
    """Where the nine colours end on both sides of 0, so that each spans a round number of points.

    The last ones are of all gains beyond: a few very large ones shall not make all others look alike.
    """
    most = frame["gain"].drop_nulls().abs().quantile(0.9)
    width = 2 / 9 * most if isinstance(most, float) and most > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return 4.5 * next(power * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if power * step >= width)


def format_cell(one: Estimate) -> str:
    """What a cell shows: its gain and marks, or the word for its absence."""
    if one.mean is None:
        return one.hole_status or f"{one.parts} of {one.of_parts}"
    return (
        f"{format_gain(one.mean)}{'**' if one.is_significant else '*' if one.excludes_zero else ''}{mark_missing(one)}"
    )


def _build_cell(found: Ranking, name: str, column: str) -> dict[str, object]:
    one = found.gains[name, column]
    mean = any(column == each.name for each in found.mean_columns)
    shown = build_estimate_fields(one)
    return {
        "intermediate": name,
        "target": column,
        **shown,
        "label": format_cell(one),
        "languages": f"{one.parts} of {one.of_parts} {'targets' if mean else 'languages'}",
        "metrics": "each target’s own" if mean else join_names(found.transfer.metrics.get(column, ("–",))),
        "holes": "; ".join(
            f"seed {hole.seed} {hole.status}" + (f" ({hole.reason})" if hole.reason else "") for hole in one.holes
        )
        or "nothing",
    }
