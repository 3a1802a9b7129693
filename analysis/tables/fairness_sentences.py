"""Sentences on fair comparisons: without same-data cells, against other baselines, and tuned as often."""

from collections.abc import Collection

from analysis.tables.numbers import format_interval, number_from_estimate, summarise_seeds
from analysis.tables.source import list_names, name_baseline, pluralise
from analysis.tables.standings import SAME_DATA_MARK
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.estimate import Estimate
from analysis.transfer.matched_tuning import has_several_rates, pair_seeds
from analysis.transfer.other_baselines import BaselineComparison
from analysis.transfer.ranking import Ranking
from analysis.transfer.same_data import SameDataComparison
from spaces.benchmark import BENCHMARKS
from spaces.chain import NONE
from spaces.same_data import shares_training_rows

MAX_GROUPS = 3  # of same-data cells in a sentence; the matrix marks all


def describe_fairness(ranking: Ranking) -> list[str]:
    """Return a sentence or more for each comparison that these scores allow."""
    lines = [_describe_without(ranking, each) for each in ranking.without_same_data]
    lines += [_describe_baseline(each) for each in ranking.baseline_comparisons]
    return lines + _describe_matched_tuning(ranking)


def list_same_data(cells: Collection[tuple[str, str]], limit: int = MAX_GROUPS) -> str:
    """Return `mnli, anli -> xnli; squad -> xquad, mlqa`: tasks with the same targets together."""
    targets_of: dict[str, list[str]] = {}
    for chain, target in cells:
        targets_of.setdefault(chain, []).append(target)
    chains_of: dict[tuple[str, ...], list[str]] = {}
    for chain, targets in targets_of.items():
        chains_of.setdefault(tuple(targets), []).append(chain)
    groups = [f"{list_names(chains)} -> {list_names(targets)}" for targets, chains in chains_of.items()]
    more = len(groups) - limit
    return "; ".join(groups[:limit]) + (f"; and {more} more" if more > 0 else "")


def order_same_data(ranking: Ranking, *, with_controls: bool = True) -> list[tuple[str, str]]:
    """Return the same-data cells in the order of the ranking, then of the targets."""
    names = [name for name in ranking.intermediates if with_controls or name not in ranking.loaded_scores.controls]
    return [
        (name, target) for name in names for target in ranking.transfer.targets if (name, target) in ranking.same_data
    ]


def _describe_without(ranking: Ranking, comparison: SameDataComparison) -> str:
    cells = order_same_data(ranking, with_controls=False) or order_same_data(ranking)
    start = f"Without cells that train twice on the same rows ({list_same_data(cells)})"
    if comparison.mean != MEAN_ALL:
        start = f"Without these cells, by the {comparison.mean}"
    contest = comparison.contest
    if contest is None:
        count = pluralise(len(comparison.common), "target")
        return (
            f"{start} there is no ranking: {count} {'is' if len(comparison.common) == 1 else 'are'} left whose rows no "
            "ranked task has seen. The gains on the targets that each task has not seen are in a table."
        )
    scope = f"over the {pluralise(len(comparison.common), 'target')} whose rows no ranked task has seen"
    if contest.leader is None:
        return f"{start}, {scope}: no task has a gain on all of them."
    estimate = comparison.gains[contest.leader]
    verdict = _judge(ranking, estimate)
    best = f"best {contest.leader}, {_format(estimate)}{verdict and f': {verdict}'}"
    return f"{start}, {scope}: {best}. {_describe_change(ranking, comparison, verdict)}"


def _describe_change(ranking: Ranking, comparison: SameDataComparison, verdict: str) -> str:
    """Return what leaving out same-data cells changes: the best task, the verdict, or neither."""
    former, leader = ranking.contests[comparison.mean].leader, comparison.contest and comparison.contest.leader
    before = _judge(ranking, ranking.gains[former, comparison.mean]) if former else ""
    changes = []
    if former and former != leader:
        gain = comparison.gains[former]
        changes.append(f"The best task changes: with them it is {former}, here {_format(gain)}.")
    if before != verdict:
        changes.append(f"The verdict changes: with them it is {before or 'none'}.")
    return " ".join(changes) or "With them, best task and verdict are the same."


