"""The sections of the page, in their order."""

from collections.abc import Sequence

from analysis.page import answer, cautions, cells, curves, languages, protocol, ranked, spending
from analysis.page.blocks import Section
from analysis.ranking import Ranking


def sections(found: Ranking, records: Sequence[protocol.Record]) -> tuple[Section, ...]:
    """What the page says of a ranking by target; `records` are what the sweeps recorded (none for plain files)."""
    return (
        answer.section(found),
        cautions.section(found),
        ranked.section(found),
        cells.section(found),
        languages.section(found),
        curves.section(found),
        spending.section(found),
        protocol.section(found, records),
        protocol.versions(found, records),
        protocol.reading(),
    )
