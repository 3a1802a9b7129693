"""Which axis of the search moves the score: the variance split, as a figure above what axes.py says."""

import polars as pl

from analysis.answers import axes
from analysis.page import answer_section, charts
from analysis.page.blocks import Figure, PageColumn, Paragraph, Section, format_percent, join_names, table_of
from analysis.questions.factors import FACTORS, AxisComparison, compare_axes
from analysis.transfer.ranking import Ranking
from spaces.errors import UsageError

RESIDUAL = "interactions and noise"
SHARE_SCHEMA = {"target": pl.String, "axis": pl.String, "share": pl.Float64, "place": pl.Int64}


def build_section(found: Ranking) -> Section:
    """The split over task, learning rate, seed and language; or why there is none."""
    try:
        split = compare_axes(found.transfer)
    except UsageError as error:
        return Section("axes", "Axes of the search", (Paragraph(str(error)),))
    return answer_section.build_section(
        "axes", "Axes of the search", lambda: axes.build_answer(found.transfer, split), build_figure(split)
    )


def build_figure(split: AxisComparison) -> Figure:
    """One bar per target, a part per axis."""
    order = [*(factor.replace("_", " ") for factor in FACTORS), RESIDUAL]
    rows = [
        (target, axis, 100 * share, place)
        for target, one in split.splits.items()
        for place, (axis, share) in enumerate(
            zip(
                order,
                [*(one.parts[f].share if f in one.parts else 0.0 for f in FACTORS), one.residual_share],
                strict=True,
            )
        )
    ]
    frame = pl.DataFrame(rows, SHARE_SCHEMA, orient="row")
    last = list(split.splits)[-1]
    said = [f"{axis} {format_percent(share / 100)}" for target, axis, share, _ in rows if target == last]
    return Figure(
        name="axes",
        title="Shares of the variance of the test scores of all finished runs, by target",
        description=f"Stacked bars. {last}: {join_names(said)}. The other targets are in the table below.",
        spec=charts.draw_axes(order),
        data={"axes": frame},
        table=table_of(
            frame,
            "axes-table",
            "Shares of the variance",
            {"target": PageColumn("target"), "axis": PageColumn("axis"), "share": PageColumn("share, %", 1)},
        ),
    )
