"""The ranking without same-data cells, as a table of the page."""

from analysis.page.blocks import PageColumn, PageTable
from analysis.tables import same_data_table
from analysis.tables.source import label_chain, list_names
from analysis.transfer.ranking import Ranking
from analysis.transfer.same_data import SameDataComparison


def build_tables(ranking: Ranking) -> tuple[PageTable, ...]:
    """Return the table of the mean over all targets; none where no cell is a same-data cell."""
    return tuple(_build_table(ranking, each) for each in ranking.without_same_data[:1])


def _build_table(ranking: Ranking, comparison: SameDataComparison) -> PageTable:
    common = f"on {len(comparison.common)} targets that no ranked task has seen"
    columns = [PageColumn("intermediate")]
    columns += [PageColumn(f"{common}{end}", 2, signed=True) for end in ("", ", low", ", high")]
    columns += [PageColumn("P(best)", 2)]
    columns += [
        PageColumn(f"on the targets that it has not seen{end}", 2, signed=True) for end in ("", ", low", ", high")
    ]
    columns += [PageColumn("targets", 0), PageColumn("has seen")]
    rows = []
    for name in same_data_table.order_names(ranking, comparison):
        row: list[str | float | int | None] = [label_chain(ranking.loaded_scores, name)]
        for gain in (comparison.gains.get(name), comparison.unseen_gains.get(name)):
            row += [gain.mean, *(gain.interval or (None, None))] if gain else [None, None, None]
            if len(row) == 4:
                row.append(comparison.contest.p_best.get(name) if comparison.contest else None)
        row += [len(comparison.unseen[name]), list_names(same_data_table.list_seen(ranking, name)) or None]
        rows.append(tuple(row))
    title = same_data_table.describe_table(ranking, comparison).replace("`", "")
    return PageTable("same-data-table", title, tuple(columns), tuple(rows))
