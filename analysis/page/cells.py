"""The transfer matrix: every intermediate task on every target."""

import math

import polars as pl

from analysis.page import charts
from analysis.page.blocks import Column, Figure, Section, Text, gain, listed, percent, table_of
from analysis.page.ranked import FIELDS, fields
from analysis.statistics.interval import LEVEL
from analysis.tables.standings import lacks
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

CELLS = {
    **{name: dtype for name, dtype in FIELDS.items() if name not in ("over", "kind")},
    **dict.fromkeys(("target", "label", "languages", "metrics", "holes"), pl.String),
}


def section(found: Ranking) -> Section:
    """The heat map with the details of each cell."""
    columns = [column.name for column in found.columns]
    frame = pl.DataFrame([_cell(found, name, column) for name in found.intermediates for column in columns], CELLS)
    certain = [
        f"{name} on {column}"
        for name in found.intermediates
        for column in columns[: -len(found.means)]
        if found.gains[name, column].certain
    ]
    figure = Figure(
        name="matrix",
        title="Gain of every intermediate task on every target, points over the baseline",
        about=(
            f"Heat map of {len(found.intermediates)} intermediate tasks by {len(columns)} targets and means. "
            + (
                f"Cells that differ from 0 after Holm's adjustment: {', '.join(certain)}. "
                if certain
                else "No cell differs from 0 after Holm's adjustment. "
            )
            + "All numbers are in the table below."
        ),
        spec=charts.matrix(found.intermediates, columns, largest(frame)),
        data={"cells": frame},
        table=table_of(
            frame,
            "matrix-table",
            "Every cell of the transfer matrix",
            {
                "intermediate": Column("intermediate"),
                "target": Column("target"),
                "gain": Column("gain", 2, True),
                "low": Column("low", 2, True),
                "high": Column("high", 2, True),
                "spread": Column("sd over seeds"),
                "values": Column("per seed"),
                "seeds": Column("seeds"),
                "languages": Column("languages"),
                "metrics": Column("metrics"),
                "holes": Column("missing"),
            },
        ),
        narrowest=50 if len(columns) > 8 else 30,
    )
    marks = (
        f"* the {percent(LEVEL)} interval excludes 0; ** so it does when all cells are tested together (Holm); ~ "
        "partial: something is missing that others have; † decided early, on fewer seeds. Point at a cell for its "
        "details."
    )
    return Section("matrix", "Transfer matrix", (figure, Text(marks, "soft")))


def largest(frame: pl.DataFrame) -> float:
    """Where the nine colours end on both sides of 0, so that each spans a round number of points.

    The last ones are of all gains beyond: a few very large ones shall not make all others look alike.
    """
    most = frame["gain"].drop_nulls().abs().quantile(0.9)
    width = 2 / 9 * most if isinstance(most, float) and most > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return 4.5 * next(power * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if power * step >= width)


def label(one: Estimate) -> str:
    """What a cell shows: its gain and marks, or the word for its absence."""
    if one.mean is None:
        return one.hole or f"{one.parts} of {one.of_parts}"
    return f"{gain(one.mean)}{'**' if one.certain else '*' if one.beyond else ''}{lacks(one)}"


def _cell(found: Ranking, name: str, column: str) -> dict[str, object]:
    one = found.gains[name, column]
    mean = any(column == each.name for each in found.means)
    shown = fields(one)
    return {
        "intermediate": name,
        "target": column,
        **shown,
        "label": label(one),
        "languages": f"{one.parts} of {one.of_parts} {'targets' if mean else 'languages'}",
        "metrics": "each target’s own" if mean else listed(found.transfer.metrics.get(column, ("–",))),
        "holes": "; ".join(
            f"seed {hole.seed} {hole.status}" + (f" ({hole.reason})" if hole.reason else "") for hole in one.holes
        )
        or "nothing",
    }
