"""The legend of a ranking: how to read its marks, its intervals and its columns."""

from analysis.statistics.groups import MAX_LETTERS, MAX_SETS, TOP
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.significance import ALPHA
from analysis.tables import group_gains
from analysis.tables.source import list_names, pluralise
from analysis.transfer.cost import describe_devices
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking


def explain_marks(ranking: Ranking) -> list[str]:
    """Return the sentences of the legend that this ranking needs."""
    cells = _list_cells(ranking)
    lines = [f"Gain: {explain_gain(ranking)}.", *explain_cell_marks(ranking)]
    if any(each.p is not None for each in cells):
        lines += [
            describe_errors(ranking),
            describe_interval_levels(ranking),
            f"P(best) and the interval of the mean rank: from draws of the true gains. {explain_groups(ranking)}",
        ]
    if copies := sum(each.is_same_with_every_seed and bool(each.mean) for each in cells):
        lines.append(
            f"{pluralise(copies, 'cell')} with the same gain at every seed: not tested, because an interval without "
            "width says nothing."
        )
    if any(each.interval is None for each in cells):
        start = (
            "Some cells have no interval: it takes"
            if any(each.interval for each in cells)
            else "No intervals: they take"
        )
        lines.append(f"{start} {MIN_SEEDS} seeds.")
    if ranking.by not in ("target", "group", "language"):
        lines.append(f"A {ranking.by} is the mean over its languages of a target, then over the targets that have one.")
    lines += group_gains.explain_groups(ranking)
    if ranking.by not in ("target", "group"):
        lines.append("English has a column of its own; all other languages are zero-shot.")
    if ranking.costs:
        lines.append(
            "Cost: training and evaluation of the intermediate run that was used, on its own hardware; below it, "
            "of all its learning rates. Means over seeds."
        )
        lines += filter(None, [describe_devices(ranking.devices)])
    lines.append(
        "Each cell is the run with the best English dev score. Stopped, degenerate and failed runs are in no mean. "
        "Neighbours in the order need not differ."
    )
    return lines


def explain_cell_marks(ranking: Ranking) -> list[str]:
    """Return what the marks of a gain mean, as far as this ranking has them."""
    lines = []
    if tested := sum(each.p is not None for each in _list_cells(ranking)):
        scope = "tasks in its column" if ranking.by == "group" else "of them"
        by_chance = tested * (1 - CONFIDENCE_LEVEL)
        lines.append(
            f"* The {CONFIDENCE_LEVEL:.0%} interval excludes 0; by chance alone about {by_chance:.0f} of {tested} such "
            f"cells would. ** It also does after Holm's correction for all {scope}. ° It does by the false discovery "
            f"rate (Benjamini-Hochberg): of all cells with ° or **, {ALPHA:.0%} are expected to be wrong."
        )
    shown = (*ranking.gains.values(), *ranking.reference_scores.values())
    if any(each.mean is not None and each.is_partial for each in shown):
        lines.append("~ Partial: seeds, languages or targets are missing that others have.")
    if ranking.transfer.skipped_seeds:
        lines.append("† Decided early: fewer seeds than others.")
    return lines


def _list_cells(ranking: Ranking) -> list[Estimate]:
    means = {column.name for column in ranking.mean_columns}
    return [each for (_, column), each in ranking.gains.items() if column not in means]


def explain_gain(ranking: Ranking) -> str:
    """Return what a gain is."""
    return (
        f"points above `{ranking.baseline}` at the same target, language and seed; the mean over languages, then over "
        "targets, then over seeds"
    )


def describe_errors(ranking: Ranking) -> str:
    """Return where the errors over seeds come from, and what decides the order."""
    if ranking.errors == "plain":
        return "Errors over seeds: Student's t, each gain by its own seeds."
    further = ranking.baseline in ranking.loaded_scores.chains_with_more_seeds
    return (
        "Errors over seeds are moderated: all tasks but controls share what they know about the spread over seeds "
        "(--errors plain: each gain by its own seeds). Order and P(best): by gains shrunk towards each other, not "
        "shown."
        + f" Seeds that only `{ranking.baseline}` has correct and narrow the gains of all tasks but controls."
        * further
    )


def explain_groups(ranking: Ranking) -> str:
    """Return how to read the column `group` of the ranking."""
    tests = "(paired tests of all pairs, Holm)"
    if any(TOP in contest.letters.values() for contest in ranking.contests.values()):
        return (
            f"`{TOP}` under `group`: not distinguishable from the task with the best mean {tests}; letters for all "
            f"pairs would be too many to read (more than {MAX_SETS}, or {MAX_LETTERS} of one task)."
        )
    return f"Tasks that share a letter under `group` are not distinguishable {tests}."


def describe_interval_levels(ranking: Ranking) -> str:
    """Return what the intervals allow for: other seeds, or other seeds and other test items."""
    level = ranking.item_level
    if level.covariance is None:
        return f"Intervals allow for other seeds, on the same test items.{f' {level.note}' if level.note else ''}"
    remarks = [f"{list_names(level.excluded_targets)}: other seeds only"] if level.excluded_targets else []
    if level.cluster_counts:
        counts = list_names([f"{target} {count:,}" for target, count in level.cluster_counts.items()])
        remarks.append(f"those that share a premise, passage or sentence count as one: {counts}")
    remark = f" ({'; '.join(remarks)})" if remarks else ""
    return f"Intervals allow for other seeds and other test items{remark}."
