"""The answer under other comparisons, below the headline: a sentence, a table and what each comparison is."""

from analysis.page import blocks
from analysis.page.blocks import Block, BulletList, DetailsBlock, PageColumn, PageTable, Paragraph
from analysis.tables.fairness_sentences import describe_fairness
from analysis.tables.new_samples import describe_new_samples
from analysis.tables.other_comparisons import describe_other_comparisons, list_other_comparisons
from analysis.transfer.ranking import Ranking

COLUMNS = (
    PageColumn("comparison"),
    PageColumn("best task"),
    PageColumn("gain", 2, signed=True),
    PageColumn("low", 2, signed=True),
    PageColumn("high", 2, signed=True),
    PageColumn("gain of the ranking's best", 2, signed=True),
)


def build_blocks(ranking: Ranking) -> tuple[Block, ...]:
    """Return the blocks; only the sentences where these scores allow no other comparison."""
    details = [blocks.format_minus(line) for line in (*describe_new_samples(ranking), *describe_fairness(ranking))]
    explained = (DetailsBlock("What these comparisons are", (BulletList(tuple(details)),)),) if details else ()
    comparisons = list_other_comparisons(ranking)
    if not comparisons:
        return explained
    rows = tuple(
        (each.name, each.best, each.gain.value, each.gain.low, each.gain.high, each.leader_gain.value)
        for each in comparisons
    )
    lines = tuple(Paragraph(blocks.format_minus(line), "plain") for line in describe_other_comparisons(ranking))
    table = PageTable("comparison-table", "The best task by the mean over all targets, in points", COLUMNS, rows)
    return (*lines, table, *explained)
