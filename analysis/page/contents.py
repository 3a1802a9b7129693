"""The sections of the page, in their order."""

from analysis.answers import published, selection
from analysis.page import (
    answer_section,
    by_language,
    cautions,
    costs,
    curves,
    failures,
    headline,
    matrix,
    phases,
    standings,
    time_spent,
    variance,
)
from analysis.page.blocks import Section
from analysis.page.protocol import build_protocol_section, build_reading_section, build_versions_section
from analysis.questions.judging import judge_dev_selection
from analysis.questions.published_claims import judge_claims
from analysis.questions.published_comparison import compare_with_published
from analysis.transfer.common_seeds import keep_common_seeds
from analysis.transfer.ranking import Ranking


def build_sections(ranking: Ranking) -> tuple[Section, ...]:
    """Return the sections about a ranking by target."""
    common = keep_common_seeds(ranking.transfer)
    return (
        headline.build_section(ranking),
        cautions.build_section(ranking),
        standings.build_section(ranking),
        matrix.build_section(ranking),
        by_language.build_section(ranking),
        failures.build_section(ranking),
        curves.build_section(ranking),
        phases.build_section(ranking),
        answer_section.build_section(
            "selection",
            "English dev as a judge",
            lambda: selection.build_answer(common, judge_dev_selection(common)),
        ),
        costs.build_section(ranking),
        time_spent.build_section(ranking),
        variance.build_section(ranking),
        answer_section.build_section(
            "published",
            "Against the paper",
            lambda: published.build_answer(common, compare_with_published(common), judge_claims(common)),
            open_tables=1,
        ),
        build_protocol_section(ranking),
        build_versions_section(ranking),
        build_reading_section(ranking),
    )
