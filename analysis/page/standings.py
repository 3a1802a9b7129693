"""The ranking: a figure of dots and intervals, and tables of all its numbers."""

from typing import Any

import polars as pl

from analysis.page import blocks, charts, same_data
from analysis.page.blocks import Figure, PageColumn, PageTable, Paragraph, Section
from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.tables import group_gains, ranking_legend
from analysis.tables.source import label_chain, list_names, refer_to_baseline, role_of
from analysis.tables.standings import describe_hidden
from analysis.transfer.cost import choose_unit
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

ESTIMATE_SCHEMA = {
    **dict.fromkeys(("intermediate", "over", "kind"), pl.String),
    **dict.fromkeys(("gain", "low", "high"), pl.Float64),
    **dict.fromkeys(("spread", "seeds", "values"), pl.String),
}


def build_section(ranking: Ranking) -> Section:
    """Return the ranking by every mean over the targets."""
    rows = []
    for column in ranking.mean_columns:
        for name in ranking.shown:
            if (gain := ranking.gains[name, column.name]).mean is not None:
                row = {
                    "intermediate": name,
                    "over": column.name,
                    "kind": role_of(ranking.loaded_scores, name) or "task",
                }
                rows.append({**row, **build_estimate_fields(gain)})
    table, without = _build_table(ranking), same_data.build_tables(ranking)
    if not rows:
        text = Paragraph("No intermediate task has every target at any seed.")
        return Section("ranking", "Ranking", (text, table, *without))
    first = ranking.contests[ranking.mean_columns[0].name]
    note = "There are too few seeds to tell any two tasks apart: the order may be chance."
    if first.letters:
        note = f"{ranking_legend.explain_groups(ranking)} Neighbours need not differ.".replace("`", "")
    frame = pl.DataFrame(rows, schema=ESTIMATE_SCHEMA)
    intervals = frame["low"].count() > 0
    level = f", with {blocks.format_percent(CONFIDENCE_LEVEL)} intervals" if intervals else ""
    gains = (f"{name} {blocks.format_gain(ranking.gains[name, first.column.name].mean or 0.0)}" for name in first.order)
    means = " and ".join(column.name for column in ranking.mean_columns)
    figure = Figure(
        name="ranking",
        title=f"Gain over {refer_to_baseline(ranking.loaded_scores)}, {means}{level}",
        description=f"Dots with intervals, best first: {list_names(gains)}",
        spec=charts.draw_ranking([name for name in first.order if name in ranking.shown], intervals),
        data={"ranking": frame},
        table=blocks.table_of(
            frame,
            "ranking-figure-table",
            "Every gain of the figure",
            blocks.name_columns("intermediate", "over", "gain", "low", "high", "spread", "values", "seeds"),
        ),
    )
    blocks_below = (*without, *_build_group_blocks(ranking))
    return Section("ranking", "Ranking", (Paragraph(note), *note_hidden(ranking), figure, table, *blocks_below))


def note_hidden(ranking: Ranking) -> tuple[Paragraph, ...]:
    """Return a paragraph on the tasks that figures and tables leave out; none where they show all."""
    hidden = describe_hidden(ranking)
    return (Paragraph(f"{hidden} analysis/rank.py --format csv has all of them."),) if hidden else ()


def build_estimate_fields(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as figures need it: numbers to draw, and text for the tooltip."""
    low, high = estimate.interval or (None, None)
    return {
        "gain": estimate.mean,
        "low": low,
        "high": high,
        "spread": "–" if estimate.sd is None else blocks.format_number(estimate.sd, 2),
        "seeds": f"{estimate.seeds} of {estimate.of_seeds}",
        "values": ", ".join(f"{blocks.format_gain(value)} (seed {seed})" for seed, value in estimate.values.items()),
    }


def _build_table(ranking: Ranking) -> PageTable:
    unit = choose_unit(ranking.costs)
    columns = [PageColumn("intermediate"), PageColumn("group")]
    for mean in ranking.mean_columns:
        columns += [PageColumn(f"{mean.name}{end}", 2, signed=True) for end in ("", ", low", ", high")]
    columns += [PageColumn("sd over seeds", 2), PageColumn("P(gain > 0)", 2), PageColumn("p, Holm", 3)]
    columns += [PageColumn("P(best)", 2), PageColumn("mean rank", 1), PageColumn(f"{unit.name} of the run", 2)]
    columns += [PageColumn("seeds", 0), *([PageColumn("decided")] if ranking.transfer.skipped_seeds else [])]
    first = ranking.contests[ranking.mean_columns[0].name]
    rows = []
    for name in ranking.shown:
        gain, rank, cost = ranking.gains[name, first.column.name], first.ranks.get(name), ranking.costs.get(name)
        row: list[str | float | int | None] = [label_chain(ranking.loaded_scores, name), first.letters.get(name)]
        for mean in ranking.mean_columns:
            by_mean = ranking.gains[name, mean.name]
            row += [by_mean.mean, *(by_mean.interval or (None, None))]
        row += [gain.sd, gain.p_above, gain.p_holm, first.p_best.get(name), rank.mean if rank else None]
        row += [cost.run * unit.per_hour if cost else None, gain.seeds]
        if ranking.transfer.skipped_seeds:
            row.append(f"early, after {gain.seeds} of {gain.of_seeds} seeds" if gain.skipped_seed_count else None)
        rows.append(tuple(row))
    return PageTable(
        "ranking-table",
        f"The ranking in numbers; the columns after the means are about the {first.column.name}",
        tuple(columns),
        tuple(rows),
    )


def _build_group_blocks(ranking: Ranking) -> tuple[Paragraph | PageTable, ...]:
    """Return the gains by group with their intervals, and the targets of each group; only why, without groups."""
    texts = tuple(Paragraph(line) for line in group_gains.explain_groups(ranking))
    if not group_gains.shows_groups(ranking):
        return texts
    columns = [PageColumn("intermediate")]
    for column in ranking.group_columns:
        columns += [PageColumn(column.name, 2, signed=True), PageColumn(f"{column.name}, interval")]
    rows = []
    for name in ranking.shown:
        row: list[str | float | int | None] = [label_chain(ranking.loaded_scores, name)]
        for column in ranking.group_columns:
            gain = ranking.group_gains[name, column.name]
            row += [gain.mean, blocks.format_interval(gain.interval) if gain.interval else None]
        rows.append(tuple(row))
    return (*texts, PageTable("group-table", "Gain by group of targets", tuple(columns), tuple(rows)))
