"""Sentences about choices: the best intermediate task for each target, and planned comparisons."""

from analysis.statistics.interval import MIN_SEEDS
from analysis.tables.numbers import format_interval, format_p, number_from_estimate
from analysis.tables.source import list_names, pluralise
from analysis.transfer.choices import TargetChoice
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.planned import PlannedComparison
from analysis.transfer.ranking import Ranking

MAX_CHOICES = 12  # lines; beyond it the matrix says more
MAX_TARGETS, MAX_RIVALS = 12, 3  # names in a choice


def describe_choices(ranking: Ranking) -> list[str]:
    """Return a heading and one line per choice: the best task by target, and what to expect of choosing like this."""
    choices = ranking.target_choices.choices
    if len(ranking.transfer.targets) < 2 or not choices:
        return []
    total = len(ranking.transfer.targets)
    lines = [describe_choice(choice, total) for choice in choices[:MAX_CHOICES]]
    if hidden := sum(len(choice.targets) for choice in choices[MAX_CHOICES:]):
        lines.append(f"and {pluralise(hidden, 'more target')}: see the table by target.")
    remark = '"or": these seeds do not tell them apart'
    if all(choice.rivals is None for choice in choices):
        remark = f"no verdict: it takes {MIN_SEEDS} seeds"
    return [f"Best task by target ({remark}):", *lines, *_describe_expectation(ranking)]


def describe_choice(choice: TargetChoice, total: int) -> str:
    """Return the targets of a choice, of `total`, with their task, its gain, and the tasks not told apart from it."""
    count = len(choice.targets)
    targets = f"all {total} targets" if count == total else list_names(choice.targets, MAX_TARGETS)
    if choice.task is None or choice.gain is None:
        return f"{targets}: none. No task is expected to gain."
    points = f"{choice.gain.mean or 0.0:+.1f}"
    gain = f"{targets}: {choice.task} {points}{format_interval(number_from_estimate(choice.gain))}"
    if choice.rivals is None:
        return f"{gain}."
    others = f" or {list_names(choice.rivals, MAX_RIVALS)}" if choice.rivals else ", better than every other task"
    return f"{gain}{others}{'' if choice.gain.excludes_zero else '; not shown to help'}."


def _describe_expectation(ranking: Ranking) -> list[str]:
    contest = ranking.contests[MEAN_ALL]
    honest, winner = ranking.target_choices.honest, contest.winner_estimate
    if honest is None:
        return []
    one = f", one task for all {winner.honest:+.1f}" if winner else ""
    return [
        f"Expect {honest:+.1f} points over {len(contest.column.targets)} targets from a choice for each{one} (chosen "
        "without one seed and measured on it)."
    ]


def describe_planned(ranking: Ranking) -> list[str]:
    """Return a heading and one line per planned comparison; none without any."""
    planned = ranking.planned
    if not planned:
        return []
    correction = f"corrected among these {len(planned)} only (Holm)" if len(planned) > 1 else "not corrected"
    heading = f"Planned comparison{'s' * (len(planned) > 1)} with `{ranking.baseline}`, {correction}:"
    return [heading, *map(_describe_planned, planned)]


def _describe_planned(comparison: PlannedComparison) -> str:
    estimate = comparison.estimate
    start = f"{comparison.task} on {comparison.column}"
    if estimate.mean is None:
        return f"{start}: no gain, {estimate.hole_status or 'missing'}."
    gain = f"{start}: {estimate.mean:+.1f}{format_interval(number_from_estimate(estimate))}"
    if comparison.p is None:
        return f"{gain}. Too few seeds for a verdict."
    verdict = "not shown to differ"
    if comparison.is_significant:
        verdict = "better" if estimate.mean > 0 else "worse"
    return f"{gain}, {format_p(comparison.p)}: {verdict}."
