"""The cost of each intermediate task, and its gain for that."""

import polars as pl

from analysis.page import charts
from analysis.page.blocks import Figure, PageColumn, Paragraph, Section, name_columns, table_of
from analysis.page.standings import ESTIMATE_SCHEMA, build_estimate_fields
from analysis.tables.source import list_names
from analysis.transfer.cost import choose_unit, describe_devices
from analysis.transfer.ranking import Ranking

COST_SCHEMA = {
    **{name: dtype for name, dtype in ESTIMATE_SCHEMA.items() if name not in ("over", "kind")},
    **{"spent": pl.Float64, "search": pl.Float64, "front": pl.String, "far": pl.Boolean},
}


def build_section(ranking: Ranking) -> Section:
    """Return gain against time, with the tasks that no other task beats in both."""
    mean = ranking.mean_columns[0].name
    costs = ranking.costs
    listed = {*ranking.shown, *ranking.pareto_front}
    names = [name for name in ranking.intermediates if name in listed & costs.keys()]
    names = [name for name in names if ranking.gains[name, mean].mean is not None]
    if not names:
        return Section("cost", "Cost", (Paragraph("These scores do not record what the intermediate runs cost."),))
    unit, longest = choose_unit(costs), max(costs[name].run for name in names)
    rows = [
        {
            "intermediate": name,
            **build_estimate_fields(ranking.gains[name, mean]),
            "spent": costs[name].run * unit.per_hour,
            "search": costs[name].search * unit.per_hour,
            "front": "yes" if name in ranking.pareto_front else "no",
            "far": costs[name].run > 0.8 * longest,
        }
        for name in names
    ]
    frame = pl.DataFrame(rows, COST_SCHEMA)
    order = frame.filter(pl.col("front") == "yes").sort("spent")["intermediate"].to_list()
    figure = Figure(
        name="cost",
        title=f"Gain ({mean}) against the {unit.name} of the intermediate run",
        description=f"On the Pareto front, cheapest first: {list_names(order, word='and')}. All {unit.name} are in the "
        "table.",
        spec=charts.draw_cost(unit.name, intervals=frame["low"].count() > 0),
        data={"cost": frame},
        table=table_of(
            frame,
            "cost-table",
            f"Gain and {unit.name} of every intermediate task",
            {
                **name_columns("intermediate", "gain", "low", "high"),
                "spent": PageColumn(f"{unit.name} of the run", 2),
                "search": PageColumn(f"{unit.name} of all its rates", 2),
                **name_columns("front"),
            },
        ),
    )
    text = (
        f"{unit.name.capitalize()} of training and evaluation of the intermediate run that was chosen, mean over "
        "seeds, on the device that ran it. Targets are not counted, because every chain has them. No task on the "
        "dashed line (the Pareto front) is beaten by one that costs no more."
    )
    warning = describe_devices(ranking.devices)
    warnings = () if warning is None else (Paragraph(warning),)
    return Section("cost", "Cost", (Paragraph(text), *warnings, figure))
