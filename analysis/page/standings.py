"""The order of the intermediate tasks: a figure of dots and intervals, and all numbers beside it."""

from typing import Any

import polars as pl

from analysis.page import charts
from analysis.page.blocks import (
    Figure,
    PageColumn,
    PageTable,
    Paragraph,
    Section,
    format_gain,
    format_number,
    format_percent,
)
from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.transfer.cost import choose_unit
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

ESTIMATE_SCHEMA = {
    **dict.fromkeys(("intermediate", "over", "kind"), pl.String),
    **dict.fromkeys(("gain", "low", "high"), pl.Float64),
    **dict.fromkeys(("spread", "seeds", "values"), pl.String),
}


def build_section(found: Ranking) -> Section:
    """The ranking by every mean over the targets."""
    rows = [
        {"intermediate": name, "over": column.name, "kind": marker_kind_of(found, name), **build_estimate_fields(one)}
        for column in found.mean_columns
        for name in found.intermediates
        if (one := found.gains[name, column.name]).mean is not None
    ]
    first = found.mean_columns[0]
    order = found.contests[first.name].order
    letters = found.contests[first.name].letters
    shared = (
        "Tasks that share a letter in the column “group” cannot be told apart by these seeds (all pairs, Holm); "
        "neighbours need not differ."
        if letters
        else "There are too few seeds to tell any two tasks apart: the order may be chance."
    )
    frame = pl.DataFrame(rows, schema=ESTIMATE_SCHEMA)
    if frame.is_empty():
        return Section(
            "ranking", "Ranking", (Paragraph("No intermediate task has every target at any seed."), _build_table(found))
        )
    intervals = frame["low"].count() > 0
    level = f", with {format_percent(CONFIDENCE_LEVEL)} intervals" if intervals else ""
    figure = Figure(
        name="ranking",
        title=f"Gain over the baseline, {' and '.join(column.name for column in found.mean_columns)}{level}",
        description="Dots with intervals, best first: "
        + "; ".join(f"{name} {format_gain(found.gains[name, first.name].mean or 0.0)}" for name in order),
        spec=charts.draw_ranking(order, intervals),
        data={"ranking": frame},
        min_width_rem=20,
    )
    return Section("ranking", "Ranking", (Paragraph(shared), figure, _build_table(found)))


def build_estimate_fields(one: Estimate) -> dict[str, Any]:
    """An estimate as the figures show it: numbers to draw, and text for the tooltip."""
    low, high = one.interval or (None, None)
    return {
        "gain": one.mean,
        "low": low,
        "high": high,
        "spread": "–" if one.sd is None else format_number(one.sd, 2),
        "seeds": f"{one.seeds} of {one.of_seeds}",
        "values": ", ".join(f"{format_gain(value)} (seed {seed})" for seed, value in one.values.items()),
    }


def marker_kind_of(found: Ranking, name: str) -> str:
    """What an intermediate task is drawn as."""
    return "control" if name in found.loaded_scores.controls else "task"


def _build_table(found: Ranking) -> PageTable:
    time = choose_unit(found.costs)
    columns = [PageColumn("intermediate"), PageColumn("group")]
    for mean in found.mean_columns:
        columns += [PageColumn(f"{mean.name}{end}", 2, signed=True) for end in ("", ", low", ", high")]
    columns += [
        PageColumn("sd over seeds", 2),
        PageColumn("P(gain > 0)", 2),
        PageColumn("p, Holm", 3),
        PageColumn("P(best)", 2),
    ]
    columns += [PageColumn("mean rank", 1), PageColumn(f"{time.name} of the run", 2), PageColumn("seeds", 0)]
    columns += [PageColumn("decided")] if found.transfer.skipped_seeds else []
    first = found.contests[found.mean_columns[0].name]
    rows = []
    for name in found.intermediates:
        one, rank, cost = found.gains[name, first.column.name], first.ranks.get(name), found.costs.get(name)
        row: list[str | float | int | None] = [
            f"{name} (control)" if name in found.loaded_scores.controls else name,
            first.letters.get(name),
        ]
        for mean in found.mean_columns:
            each = found.gains[name, mean.name]
            row += [each.mean, *(each.interval or (None, None))]
        row += [one.sd, one.p_above, one.p_holm, first.p_best.get(name), rank.mean if rank else None]
        row += [cost.run * time.per_hour if cost else None, one.seeds]
        if found.transfer.skipped_seeds:
            row.append(f"early, after {one.seeds} of {one.of_seeds} seeds" if one.skipped_seed_count else None)
        rows.append(tuple(row))
    return PageTable(
        "ranking-table",
        f"The ranking in numbers; the columns after the means are about the {first.column.name}",
        tuple(columns),
        tuple(rows),
    )
