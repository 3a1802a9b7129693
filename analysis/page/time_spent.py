"""What the time of the sweep's stages was spent on."""

from collections.abc import Sequence

from analysis.page.blocks import PageColumn, PageTable, PageValue, Paragraph, Section
from analysis.transfer.ranking import Ranking
from analysis.transfer.time_spent import TimeSpent, sum_time_spent
from spaces.activities import ABOUT, ACTIVITIES, sum_cost

NAME, TITLE = "time", "Where the time went"


def build_section(ranking: Ranking) -> Section:
    """Return the table of shares by kind of stage, or a sentence where no stage recorded them."""
    spent = {kind: value for kind, value in sum_time_spent(ranking.loaded_scores).items() if value.total}
    if not spent:
        return Section(NAME, TITLE, (Paragraph("These scores do not record what the time of stages was spent on."),))
    shown = [activity for activity in ACTIVITIES if any(value.seconds[activity] for value in spent.values())]
    caption = "Percent of the time of stages, by what it was spent on"
    columns = (
        PageColumn("kind of stage"),
        PageColumn("stages", 0),
        PageColumn("hours", 2),
        *(PageColumn(activity, 1) for activity in shown),
        PageColumn("GB of checkpoints", 2),
    )
    rows = tuple(_build_row(kind, value, shown) for kind, value in spent.items())
    cost = sum(sum_cost(value.seconds) for value in spent.values())
    training = sum(value.seconds["training"] for value in spent.values())
    evaluation = sum(value.seconds[name] for value in spent.values() for name in ("dev", "test"))
    answer = (
        f"Of the time that stages cost, {100 * training / cost:.0f} % was training and {100 * evaluation / cost:.0f} % "
        "evaluation. Probes and waiting are no part of the cost."
    )
    meanings = "; ".join(f"{activity}: {ABOUT[activity]}" for activity in shown)
    table = PageTable("time-table", caption, columns, rows)
    return Section(NAME, TITLE, (Paragraph(answer), table, Paragraph(f"{meanings}.", "soft")))


def _build_row(kind: str, spent: TimeSpent, shown: Sequence[str]) -> tuple[PageValue, ...]:
    shares = (100 * spent.seconds[activity] / spent.total for activity in shown)
    return kind, spent.stages, spent.total / 3600, *shares, spent.checkpoint_bytes / 1e9
