"""The gain of each intermediate task by group of targets, beside the mean over all of them."""

from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.tables import standings
from analysis.tables.source import list_names
from analysis.tables.wide_table import TextField, TextRow, TwoLineHeading
from analysis.transfer.columns import UNKNOWN_GROUP, TransferColumn
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

TablePart = tuple[str, list[TwoLineHeading], list[TextRow], set[int]]  # title, headings, rows, rows before a rule


def name_mean(column: TransferColumn) -> str:
    """Return the name of a mean for a sentence: `mean`, `mean without retrieval`, `mean of retrieval`."""
    return f"mean of {column.name}" if column.is_group else column.name


def name_heading(column: TransferColumn) -> TwoLineHeading:
    """Return the name of a column as a heading; that of a group has two lines where it has two words."""
    first, _, rest = column.name.partition(" ") if column.is_group else ("", "", column.name)
    return (first, rest) if rest else ("", first)


def shows_groups(ranking: Ranking) -> bool:
    """Return True if the groups are a table of their own: at least two, and not the columns of the ranking."""
    return len(ranking.group_columns) > 1 and ranking.by != "group"


def build_tables(ranking: Ranking) -> tuple[TablePart, ...]:
    """Return the table of gains by group, or none."""
    if not shows_groups(ranking):
        return ()
    title = (
        f"Groups of targets: gain over `{ranking.baseline}` in points, below each its {CONFIDENCE_LEVEL:.0%} interval"
    )
    headings = [name_heading(column) for column in ranking.group_columns]
    rows = [
        TextRow(label, remark, _build_fields(ranking, name)) for label, remark, name in standings.name_rows(ranking)
    ]
    return ((title, headings, rows, {0}),)


def _build_fields(ranking: Ranking, name: str) -> tuple[TextField, ...]:
    return tuple(_format_gain(ranking.group_gains[name, column.name], column) for column in ranking.group_columns)


def _format_gain(estimate: Estimate, column: TransferColumn) -> TextField:
    field = standings.format_gain(estimate, over_targets=len(column.targets) > 1)
    if estimate.interval is None:
        return field
    return TextField(field.number, field.marks, "{:+.1f} {:+.1f}".format(*estimate.interval))


def explain_groups(ranking: Ranking) -> list[str]:
    """Return the targets of each group, and those of which no benchmark says the kind; or why there are no groups."""
    if not ranking.group_columns:
        return ["No groups of targets: no benchmark says which kinds of task they are."]
    if not shows_groups(ranking) and ranking.by != "group":
        return []
    groups = [f"{column.name} ({list_names(column.targets)})" for column in ranking.group_columns]
    unknown = any(column.name == UNKNOWN_GROUP for column in ranking.group_columns)
    remark = " ** there is corrected for the tasks of a column." * shows_groups(ranking)
    remark += " No benchmark says which kinds of task the unknown ones are." * unknown
    return [f"Groups of targets, as XTREME averages them: {'; '.join(groups)}.{remark}"]
