"""The answer in words, which are those of rank.py: the best task by the mean first, then by target."""

from collections.abc import Iterator

from analysis.page import blocks, other_comparisons
from analysis.page.blocks import Block, BulletList, Paragraph, Section
from analysis.tables.choice_sentences import describe_choices
from analysis.tables.ranking_sentences import (
    describe_certainty,
    describe_honest_winner,
    describe_leader,
    describe_power,
)
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.ranking import Ranking


def build_section(ranking: Ranking) -> Section:
    """Return the headline and how sure it is, the best task by target, then the answer by every other mean."""
    headline, *others = (_build_mean(ranking, name) for name in ranking.contests)
    parts: list[Block] = [*headline]
    if choices := describe_choices(ranking):
        heading, *lines = map(blocks.format_minus, choices)
        parts += [Paragraph(heading), BulletList(tuple(lines))]
    for mean in others:
        parts += mean
    return Section("answer", "The answer", (*parts, *other_comparisons.build_blocks(ranking)))


def _build_mean(ranking: Ranking, mean: str) -> Iterator[Block]:
    """Yield the sentence on the best task by one mean over targets, and the sentences on how sure that is."""
    is_headline = mean == MEAN_ALL
    yield Paragraph(blocks.format_minus(describe_leader(ranking, mean)), "answer" if is_headline else "plain")
    certainty = describe_certainty(ranking, mean)
    lines = [certainty] if certainty else []
    if is_headline:
        lines += [*describe_honest_winner(ranking.contests[mean]), *describe_power(ranking)]
    if lines:
        yield BulletList(tuple(map(blocks.format_minus, lines)))
