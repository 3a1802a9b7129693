"""The sections of the page, in their order."""

from collections.abc import Sequence

from analysis.answers import published, selection
from analysis.page import answer, cautions, cells, curves, protocol, questions, ranked, spending, spoken, variance
from analysis.page.blocks import Section
from analysis.questions.comparison import compare_with_published
from analysis.questions.judging import judge_dev_selection
from analysis.transfer.ranking import Ranking


def build_sections(found: Ranking, records: Sequence[protocol.SweepRecord]) -> tuple[Section, ...]:
    """What the page says of a ranking by target; `records` are what the sweeps recorded (none for plain files)."""
    read = found.transfer
    return (
        answer.build_section(found),
        cautions.build_section(found),
        ranked.build_section(found),
        cells.build_section(found),
        spoken.build_section(found),
        curves.build_section(found),
        questions.build_section(
            "selection", "English dev as a judge", lambda: selection.build_answer(read, judge_dev_selection(read))
        ),
        spending.build_section(found),
        variance.build_section(found),
        questions.build_section(
            "published", "Beside the published", lambda: published.build_answer(read, compare_with_published(read))
        ),
        protocol.build_section(found, records),
        protocol.build_versions_section(found, records),
        protocol.build_reading_section(found),
    )
