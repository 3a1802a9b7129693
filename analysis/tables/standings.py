"""The ranking as rows: one per intermediate task with gain, interval, probabilities, rank, group and cost."""

from dataclasses import replace

from analysis.tables.source import role_of
from analysis.tables.wide_table import TextField, TextRow, TwoLineHeading
from analysis.transfer.columns import MEAN_ALL, MEAN_TRAINED, MEAN_WIDE, TransferColumn
from analysis.transfer.contest import MeanRank
from analysis.transfer.cost import choose_unit
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

EMPTY_FIELD = TextField("-")
FURTHER_MEANS: dict[str, TwoLineHeading] = {MEAN_TRAINED: ("without", "retrieval"), MEAN_WIDE: ("further", "languages")}
SAME_DATA_MARK = "‡"


def build_headings(ranking: Ranking) -> list[TwoLineHeading]:
    """Return the two heading lines of each column."""
    headings = [("", "gain"), ("95%", "interval"), ("P(gain", "> 0)"), ("", "P(best)"), ("mean", "rank"), ("", "group")]
    for name in _list_further_means(ranking):
        headings += [FURTHER_MEANS[name], ("95%", "interval"), ("", "P(best)")]
    if ranking.costs:
        unit = choose_unit(ranking.costs).short
        headings += [("", f"cost, {unit}"), ("points", f"per {unit}")]
    return headings


def head_mean(name: str, of_all: str) -> TwoLineHeading:
    """Return the two heading lines of a mean; that over all targets is called `of_all`."""
    return FURTHER_MEANS.get(name, ("", of_all))


def _list_further_means(ranking: Ranking) -> list[str]:
    return [column.name for column in ranking.mean_columns if column.name in FURTHER_MEANS]


def build_rows(ranking: Ranking) -> list[TextRow]:
    """Return one row per intermediate task, best first."""
    return [TextRow(label, remark, _build_fields(ranking, name)) for label, remark, name in name_rows(ranking)]


def name_rows(ranking: Ranking) -> list[tuple[str, str, str]]:
    """Return the label with its rank, the remark and the name of each intermediate task, best first."""
    order = ranking.contests[MEAN_ALL].order
    return [
        (
            f"{order.index(name) + 1 if name in order else '-':>2} {name}",
            f"({role})" if (role := role_of(ranking.loaded_scores, name)) else "",
            name,
        )
        for name in ranking.shown
    ]


def describe_hidden(ranking: Ranking) -> str:
    """Return how many tasks the tables leave out, as a sentence; nothing where they show all."""
    count = len(ranking.intermediates) - len(ranking.shown)
    shown = f"The first {len(ranking.shown)} of {len(ranking.intermediates)} intermediate tasks are shown"
    return f"{shown}, and {count} more are not." if count else ""


def _build_fields(ranking: Ranking, name: str) -> tuple[TextField, ...]:
    contest = ranking.contests[MEAN_ALL]
    rank = contest.ranks.get(name)
    above = TextField("-" if (share := ranking.gains[name, MEAN_ALL].p_above) is None else f"{share:.2f}")
    gain, interval, best = _build_mean_fields(ranking, name, MEAN_ALL)
    fields = [gain, interval, above, best]
    fields += [_format_rank(rank), TextField(contest.letters.get(name, "-"))]
    for mean in _list_further_means(ranking):
        fields += _build_mean_fields(ranking, name, mean)
    if ranking.costs:
        fields += _format_cost(ranking, name)
    return tuple(fields)


def _build_mean_fields(ranking: Ranking, name: str, mean: str) -> tuple[TextField, TextField, TextField]:
    gain, best = ranking.gains[name, mean], ranking.contests[mean].p_best.get(name)
    interval = TextField(f"{gain.interval[0]:+.1f} {gain.interval[1]:+.1f}") if gain.interval else EMPTY_FIELD
    return format_gain(gain, over_targets=True), interval, EMPTY_FIELD if best is None else TextField(f"{best:.2f}")


def _format_rank(rank: MeanRank | None) -> TextField:
    """Return a mean rank; below it, its interval."""
    if rank is None:
        return EMPTY_FIELD
    return TextField(f"{rank.mean:.1f}", below="" if rank.interval is None else "{:.0f}-{:.0f}".format(*rank.interval))


def _format_cost(ranking: Ranking, name: str) -> tuple[TextField, TextField]:
    """Return the cost of the run (below it, of its search), and the gain per unit of cost."""
    cost, mean = ranking.costs.get(name), ranking.gains[name, MEAN_ALL].mean
    if cost is None:
        return EMPTY_FIELD, EMPTY_FIELD
    per_hour = choose_unit(ranking.costs).per_hour
    field = TextField(f"{cost.run * per_hour:.1f}", below=f"{cost.search * per_hour:.1f}")
    return field, EMPTY_FIELD if mean is None or not cost.run else TextField(f"{mean / cost.run / per_hour:+.2g}")


def format_gain(estimate: Estimate, *, over_targets: bool) -> TextField:
    """Return a gain with its marks; below it, its spread over seeds and how many seeds it has."""
    return format_estimate(estimate, over_targets=over_targets, sign="+")


def format_cell(ranking: Ranking, name: str, column: TransferColumn) -> TextField:
    """Return a gain of the matrix with its marks, `‡` for a same-data cell among them."""
    field = format_gain(ranking.gains[name, column.name], over_targets=len(column.targets) > 1)
    return replace(field, marks=field.marks + mark_same_data(ranking, name, column.name))


def mark_same_data(ranking: Ranking, name: str, column: str) -> str:
    """Return `‡` for a cell whose chain trains on the target's own rows, else nothing."""
    return SAME_DATA_MARK * (ranking.by == "target" and (name, column) in ranking.same_data)


def format_estimate(estimate: Estimate, *, over_targets: bool, sign: str = "") -> TextField:
    """Return an estimate as a field; `sign` is `+` for a gain, which is marked where it differs from 0."""
    if estimate.mean is None:
        if over_targets:
            return TextField(f"{estimate.parts}/{estimate.of_parts}", below="targets")
        if estimate.hole_status is None:
            return EMPTY_FIELD  # a floor that this target does not have, or a language that no run has
        return TextField(estimate.hole_status, below=f"0/{estimate.of_seeds}" if estimate.of_seeds > 1 else "")
    marks = (mark_certainty(estimate) if sign else "") + mark_missing(estimate)
    spread = "" if estimate.sd is None else f"±{estimate.sd:.1f}"
    seeds = f"{estimate.seeds}/{estimate.of_seeds}" if estimate.seeds < estimate.of_seeds else ""
    return TextField(f"{estimate.mean:{sign}.1f}", marks, f"{spread} {seeds}".strip())


def mark_certainty(estimate: Estimate) -> str:
    """Return the mark of a gain that is not 0: `*` by its interval, `°` by the false discovery rate, `**` by Holm."""
    if estimate.is_significant:
        return "**"
    return "°" if estimate.is_discovery else "*" * estimate.excludes_zero


def mark_missing(estimate: Estimate) -> str:
    """Return the marks of a partial estimate: `~` where others have more, `†` for seeds not given after a race."""
    return "~" * estimate.is_partial + "†" * (estimate.skipped_seed_count > 0)
