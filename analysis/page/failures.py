"""Failed runs: how often each chain fails, and the means in which failed runs count."""

from analysis.page import blocks
from analysis.page.blocks import Block, BulletList, FormattedValue, PageColumn, PageTable, Paragraph, Section
from analysis.tables import failures
from analysis.tables.failures import TOGETHER
from analysis.transfer.estimate import Estimate
from analysis.transfer.failure_rates import FailureRate
from analysis.transfer.ranking import Ranking


def build_section(ranking: Ranking) -> Section:
    """Return the failure rates of all chains, and the means with failed runs beside those without."""
    lines = [line.replace("->", "→").replace("`", "") for line in failures.describe_rates(ranking)]
    if not lines:
        return Section("failures", "Failed runs", (Paragraph("These scores hold no failed run."),))
    parts: list[Block] = [Paragraph(line) for line in lines]
    counted = [
        line.replace("->", "→").replace("`", "")
        for line in (*failures.describe_changes(ranking), *failures.list_counted(ranking))
    ]
    if counted:
        parts.append(BulletList(tuple(counted)))
    if changed := failures.list_changed(ranking):
        parts.append(_build_gain_table(ranking, changed))
    if ranking.failure_rates.any_failed:
        parts.append(_build_rate_table(ranking))
    return Section("failures", "Failed runs", tuple(parts))


def _build_gain_table(ranking: Ranking, names: list[str]) -> PageTable:
    assert ranking.counted_failures is not None
    columns = [PageColumn("intermediate")]
    for mean in ranking.mean_columns:
        titles = (mean.name, f"{mean.name}, failed counted", f"interval of {mean.name}, failed counted")
        columns += [PageColumn(titles[0], 1, signed=True), PageColumn(titles[1], 1, signed=True), PageColumn(titles[2])]
    table = [
        (
            name,
            *(
                value
                for mean in ranking.mean_columns
                for value in _list_values(
                    ranking.gains[name, mean.name], ranking.counted_failures.gains[name, mean.name]
                )
            ),
        )
        for name in names
    ]
    caption = "Gain in points without and with failed runs, of the tasks that differ"
    return PageTable("failures-gains", caption, tuple(columns), tuple(table))


def _list_values(without: Estimate, counted: Estimate) -> tuple[float | None, float | None, str | None]:
    interval = blocks.format_interval(counted.interval) if counted.interval else None
    return without.mean, counted.mean, interval


def _build_rate_table(ranking: Ranking) -> PageTable:
    rates = ranking.failure_rates
    columns = (
        PageColumn("chain"),
        PageColumn("failed", 0),
        PageColumn("of", 0),
        PageColumn("share, %", is_formatted=True),
        PageColumn("intermediate runs failed", 0),
        PageColumn("of intermediate runs", 0),
    )
    named = [(name, rates.targets[name], rates.phases.get(name)) for name in (ranking.baseline, *ranking.shown)]
    rows = [_build_row(*row) for row in (*named, (TOGETHER, rates.together, rates.phases_together))]
    caption = "Failed runs of each chain, of the runs trained to the end, with Wilson's 95% interval"
    return PageTable("failures-rates", caption, columns, tuple(rows))


def _build_row(
    name: str, rate: FailureRate, phase: FailureRate | None
) -> tuple[str, int, int, FormattedValue, int | None, int | None]:
    text = blocks.ABSENT
    if rate.share is not None and rate.interval is not None:
        text = f"{100 * rate.share:.1f} ({100 * rate.interval[0]:.1f} to {100 * rate.interval[1]:.1f})"
    share = FormattedValue(text, rate.share)
    return name, rate.failed, rate.ended, share, phase.failed if phase else None, phase.ended if phase else None
