"""What each intermediate task costs, and what it brings for that."""

import polars as pl

from analysis.page import charts
from analysis.page.blocks import Column, Figure, Section, Text, listed, table_of
from analysis.page.ranked import FIELDS, fields
from analysis.transfer.cost import unit
from analysis.transfer.ranking import Ranking

COSTS = {
    **{name: dtype for name, dtype in FIELDS.items() if name not in ("over", "kind")},
    **{"spent": pl.Float64, "search": pl.Float64, "front": pl.String, "far": pl.Boolean},
}


def section(found: Ranking) -> Section:
    """Gain against time, with the tasks that no other beats in both."""
    mean = found.means[0].name
    names = [name for name in found.intermediates if name in found.costs and found.gains[name, mean].mean is not None]
    if not names:
        return Section("cost", "Cost", (Text("These scores do not say what the intermediate runs cost."),))
    time = unit(found.costs)
    most = max(found.costs[name].run for name in names)
    rows = [
        {
            "intermediate": name,
            **{key: value for key, value in fields(found.gains[name, mean]).items() if key in COSTS},
            "spent": found.costs[name].run * time.per_hour,
            "search": found.costs[name].search * time.per_hour,
            "front": "yes" if name in found.worth else "no",
            "far": found.costs[name].run > 0.8 * most,
        }
        for name in names
    ]
    frame = pl.DataFrame(rows, COSTS)
    order = frame.filter(pl.col("front") == "yes").sort("spent")["intermediate"].to_list()
    figure = Figure(
        name="cost",
        title=f"Gain ({mean}) against the {time.name} of the intermediate run",
        about=f"On the Pareto front, cheapest first: {listed(order)}. The {time.name} are in the table below.",
        spec=charts.cost(time.name, intervals=frame["low"].count() > 0),
        data={"cost": frame},
        table=table_of(
            frame,
            "cost-table",
            f"Gain and {time.name} of every intermediate task",
            {
                "intermediate": Column("intermediate"),
                "gain": Column("gain", 2, True),
                "spent": Column(f"{time.name} of the run", 2),
                "search": Column(f"{time.name} of all its rates", 2),
                "front": Column("on the Pareto front"),
            },
        ),
        narrowest=20,
    )
    text = (
        f"{time.name.capitalize()} of training and evaluation of the intermediate run that was chosen, mean over "
        "seeds, on whatever device ran it. Targets are not counted: every chain has these. No task on the dashed line "
        "(the Pareto front) is beaten by one that costs no more."
    )
    return Section("cost", "Cost", (Text(text), figure))
