"""The ranking without same-data cells as rows: one per intermediate task, with both means and what it has seen."""

from collections.abc import Iterator

from analysis.tables.source import list_names, role_of
from analysis.tables.standings import EMPTY_FIELD, format_gain
from analysis.tables.wide_table import TextField, TextRow, TwoLineHeading
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking
from analysis.transfer.same_data import SameDataComparison


def describe_table(ranking: Ranking, comparison: SameDataComparison) -> str:
    """Return the title of the table."""
    return (
        f"Ranking without cells that train twice on the same rows, gain over `{ranking.baseline}` in points: on the "
        "targets whose rows no ranked task has seen, and on all those whose rows the task itself has not seen"
    )


def build_headings(comparison: SameDataComparison) -> list[TwoLineHeading]:
    """Return the two heading lines of each column."""
    common = [(f"{len(comparison.common)} unseen", "by all"), ("95%", "interval"), ("", "P(best)")]
    own = [("unseen", "by it"), ("95%", "interval"), ("", "targets"), ("", "seen")]
    return [*(common if comparison.contest else ()), *own]


def order_names(ranking: Ranking, comparison: SameDataComparison) -> list[str]:
    """Return the shown intermediates: best first by the common targets, else in the order of the ranking."""
    order = comparison.contest.order if comparison.contest else ()
    position = {name: i for i, name in enumerate(order)}
    return sorted(ranking.shown, key=lambda name: position.get(name, len(position)))


def build_rows(ranking: Ranking, comparison: SameDataComparison) -> Iterator[TextRow]:
    """Yield one row per shown intermediate."""
    order = comparison.contest.order if comparison.contest else ()
    for name in order_names(ranking, comparison):
        rank = order.index(name) + 1 if name in order else "-"
        role = role_of(ranking.loaded_scores, name)
        fields = tuple(_build_fields(ranking, comparison, name))
        yield TextRow(f"{rank:>2} {name}", f"({role})" if role else "", fields)


def _build_fields(ranking: Ranking, comparison: SameDataComparison, name: str) -> Iterator[TextField]:
    if comparison.contest:
        yield from _format_with_interval(comparison.gains[name])
        best = comparison.contest.p_best.get(name)
        yield EMPTY_FIELD if best is None else TextField(f"{best:.2f}")
    if own := comparison.unseen_gains.get(name):
        yield from _format_with_interval(own)
    else:
        yield from (EMPTY_FIELD, EMPTY_FIELD)
    yield TextField(str(len(comparison.unseen[name])))
    seen = list_seen(ranking, name)
    yield TextField(list_names(seen, 3)) if seen else EMPTY_FIELD


def list_seen(ranking: Ranking, name: str) -> tuple[str, ...]:
    """Return the targets on whose rows a chain trains."""
    return tuple(target for target in ranking.transfer.targets if (name, target) in ranking.same_data)


def _format_with_interval(estimate: Estimate) -> tuple[TextField, TextField]:
    low_high = TextField("{:+.1f} {:+.1f}".format(*estimate.interval)) if estimate.interval else EMPTY_FIELD
    return format_gain(estimate, over_targets=True), low_high
