"""The sections of the page, in their order."""

from collections.abc import Sequence

from analysis.answers import published, selection
from analysis.page import answer, cautions, cells, curves, protocol, questions, ranked, spending, spoken, variance
from analysis.page.blocks import Section
from analysis.questions.comparison import comparison
from analysis.questions.judging import judge
from analysis.transfer.ranking import Ranking


def sections(found: Ranking, records: Sequence[protocol.Record]) -> tuple[Section, ...]:
    """What the page says of a ranking by target; `records` are what the sweeps recorded (none for plain files)."""
    read = found.transfer
    return (
        answer.section(found),
        cautions.section(found),
        ranked.section(found),
        cells.section(found),
        spoken.section(found),
        curves.section(found),
        questions.section("selection", "English dev as a judge", lambda: selection.answer(read, judge(read))),
        spending.section(found),
        variance.section(found),
        questions.section("published", "Beside the published", lambda: published.answer(read, comparison(read))),
        protocol.section(found, records),
        protocol.versions(found, records),
        protocol.reading(found),
    )
