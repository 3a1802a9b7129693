"""The sections of the page, in their order."""

from collections.abc import Sequence

from analysis.answers import published, selection
from analysis.page import (
    answer_section,
    by_language,
    cautions,
    costs,
    curves,
    headline,
    matrix,
    protocol,
    standings,
    variance,
)
from analysis.page.blocks import Section
from analysis.questions.judging import judge_dev_selection
from analysis.questions.published_comparison import compare_with_published
from analysis.transfer.ranking import Ranking


def build_sections(found: Ranking, records: Sequence[protocol.SweepRecord]) -> tuple[Section, ...]:
    """Return the sections about a ranking by target; `records` are those of the sweeps (none for plain files)."""
    read = found.transfer
    return (
        headline.build_section(found),
        cautions.build_section(found),
        standings.build_section(found),
        matrix.build_section(found),
        by_language.build_section(found),
        curves.build_section(found),
        answer_section.build_section(
            "selection", "English dev as a judge", lambda: selection.build_answer(read, judge_dev_selection(read))
        ),
        costs.build_section(found),
        variance.build_section(found),
        answer_section.build_section(
            "published", "Beside the published", lambda: published.build_answer(read, compare_with_published(read))
        ),
        protocol.build_section(found, records),
        protocol.build_versions_section(found, records),
        protocol.build_reading_section(found),
    )
