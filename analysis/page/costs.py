"""What each intermediate task costs, and what it brings for that."""

import polars as pl

from analysis.page import charts
from analysis.page.blocks import Figure, PageColumn, Paragraph, Section, join_names, table_of
from analysis.page.standings import ESTIMATE_SCHEMA, build_estimate_fields
from analysis.transfer.cost import choose_unit
from analysis.transfer.ranking import Ranking

COST_SCHEMA = {
    **{name: dtype for name, dtype in ESTIMATE_SCHEMA.items() if name not in ("over", "kind")},
    **{"spent": pl.Float64, "search": pl.Float64, "front": pl.String, "far": pl.Boolean},
}


def build_section(found: Ranking) -> Section:
    """Gain against time, with the tasks that no other beats in both."""
    mean = found.mean_columns[0].name
    names = [name for name in found.intermediates if name in found.costs and found.gains[name, mean].mean is not None]
    if not names:
        return Section("cost", "Cost", (Paragraph("These scores do not say what the intermediate runs cost."),))
    time = choose_unit(found.costs)
    most = max(found.costs[name].run for name in names)
    rows = [
        {
            "intermediate": name,
            **{
                key: value
                for key, value in build_estimate_fields(found.gains[name, mean]).items()
                if key in COST_SCHEMA
            },
            "spent": found.costs[name].run * time.per_hour,
            "search": found.costs[name].search * time.per_hour,
            "front": "yes" if name in found.pareto_front else "no",
            "far": found.costs[name].run > 0.8 * most,
        }
        for name in names
    ]
    frame = pl.DataFrame(rows, COST_SCHEMA)
    order = frame.filter(pl.col("front") == "yes").sort("spent")["intermediate"].to_list()
    figure = Figure(
        name="cost",
        title=f"Gain ({mean}) against the {time.name} of the intermediate run",
        description=f"On the Pareto front, cheapest first: {join_names(order)}. The {time.name} are in the table below.",
        spec=charts.draw_cost(time.name, intervals=frame["low"].count() > 0),
        data={"cost": frame},
        table=table_of(
            frame,
            "cost-table",
            f"Gain and {time.name} of every intermediate task",
            {
                "intermediate": PageColumn("intermediate"),
                "gain": PageColumn("gain", 2, True),
                "spent": PageColumn(f"{time.name} of the run", 2),
                "search": PageColumn(f"{time.name} of all its rates", 2),
                "front": PageColumn("on the Pareto front"),
            },
        ),
        min_width_rem=20,
    )
    text = (
        f"{time.name.capitalize()} of training and evaluation of the intermediate run that was chosen, mean over "
        "seeds, on whatever device ran it. Targets are not counted: every chain has these. No task on the dashed line "
        "(the Pareto front) is beaten by one that costs no more."
    )
    return Section("cost", "Cost", (Paragraph(text), figure))
