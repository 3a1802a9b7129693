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
from analysis.transfer.phases import PhaseScore
from analysis.transfer.ranking import Ranking

COLUMNS = (
    PageColumn("phase"),
    PageColumn("task of a mix"),
    PageColumn("English dev", is_formatted=True),
    PageColumn("lowest seed", 1),
    PageColumn("highest seed", 1),
    PageColumn("seeds", 0),
    PageColumn("trivial answer", 1),
    PageColumn("above it", is_formatted=True),
    PageColumn("learnt"),
    PageColumn("dev examples", 0),
)


def build_section(ranking: Ranking) -> Section:
    """Return what was learnt, in words, and the table of all shown phases."""
    name, title = "phases", phases.TITLE
    scores = phases.list_scores(ranking, (ranking.baseline, *ranking.shown))
    if not scores:
        return Section(name, title, (Paragraph("These scores hold no English dev of intermediate phases."),))
    caption = "English dev in points at the best tenth of the runs that count, mean over seeds ± standard error"
    table = PageTable("phases-table", caption, COLUMNS, tuple(map(_build_row, scores)))
    lines = tuple(phases.describe_phases(ranking))
    return Section(name, title, ((BulletList(lines),) if lines else ()) + (table,))


def _build_row(score: PhaseScore) -> tuple[PageValue, ...]:
    values = score.values.values()
    return (
        score.phase,
        score.task,
        _format(score.mean, score.error),
        min(values),
        max(values),
        len(values),
        score.trivial,
        _format(score.difference, score.difference_error, "+"),
        phases.VERDICTS[score.is_learnt].replace("-", ABSENT),
        score.examples,
    )


def _format(value: float | None, error: float | None, sign: str = "") -> FormattedValue:
    if value is None:
        return FormattedValue(ABSENT, None)
    return FormattedValue(f"{value:{sign}.1f}{'' if error is None else f' ± {error:.1f}'}".replace("-", "−"), value)
