"""The variance split over the axes of the search, as a figure above the answer of axes.py."""

import polars as pl

from analysis.answers import axes
from analysis.page import answer_section, charts
from analysis.page.blocks import (
    FIELD_TITLES,
    Figure,
    PageColumn,
    Paragraph,
    Section,
    format_percent,
    join_names,
    name_columns,
    table_of,
)
from analysis.questions.factors import FACTORS, AxisComparison, compare_axes
from analysis.transfer.common_seeds import keep_common_seeds
from analysis.transfer.ranking import Ranking
from spaces.errors import UsageError

RESIDUAL = "interactions and noise"
SHARE_SCHEMA = {"target": pl.String, "axis": pl.String, "share": pl.Float64, "place": pl.Int64}


def build_section(ranking: Ranking) -> Section:
    """Return the split over task, learning rate, seed and language; or the reason why there is none."""
    try:
        transfer = keep_common_seeds(ranking.transfer)
        comparison = compare_axes(transfer)
    except UsageError as error:
        return Section("axes", "Axes of the search", (Paragraph(str(error)),))
    return answer_section.build_section(
        "axes", "Axes of the search", lambda: axes.build_answer(transfer, comparison), build_figure(comparison)
    )


def build_figure(comparison: AxisComparison) -> Figure:
    """Return one bar per target, with a part per axis."""
    order = [*(factor.replace("_", " ") for factor in FACTORS), RESIDUAL]
    rows = []
    for target, split in comparison.splits.items():
        shares = [split.parts[name].share if name in split.parts else 0.0 for name in FACTORS]
        axes_of_target = zip(order, [*shares, split.residual_share], strict=True)
        rows += [(target, axis, 100 * share, rank) for rank, (axis, share) in enumerate(axes_of_target)]
    frame = pl.DataFrame(rows, SHARE_SCHEMA, orient="row")
    last = list(comparison.splits)[-1]
    parts = [f"{axis} {format_percent(share / 100)}" for target, axis, share, _ in rows if target == last]
    return Figure(
        name="axes",
        title="Shares of the variance of the test scores of all finished runs, by target",
        description=f"Stacked bars. {last}: {join_names(parts)}. The other targets are in the table below.",
        spec=charts.draw_axes(order),
        data={"axes": frame},
        table=table_of(
            frame,
            "axes-table",
            "Shares of the variance",
            {**name_columns("target", "axis"), "share": PageColumn(FIELD_TITLES["share"], 1)},
        ),
    )
