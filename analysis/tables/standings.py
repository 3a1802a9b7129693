"""The intermediate tasks in their order: one line each with gain, interval, probabilities, rank, group and cost."""

from analysis.tables.wide_table import TextField, TextRow, TwoLineHeading
from analysis.transfer.columns import MEAN_ALL, MEAN_TRAINED
from analysis.transfer.cost import choose_unit
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking

EMPTY_FIELD = TextField("-")


def build_headings(found: Ranking) -> list[TwoLineHeading]:
    """Two lines of heading per column."""
    heads = [("", "gain"), ("95%", "interval"), ("", "P(>0)"), ("", "P(best)"), ("mean", "rank"), ("", "group")]
    if MEAN_TRAINED in found.contests:
        heads += [("without", "retrieval"), ("95%", "interval"), ("", "P(best)")]
    if found.costs:
        short = choose_unit(found.costs).short
        heads += [("", f"cost, {short}"), ("points", f"per {short}")]
    return heads


def build_rows(found: Ranking) -> list[TextRow]:
    """One row per intermediate, best first."""
    ranked = found.contests[MEAN_ALL].order
    return [
        TextRow(
            f"{ranked.index(name) + 1 if name in ranked else '-':>2} {name}",
            "(control)" if name in found.loaded_scores.controls else "",
            _build_fields(found, name),
        )
        for name in found.intermediates
    ]


def _build_fields(found: Ranking, name: str) -> tuple[TextField, ...]:
    one, contest = found.gains[name, MEAN_ALL], found.contests[MEAN_ALL]
    rank = contest.ranks.get(name)
    fields = [
        format_gain(one, over_targets=True),
        _format_interval(one),
        _format_share(one.p_above),
        _format_share(contest.p_best.get(name)),
    ]
    fields += [TextField(f"{rank.mean:.1f}") if rank else EMPTY_FIELD, TextField(contest.letters.get(name, "-"))]
    if MEAN_TRAINED in found.contests:
        trained = found.gains[name, MEAN_TRAINED]
        best = found.contests[MEAN_TRAINED].p_best.get(name)
        fields += [format_gain(trained, over_targets=True), _format_interval(trained), _format_share(best)]
    if found.costs:
        fields += _format_cost(found, name)
    return tuple(fields)


def _format_cost(found: Ranking, name: str) -> tuple[TextField, TextField]:
    """What the run cost (below, its search), and the gain for it."""
    cost, mean, size = found.costs.get(name), found.gains[name, MEAN_ALL].mean, choose_unit(found.costs).per_hour
    if cost is None:
        return EMPTY_FIELD, EMPTY_FIELD
    price = TextField(f"{cost.run * size:.1f}", below=f"{cost.search * size:.1f}")
    return price, EMPTY_FIELD if mean is None or not cost.run else TextField(f"{mean / cost.run / size:+.2g}")


def format_gain(one: Estimate, *, over_targets: bool) -> TextField:
    """A gain with its marks; below, its spread over seeds and how many seeds it lacks."""
    return format_estimate(one, over_targets=over_targets, sign="+")


def format_estimate(one: Estimate, *, over_targets: bool, sign: str = "") -> TextField:
    """An estimate as a field; `sign` is `+` for a gain, which is marked where it differs from 0."""
    if one.mean is None:
        if over_targets:
            return TextField(f"{one.parts}/{one.of_parts}", below="targets")
        if one.hole_status is None:
            return EMPTY_FIELD  # a floor that this target does not have, or a language that no run has
        return TextField(one.hole_status, below=f"0/{one.of_seeds}" if one.of_seeds > 1 else "")
    marks = ("*" * (one.excludes_zero + (one.excludes_zero and one.is_significant)) if sign else "") + mark_missing(one)
    spread = "" if one.sd is None else f"±{one.sd:.1f}"
    seeds = f"{one.seeds}/{one.of_seeds}" if one.seeds < one.of_seeds else ""
    return TextField(f"{one.mean:{sign}.1f}", marks, f"{spread} {seeds}".strip())


def mark_missing(one: Estimate) -> str:
    """The marks of what an estimate does not have: `~` something that others have, `†` the seeds after a race."""
    return "~" * one.is_partial + "†" * (one.skipped_seed_count > 0)


def _format_interval(one: Estimate) -> TextField:
    return TextField(f"{one.interval[0]:+.1f} {one.interval[1]:+.1f}") if one.interval else EMPTY_FIELD


def _format_share(value: float | None) -> TextField:
    return EMPTY_FIELD if value is None else TextField(f"{value:.2f}")
