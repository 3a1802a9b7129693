"""Which axis of the search moves the score: the variance split, as a figure above what axes.py says."""

import polars as pl

from analysis.answers import axes
from analysis.page import charts, questions
from analysis.page.blocks import Column, Figure, Section, Text, listed, percent, table_of
from analysis.questions.factors import FACTORS, Factors, factors
from analysis.transfer.ranking import Ranking
from spaces.errors import UsageError

REST = "interactions and noise"
SHARES = {"target": pl.String, "axis": pl.String, "share": pl.Float64, "place": pl.Int64}


def section(found: Ranking) -> Section:
    """The split over task, learning rate, seed and language; or why there is none."""
    try:
        split = factors(found.transfer)
    except UsageError as error:
        return Section("axes", "Axes of the search", (Text(str(error)),))
    return questions.section("axes", "Axes of the search", lambda: axes.answer(found.transfer, split), figure(split))


def figure(split: Factors) -> Figure:
    """One bar per target, a part per axis."""
    order = [*(factor.replace("_", " ") for factor in FACTORS), REST]
    rows = [
        (target, axis, 100 * share, place)
        for target, one in split.splits.items()
        for place, (axis, share) in enumerate(
            zip(order, [*(one.parts[f].share if f in one.parts else 0.0 for f in FACTORS), one.rest], strict=True)
        )
    ]
    frame = pl.DataFrame(rows, SHARES, orient="row")
    last = list(split.splits)[-1]
    said = [f"{axis} {percent(share / 100)}" for target, axis, share, _ in rows if target == last]
    return Figure(
        name="axes",
        title="Shares of the variance of the test scores of all finished runs, by target",
        about=f"Stacked bars. {last}: {listed(said)}. The other targets are in the table below.",
        spec=charts.axes(order),
        data={"axes": frame},
        table=table_of(
            frame,
            "axes-table",
            "Shares of the variance",
            {"target": Column("target"), "axis": Column("axis"), "share": Column("share, %", 1)},
        ),
    )
