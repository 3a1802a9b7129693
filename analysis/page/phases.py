"""English dev of the intermediate phases beside the trivial answer."""

from analysis.page.blocks import (
    ABSENT,
    BulletList,
    FormattedValue,
    PageColumn,
    PageTable,
    PageValue,
    Paragraph,
    Section,
)
from analysis.tables import phases
from analysis.tables.source import pluralise
from analysis.transfer.phases import PhaseScore
from analysis.transfer.ranking import Ranking

COLUMNS = (
    PageColumn("phase"),
    PageColumn("English dev", is_formatted=True),
    PageColumn("range over seeds", is_formatted=True),
    PageColumn("dev examples", 0),
)
VERDICT_COLUMNS = (PageColumn("trivial answer", 1), PageColumn("above it", is_formatted=True), PageColumn("learnt"))


def build_section(ranking: Ranking) -> Section:
    """Return what was learnt, in words, and the table of all shown phases."""
    name, title = "phases", phases.TITLE
    scores = phases.list_scores(ranking, (ranking.baseline, *ranking.shown))
    if not scores:
        return Section(name, title, (Paragraph("These scores hold no English dev of intermediate phases."),))
    caption = "English dev in points at the best tenth of the runs that count, mean over seeds ± standard error"
    has_verdicts = any(score.trivial is not None for score in scores)  # of older sweeps none is known
    columns = (*COLUMNS, *VERDICT_COLUMNS) if has_verdicts else COLUMNS
    rows = tuple(_build_row(score)[: len(columns)] for score in scores)
    table = PageTable("phases-table", caption, columns, rows)
    lines = tuple(phases.describe_phases(ranking))
    return Section(name, title, ((BulletList(lines),) if lines else ()) + (table,))


def _build_row(score: PhaseScore) -> tuple[PageValue, ...]:
    values = score.values.values()
    span = f"{min(values):.1f} to {max(values):.1f} ({pluralise(len(values), 'seed')})"
    return (
        phases.name_score(score),
        _format(score.mean, score.error),
        FormattedValue(span, max(values) - min(values)),
        score.examples,
        score.trivial,
        _format(score.difference, score.difference_error, "+"),
        phases.VERDICTS[score.is_learnt].replace("-", ABSENT),
    )


def _format(value: float | None, error: float | None, sign: str = "") -> FormattedValue:
    if value is None:
        return FormattedValue(ABSENT, None)
    return FormattedValue(f"{value:{sign}.1f}{'' if error is None else f' ± {error:.1f}'}".replace("-", "−"), value)
