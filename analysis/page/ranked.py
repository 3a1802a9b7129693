"""The order of the intermediate tasks: a figure of dots and intervals, and all numbers beside it."""

from typing import Any

import polars as pl

from analysis.page import charts
from analysis.page.blocks import Column, Figure, Section, Table, Text, gain, number, percent
from analysis.statistics.interval import LEVEL
from analysis.transfer.cost import unit
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

FIELDS = {
    **dict.fromkeys(("intermediate", "over", "kind"), pl.String),
    **dict.fromkeys(("gain", "low", "high"), pl.Float64),
    **dict.fromkeys(("spread", "seeds", "values"), pl.String),
}


def section(found: Ranking) -> Section:
    """The ranking by every mean over the targets."""
    rows = [
        {"intermediate": name, "over": column.name, "kind": kind(found, name), **fields(one)}
        for column in found.means
        for name in found.intermediates
        if (one := found.gains[name, column.name]).mean is not None
    ]
    first = found.means[0]
    order = found.contests[first.name].order
    letters = found.contests[first.name].letters
    shared = (
        "Tasks that share a letter in the column “group” cannot be told apart by these seeds (all pairs, Holm); "
        "neighbours need not differ."
        if letters
        else "There are too few seeds to tell any two tasks apart: the order may be chance."
    )
    frame = pl.DataFrame(rows, schema=FIELDS)
    if frame.is_empty():
        return Section(
            "ranking", "Ranking", (Text("No intermediate task has every target at any seed."), _table(found))
        )
    intervals = frame["low"].count() > 0
    level = f", with {percent(LEVEL)} intervals" if intervals else ""
    figure = Figure(
        name="ranking",
        title=f"Gain over the baseline, {' and '.join(column.name for column in found.means)}{level}",
        about="Dots with intervals, best first: "
        + "; ".join(f"{name} {gain(found.gains[name, first.name].mean or 0.0)}" for name in order),
        spec=charts.ranking(order, intervals),
        data={"ranking": frame},
        narrowest=20,
    )
    return Section("ranking", "Ranking", (Text(shared), figure, _table(found)))


def fields(one: Estimate) -> dict[str, Any]:
    """An estimate as the figures show it: numbers to draw, and text for the tooltip."""
    low, high = one.interval or (None, None)
    return {
        "gain": one.mean,
        "low": low,
        "high": high,
        "spread": "–" if one.sd is None else number(one.sd, 2),
        "seeds": f"{one.seeds} of {one.of_seeds}",
        "values": ", ".join(f"{gain(value)} (seed {seed})" for seed, value in one.values.items()),
    }


def kind(found: Ranking, name: str) -> str:
    """What an intermediate task is drawn as."""
    return "control" if name in found.read.controls else "task"


def _table(found: Ranking) -> Table:
    time = unit(found.costs)
    columns = [Column("intermediate"), Column("group")]
    for mean in found.means:
        columns += [Column(f"{mean.name}{end}", 2, signed=True) for end in ("", ", low", ", high")]
    columns += [Column("sd over seeds", 2), Column("P(gain > 0)", 2), Column("p, Holm", 3), Column("P(best)", 2)]
    columns += [Column("mean rank", 1), Column(f"{time.name} of the run", 2), Column("seeds", 0)]
    columns += [Column("decided")] if found.transfer.withheld else []
    first = found.contests[found.means[0].name]
    rows = []
    for name in found.intermediates:
        one, rank, cost = found.gains[name, first.column.name], first.ranks.get(name), found.costs.get(name)
        row: list[str | float | int | None] = [
            f"{name} (control)" if name in found.read.controls else name,
            first.letters.get(name),
        ]
        for mean in found.means:
            each = found.gains[name, mean.name]
            row += [each.mean, *(each.interval or (None, None))]
        row += [one.sd, one.above, one.holm, first.best.get(name), rank.mean if rank else None]
        row += [cost.run * time.per_hour if cost else None, one.seeds]
        if found.transfer.withheld:
            row.append(f"early, after {one.seeds} of {one.of_seeds} seeds" if one.decided else None)
        rows.append(tuple(row))
    return Table(
        "ranking-table",
        f"The ranking in numbers; the columns after the means are about the {first.column.name}",
        tuple(columns),
        tuple(rows),
    )
