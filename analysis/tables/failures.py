"""Failed runs in a ranking: how often chains fail, and what changes when their scores count."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.tables.ranking_sentences import describe_leader
from analysis.tables.source import list_names, pluralise
from analysis.tables.standings import EMPTY_FIELD, format_gain, head_mean
from analysis.tables.wide_table import TextField, TextRow, TwoLineHeading
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.estimate import Estimate
from analysis.transfer.failure_rates import FailureRate
from analysis.transfer.holes import Cell
from analysis.transfer.ranking import Ranking

FailureTable = tuple[str, list[TwoLineHeading], list[TextRow], set[int]]  # title, headings, rows, rows before a rule
TOGETHER = "chains together"


def describe_changes(ranking: Ranking) -> list[str]:
    """Return one sentence per mean whose best task or verdict changes when failed runs count; none where none does."""
    counted = ranking.counted_failures
    if counted is None:
        return []
    other = replace(ranking, gains=counted.gains, contests=counted.contests)
    changed = (name for name in counted.contests if _find_verdict(ranking, name) != _find_verdict(other, name))
    return [f"With failed runs counted: {describe_leader(other, name)}" for name in changed]


def _find_verdict(ranking: Ranking, mean: str) -> tuple[str | None, bool, bool]:
    """Return the leader by a mean, whether its gain is above 0, and whether its interval says so."""
    leader = ranking.contests[mean].leader
    if leader is None:
        return None, False, False
    gain = ranking.gains[leader, mean]
    return leader, (gain.mean or 0) > 0, gain.excludes_zero


def describe_rates(ranking: Ranking) -> list[str]:
    """Return sentences that compare the failure rates of the baseline and of the chains, and what they leave out."""
    rates = ranking.failure_rates
    if not rates.any_failed and ranking.loaded_scores.stage_counts is None:
        return []  # a file need not hold the runs that failed
    shares = [
        f"`{ranking.baseline}` failed in {format_rate(rates.targets[ranking.baseline])}",
        f"{TOGETHER} in {format_rate(rates.together)}",
    ]
    if rates.phases_together.ended:
        shares.append(f"their intermediate runs in {format_rate(rates.phases_together)}")
    stopped = f"The {pluralise(rates.stopped, 'target run')} stopped early" if rates.stopped else "Runs stopped early"
    return [
        f"Failed runs (constant, at chance, or without a finite loss): {', '.join(shares)}; {CONFIDENCE_LEVEL:.0%} "
        f"intervals. {stopped} are not counted: bad runs are stopped first, so failures are undercounted. The "
        "intervals (Wilson) take runs as independent. Runs that share a seed are not, so they are too narrow."
    ]


def format_rate(rate: FailureRate) -> str:
    """Return `3 of 54 runs (1.9 to 15.1%)`."""
    if rate.interval is None:
        return "none that ended"
    low, high = rate.interval
    return f"{rate.failed} of {pluralise(rate.ended, 'run')} ({100 * low:.1f} to {100 * high:.1f}%)"


def list_counted(ranking: Ranking) -> list[str]:
    """Return sentences that name the cells of failed runs: at which score they count, or why they do not."""
    counted = ranking.counted_failures
    if counted is None:
        return []
    lines = []
    if counted.at_score:
        lines.append(f"Failed runs at their own scores: {_list_cells(counted.at_score)}.")
    if counted.at_floor:
        lines.append(
            "Failed runs without a score (their loss was no number) at the trivial answer, the floor `majority`: "
            f"{_list_cells(counted.at_floor)}."
        )
    if counted.left_out:
        lines.append(f"Failed runs without a score and a floor, in no mean: {_list_cells(counted.left_out)}.")
    complete = [name for name in ranking.intermediates if _is_completed(ranking, name)]
    if complete:
        lines.append(f"Complete with failed runs counted, and a candidate there: {list_names(complete)}.")
    if ranking.item_level.covariance is not None:
        lines.append("Intervals with failed runs are over seeds only.")
    return lines


def _is_completed(ranking: Ranking, name: str) -> bool:
    """Return True if a chain lacks seeds in the mean over all targets, and has them with failed runs counted."""
    without, with_failed = _find_gains(ranking, name, MEAN_ALL)
    return without.seeds < without.of_seeds == with_failed.seeds


def _find_gains(ranking: Ranking, name: str, column: str) -> tuple[Estimate, Estimate]:
    assert ranking.counted_failures is not None
    return ranking.gains[name, column], ranking.counted_failures.gains[name, column]


def _list_cells(cells: Iterable[Cell]) -> str:
    """Return `squad -> pawsx, seed 0 and 2; none -> xnli, seed 1`, a chain and target once."""
    seeds: dict[str, list[int]] = {}
    for chain, target, seed in cells:
        seeds.setdefault(f"{chain} -> {target}", []).append(seed)
    return "; ".join(f"{cell}, seed {list_names(each, word='and')}" for cell, each in seeds.items())


def build_tables(ranking: Ranking) -> Iterator[FailureTable]:
    """Yield the table of means with failed runs, of the tasks that differ, and the table of chains with failed runs."""
    changed = list_changed(ranking)
    if changed:
        headings = [
            heading
            for column in ranking.mean_columns
            for heading in (
                head_mean(column.name, "gain"),
                ("failed", "counted"),
                ("95%", "interval"),
            )
        ]
        rows = [TextRow(f"   {name}", "", tuple(_build_gain_fields(ranking, name))) for name in changed]
        yield (
            f"With failed runs counted, gain over `{ranking.baseline}` in points, of the tasks that differ",
            headings,
            rows,
            {0},
        )
    rates = ranking.failure_rates
    if rates.any_failed:
        headings = [("runs", "failed"), ("", "of"), ("", "share"), ("95%", "interval")]
        headings += [("phase:", "failed"), ("", "of")]
        rows = [_build_rate_row(ranking.baseline, rates.targets[ranking.baseline], None)]
        rows += [
            _build_rate_row(name, rates.targets[name], rates.phases.get(name))
            for name in ranking.intermediates
            if rates.targets[name].failed or (name in rates.phases and rates.phases[name].failed)
        ]
        rows.append(_build_rate_row(TOGETHER, rates.together, rates.phases_together))
        title = "Runs that failed, of the runs that were trained to the end; chains without a failed run are not shown"
        yield title, headings, rows, {0, len(rows) - 1}


def list_changed(ranking: Ranking) -> list[str]:
    """Return the shown tasks whose gain in a mean differs when failed runs count, best first."""
    if ranking.counted_failures is None:
        return []
    names = [column.name for column in ranking.mean_columns]
    pairs = {name: [_find_gains(ranking, name, column) for column in names] for name in ranking.shown}
    return [name for name, each in pairs.items() if any(dict(a.values) != dict(b.values) for a, b in each)]


def _build_gain_fields(ranking: Ranking, name: str) -> Iterator[TextField]:
    for column in ranking.mean_columns:
        without, with_failed = _find_gains(ranking, name, column.name)
        yield format_gain(without, over_targets=True)
        yield format_gain(with_failed, over_targets=True)
        interval = with_failed.interval
        yield TextField(f"{interval[0]:+.1f} {interval[1]:+.1f}") if interval else EMPTY_FIELD


def _build_rate_row(name: str, rate: FailureRate, phase: FailureRate | None) -> TextRow:
    low, high = rate.interval or (0.0, 0.0)
    share = EMPTY_FIELD if rate.share is None else TextField(f"{100 * rate.share:.1f}%")
    interval = TextField(f"{100 * low:.1f} {100 * high:.1f}") if rate.interval else EMPTY_FIELD
    own = [TextField(str(rate.failed)), TextField(str(rate.ended)), share, interval]
    parts = [EMPTY_FIELD] * 2 if phase is None else [TextField(str(phase.failed)), TextField(str(phase.ended))]
    return TextRow(f"   {name}", "", (*own, *parts))


def build_json(ranking: Ranking) -> dict[str, Any]:
    """Return the failure rates of every chain, and the means with failed runs counted (null if none failed)."""
    rates, counted = ranking.failure_rates, ranking.counted_failures

    def fields(rate: FailureRate | None) -> dict[str, Any] | None:
        return None if rate is None else {**asdict(rate), "share": rate.share, "interval": rate.interval}

    document: dict[str, Any] = {
        "confidence_level": CONFIDENCE_LEVEL,
        "target_runs": {name: fields(rate) for name, rate in rates.targets.items()},
        "intermediate_runs": {name: fields(rate) for name, rate in rates.phases.items()},
        "together": {"target_runs": fields(rates.together), "intermediate_runs": fields(rates.phases_together)},
        "stopped_early": rates.stopped,
        "counted": None,
    }
    if counted is not None:
        document["counted"] = {
            "at_score": counted.at_score,
            "at_floor": counted.at_floor,
            "left_out": counted.left_out,
            "leader": {name: contest.leader for name, contest in counted.contests.items()},
            "gains": [
                {
                    "intermediate": name,
                    "column": column,
                    "mean": gain.mean,
                    "interval": gain.interval,
                    "seeds": gain.seeds,
                    "values": gain.values,
                }
                for (name, column), gain in counted.gains.items()
            ],
        }
    return document
