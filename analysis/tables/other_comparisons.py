"""The answer under other comparisons: fewer cells, failed runs, other baselines, other languages and targets.

Each is one line: the best task by the mean over all targets, its gain and its interval. One sentence says in how many
of them the verdict stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from analysis.statistics.interval import CONFIDENCE_LEVEL
from analysis.tables.grid import GridNumber
from analysis.tables.group_gains import TablePart
from analysis.tables.new_samples import describe_language_sample, describe_target_sample
from analysis.tables.numbers import format_difference, number_from_estimate, summarise_seeds
from analysis.tables.source import list_names, name_baseline, pluralise
from analysis.tables.standings import EMPTY_FIELD
from analysis.tables.wide_table import TextField, TextRow
from analysis.transfer.columns import MEAN_ALL, MEAN_TRAINED
from analysis.transfer.new_samples import SampleGain
from analysis.transfer.ranking import Ranking
from spaces.chain import NONE

MAX_NAMED = 4  # comparisons in a sentence; the table has all


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherComparison:
    """The best task of one comparison, with its gain in points."""

    name: str  # `against none~x6`
    remark: str = ""  # what a reader must know beside the name: `itself +3.2`
    best: str
    gain: GridNumber  # of the best task here
    leader_gain: GridNumber  # of the best task of the ranking, which decides whether its verdict stands

    @property
    def is_gain(self) -> bool:
        """True if the interval of the ranking's best task lies above 0."""
        return self.leader_gain.low is not None and self.leader_gain.low > 0


def list_other_comparisons(ranking: Ranking) -> tuple[OtherComparison, ...]:
    """Return the comparisons that these scores allow, in the order of the table; none without a best task."""
    return tuple(_iterate(ranking)) if ranking.contests[MEAN_ALL].leader else ()


def _iterate(ranking: Ranking) -> Iterator[OtherComparison]:
    leader = ranking.contests[MEAN_ALL].leader
    assert leader is not None
    trained = ranking.contests.get(MEAN_TRAINED)
    if trained is not None and trained.leader is not None:
        targets = pluralise(len(trained.column.targets), "target")
        gain, own = (number_from_estimate(ranking.gains[name, MEAN_TRAINED]) for name in (trained.leader, leader))
        yield OtherComparison(name="without retrieval", remark=targets, best=trained.leader, gain=gain, leader_gain=own)
    for without in ranking.without_same_data:
        if without.mean == MEAN_ALL and without.contest is not None and without.contest.leader is not None:
            best, targets = without.contest.leader, pluralise(len(without.common), "target")
            gain, own = (number_from_estimate(without.gains[name]) for name in (best, leader))
            name = "without same-data cells"
            yield OtherComparison(name=name, remark=targets, best=best, gain=gain, leader_gain=own)
    counted = ranking.counted_failures
    if counted is not None and (best_counted := counted.contests[MEAN_ALL].leader) is not None:
        gain, own = (number_from_estimate(counted.gains[name, MEAN_ALL]) for name in (best_counted, leader))
        yield OtherComparison(name="with failed runs counted", best=best_counted, gain=gain, leader_gain=own)
    for other in ranking.baseline_comparisons:
        itself = "" if other.own.mean is None else f"itself {other.own.mean:+.1f}"
        gain = number_from_estimate(other.gain)
        yield OtherComparison(name=f"against {other.name}", remark=itself, best=other.best, gain=gain, leader_gain=gain)
    matched = ranking.matched_tuning
    if matched is not None and MEAN_ALL in matched.gains:
        best, values = matched.gains[MEAN_ALL]
        gain = summarise_seeds(values)
        yield OtherComparison(name=f"against {NONE} tuned as often", best=best, gain=gain, leader_gain=gain)
    samples = ranking.new_samples
    scopes = (
        (describe_language_sample(samples), samples.by_language),
        (describe_target_sample(samples), samples.by_target),
    )
    for scope, gains in scopes:
        name, _, remark = scope.partition(" (")
        if leader in gains and gains[leader].interval is not None:
            gain, remark = _build_number(gains[leader]), remark.removesuffix(")")
            yield OtherComparison(name=f"for {name}", remark=remark, best=leader, gain=gain, leader_gain=gain)


def _build_number(gain: SampleGain) -> GridNumber:
    low, high = gain.interval or (None, None)
    return GridNumber(value=gain.mean, low=low, high=high)


def describe_other_comparisons(ranking: Ranking) -> list[str]:
    """Return one or two sentences: in how many comparisons the verdict stands, in which it does not."""
    comparisons, leader = list_other_comparisons(ranking), ranking.contests[MEAN_ALL].leader
    if not comparisons or leader is None:
        return []
    is_gain = ranking.gains[leader, MEAN_ALL].is_gain
    total = pluralise(len(comparisons), "other comparison")
    same = [each for each in comparisons if each.is_gain == is_gain]
    different = [each for each in comparisons if each.is_gain != is_gain]
    shown = f"{leader} is better than {name_baseline(ranking.loaded_scores)}"
    if is_gain:
        text = f"That {shown} holds in {len(same)} of {total}."
        end = f" It is not shown {_list_gains(different)}." if different else ""
    else:
        text = f"No gain is shown in {len(same)} of {total}, either."
        end = f" There is one {_list_gains(different)}." if different else ""
    others = [each for each in comparisons if each.best != leader]
    changed = f" Another task is best {list_names(f'{each.name} ({each.best})' for each in others)}." if others else ""
    return [f"{text}{end}{changed}"]


def _list_gains(comparisons: list[OtherComparison]) -> str:
    named = [f"{each.name} ({format_difference(each.leader_gain)})" for each in comparisons[:MAX_NAMED]]
    more = len(comparisons) - MAX_NAMED
    return list_names(named) + (f" and {more} more" if more > 0 else "")


def build_tables(ranking: Ranking) -> tuple[TablePart, ...]:
    """Return the table of other comparisons, or none."""
    comparisons = list_other_comparisons(ranking)
    if not comparisons:
        return ()
    scope = f"the mean over {pluralise(len(ranking.mean_columns[0].targets), 'target')}"
    title = f"Other comparisons: the best task by {scope}, its gain in points"
    rows = [
        TextRow(f"   {each.name}", f"({each.remark})" if each.remark else "", _build_fields(each))
        for each in comparisons
    ]
    return ((title, [("best", "task"), ("", "gain"), (f"{CONFIDENCE_LEVEL:.0%}", "interval")], rows, {0}),)


def _build_fields(comparison: OtherComparison) -> tuple[TextField, ...]:
    gain = comparison.gain
    has_interval = gain.low is not None and gain.high is not None
    mark = "*" if gain.low is not None and gain.low > 0 else ""
    value = EMPTY_FIELD if gain.value is None else TextField(f"{gain.value:+z.1f}", mark)
    interval = TextField(f"{gain.low:+z.1f} {gain.high:+z.1f}") if has_interval else EMPTY_FIELD
    return TextField(comparison.best), value, interval


def build_document(ranking: Ranking) -> list[dict[str, Any]]:
    """Return the comparisons for JSON."""
    return [
        {
            "comparison": each.name,
            "remark": each.remark,
            "best": each.best,
            "gain": each.gain.value,
            "interval": None if each.gain.low is None else (each.gain.low, each.gain.high),
            "gain_of_leader": each.leader_gain.value,
            "leader_gains": each.is_gain,
        }
        for each in list_other_comparisons(ranking)
    ]