def _judge(ranking: Ranking, estimate: Estimate) -> str:
    """Return the verdict on a gain; nothing where there are too few seeds for one."""
    if estimate.p is None:
        return ""
    if not estimate.excludes_zero:
        return f"not distinguishable from {name_baseline(ranking.loaded_scores)}"
    return f"{'better' if (estimate.mean or 0.0) > 0 else 'worse'} than {name_baseline(ranking.loaded_scores)}"


def _format(estimate: Estimate) -> str:
    if estimate.mean is None:
        return "without a mean"
    return f"{estimate.mean:+.1f}{format_interval(number_from_estimate(estimate))}"


def _describe_baseline(comparison: BaselineComparison) -> str:
    gain = f"{comparison.best} gains {_format(comparison.gain)}"
    if comparison.gain.p is not None and not comparison.gain.excludes_zero:
        gain += ", not distinguishable from it"
    if comparison.multiplier > 1:
        return (
            f"Trained {comparison.multiplier} times as long, the baseline itself gains {_format(comparison.own)}: "
            f"against it (--against {comparison.name}) the best task, {gain}."
        )
    return (
        f"Against the sham (--against {comparison.name}: as many steps on masked words of the same texts), the best "
        f"task, {gain}."
    )


def _describe_matched_tuning(ranking: Ranking) -> list[str]:
    matched = ranking.matched_tuning
    if matched is None or not matched.gains:
        return []
    parts = []
    for mean, (task, values) in matched.gains.items():
        number = summarise_seeds(values)
        if number.value is not None:
            parts.append(f"{task} {number.value:+.1f}{format_interval(number)} by the {mean}")
    pairs = list_names(f"{first} and {second}" for first, second in matched.pairs)
    start = f"Against `{NONE}` tuned as often as a chain (the better of two seeds by English dev: {pairs}; Student's t)"
    return [f"{start}: {'; '.join(parts)}."] if parts else []


def explain_same_data(ranking: Ranking) -> list[str]:
    """Return what the mark of same-data cells means, and which they are; none without any."""
    cells = order_same_data(ranking)
    if not cells:
        return []
    return [
        f"{SAME_DATA_MARK} The chain trains on the target's own training rows: these are seen twice, by the baseline "
        f"once. More epochs, not transfer: {list_same_data(cells)}."
    ]


def explain_fairness(ranking: Ranking) -> list[str]:
    """Return the notes: the sign of same-data cells, and how to get a baseline that is tuned as often."""
    lines = explain_same_data(ranking)
    transfer = ranking.transfer
    if transfer.loaded_scores.benchmark is None and (cells := _guess_same_data(ranking)):
        named = ",".join(f"{chain}:{target}" for chain, target in cells)
        lines.append(
            "These scores name no benchmark. If they are of XTREME, chains train twice on the same rows in "
            f"{list_same_data(cells)}: add --same-data {named}."
        )
    is_tuned = transfer.baseline == NONE and has_several_rates(transfer) and transfer.loaded_scores.specs
    if is_tuned and not pair_seeds(transfer):
        seeds = transfer.loaded_scores.common_seeds
        more = range(max(seeds) + 1, max(seeds) + 1 + len(seeds))
        lines.append(
            f"`{NONE}` is the best of its learning rates, a chain also of those of its phase. For a baseline tuned as "
            f"often, give `{NONE}` twice the seeds: --seeds {_format_seeds(seeds)},{NONE}={_format_seeds(more)}."
        )
    return lines


def _guess_same_data(ranking: Ranking) -> list[tuple[str, str]]:
    """Return the cells that would be same-data cells in XTREME, and that the user did not name."""
    xtreme = BENCHMARKS["xtreme"]
    return [
        (name, target)
        for name in ranking.intermediates
        for target in ranking.transfer.targets
        if shares_training_rows(xtreme, name, target) and (name, target) not in ranking.same_data
    ]


def _format_seeds(seeds: Collection[int]) -> str:
    """Return the seeds as the flag takes them: `0..2`, or `0,3,5`."""
    listed = sorted(seeds)
    if len(listed) > 1 and listed == list(range(listed[0], listed[-1] + 1)):
        return f"{listed[0]}..{listed[-1]}"
    return ",".join(map(str, listed))
