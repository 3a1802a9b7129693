"""The table of gains by group of targets, below the ranking."""

from analysis.page.blocks import PageColumn, PageTable, Paragraph
from analysis.tables.group_gains import explain_groups, shows_groups
from analysis.tables.source import label_chain
from analysis.transfer.ranking import Ranking


def build_group_blocks(ranking: Ranking) -> tuple[Paragraph | PageTable, ...]:
    """Return the gains by group with their intervals, and the targets of each group; only why, without groups."""
    texts = tuple(Paragraph(line) for line in explain_groups(ranking))
    if not shows_groups(ranking):
        return texts
    columns = [PageColumn("intermediate")]
    for column in ranking.group_columns:
        columns += [PageColumn(f"{column.name}{end}", 2, signed=True) for end in ("", ", low", ", high")]
    rows = []
    for name in ranking.shown:
        row: list[str | float | int | None] = [label_chain(ranking.loaded_scores, name)]
        for column in ranking.group_columns:
            gain = ranking.group_gains[name, column.name]
            row += [gain.mean, *(gain.interval or (None, None))]
        rows.append(tuple(row))
    return (*texts, PageTable("group-table", "Gain by group of targets", tuple(columns), tuple(rows)))
