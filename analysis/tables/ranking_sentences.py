"""What is said around a ranking, a sentence a line: what was read, the answer, the holes, how to read."""

from collections.abc import Mapping

from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.statistics.significance import smallest_gain_in_sd
from analysis.tables.source import describe_source, pluralise
from analysis.transfer.array import DECIDED
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.contest import Contest
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking
from spaces.chain import NONE

NO_BREAK_SPACE = "\u00a0"  # a blank at which no line is broken


def describe_scores(found: Ranking) -> list[str]:
    """What was read: where from, benchmark, model, seeds, and how much of it is there."""
    return [
        *describe_source(found.loaded_scores),
        f"{sum(found.cell_counts.values())} cells (intermediate x target x seed): {_format_counts(found.cell_counts)}.",
        f"{sum(found.run_counts.values())} runs (learning rates of cells): {_format_counts(found.run_counts)}.",
    ]


def write_answer(found: Ranking) -> list[str]:
    """The answer in words: who leads by each mean, by how much, how sure; and what this design cannot tell."""
    lines = []
    for name, contest in found.contests.items():
        lead = contest.leader
        if lead is None:
            lines.append(f"No answer by the {name}: no intermediate task has a seed with all its targets.")
            continue
        one = found.gains[lead, name]
        over = f"by the {name} over {pluralise(len(contest.column.targets), 'target')}"
        start = f"Best {over}" if (one.mean or 0) > 0 else f"None gains {over}; the best"
        lines.append(f"{start}: {lead} {_describe_gain(one)}. {_describe_rivals(contest)}".rstrip())
    lines += _describe_honest_winner(found.contests[MEAN_ALL])
    lines += describe_disagreement(found)
    return [*lines, *_describe_power(found)]


def _describe_gain(one: Estimate) -> str:
    """A leading gain with what is known of it."""
    if one.interval is None:
        few = f"{pluralise(one.seeds, 'seed')} give{'s' * (one.seeds == 1)} no interval"
        return f"{one.mean:+.1f} points; {few}, so this may be chance"
    low, high = one.interval
    text = f"{one.mean:+.1f} points, {CONFIDENCE_LEVEL:.0%}{NO_BREAK_SPACE}interval {low:+.1f} to {high:+.1f}, P(gain > 0) {one.p_above:.2f}"
    return text if one.excludes_zero else f"{text}: not shown to differ from `{NONE}`"


def _describe_rivals(contest: Contest) -> str:
    lead = contest.leader
    if lead is None or lead not in contest.p_best:
        return ""
    rivals = contest.find_rivals(lead)
    others = f"not told apart from it: {', '.join(rivals)}" if rivals else "told apart from all others"
    others += " that were not decided early" if contest.decided_early and not rivals else ""
    return f"P(best) {contest.p_best[lead]:.2f}; {others}."


def _describe_honest_winner(contest: Contest) -> list[str]:
    one = contest.winner_estimate
    if one is None:
        return []
    chosen = list(dict.fromkeys(name for _, name, _ in one.folds))
    text = (
        f"The best of many looks better than it is: {one.name} {one.naive:+.1f} on the seeds that chose it; chosen on "
        f"all seeds but one and read on that one (leave one seed out) {one.honest:+.1f}, "
        + (f"always {chosen[0]}." if len(chosen) == 1 else f"where the choice was now {', now '.join(chosen)}.")
    )
    return [text + (f" No candidates, for they lack a seed: {', '.join(one.left_out)}." if one.left_out else "")]


def describe_disagreement(found: Ranking) -> list[str]:
    """Where English dev, which decides, and the scores that are asked for disagree."""
    lines = []
    for name, contest in found.contests.items():
        if contest.decided_ahead:
            gains = ", ".join(f"{each} {found.gains[each, name].mean:+.1f}" for each in contest.decided_ahead)
            lines.append(
                f"Before it by the {name} stands what English dev decided early: {gains}. English and the other "
                "languages disagree there: give it all seeds (--scheduler halving) before you choose."
            )
    return lines


def _describe_power(found: Ranking) -> list[str]:
    """What so many seeds and targets can separate at all."""
    seeds = len(found.loaded_scores.seeds)
    cells = sum(one.p is not None for (_, column), one in found.gains.items() if column not in found.contests)
    lines = []
    if cells:
        need = smallest_gain_in_sd(seeds, cells)
        lines.append(
            f"What {seeds} seeds can show: among {cells} cells one survives Holm's correction if its gain exceeds "
            f"{need:.1f} times its standard deviation over seeds."
        )
        test = found.contests[MEAN_ALL].rank_test
        if test.arms > 1:
            lines[-1] += f" {test.verdict}"
    return lines


def describe_decided(found: Ranking) -> list[str]:
    """Which chains a race gave no further seeds, and after how many; no line where there was no race."""
    of, names = len(found.loaded_scores.seeds), dict[int, list[str]]()
    for name in (*found.intermediates, *found.transfer.floors):
        if name in found.transfer.skipped_seeds:
            names.setdefault(of - len(found.transfer.skipped_seeds[name]), []).append(name)
    if not names:
        return []
    each = "; ".join(f"{', '.join(names[seeds])} after {seeds} of {of} seeds" for seeds in sorted(names))
    return [
        f"Decided early: {each}. In English dev each was clearly behind another one for every target that is trained. "
        "Its numbers are over the seeds that it has; it keeps its place in the order, is no candidate for the winner, "
        "and in no group."
    ]


def describe_order(found: Ranking) -> list[str]:
    """Who was decided early, who has no place in an order, and what is to be said of the controls."""
    lines = describe_decided(found)
    for name, contest in found.contests.items():
        left = [each for each in found.intermediates if each not in contest.order]
        if left and contest.order:
            counts = ", ".join(f"{each} ({found.gains[each, name].parts})" for each in left)
            targets = len(contest.column.targets)
            lines.append(f"Without a {name}, since no seed has all {targets} targets (but at most): {counts}.")
    for control in (name for name in found.intermediates if name in found.loaded_scores.controls):
        row = {column.name: found.gains[control, column.name] for column in found.columns}
        above = [name for name, one in row.items() if one.excludes_zero and (one.mean or 0) > 0]
        sure = [name for name in above if row[name].is_significant]
        if not any(one.interval for one in row.values()):
            lines.append(f"Control {control}: without intervals it cannot be judged.")
        elif sure:
            lines.append(f"Control {control}: GAINS even after Holm, which a control should not: {', '.join(sure)}.")
        elif above:
            lines.append(
                f"Control {control}: GAINS beyond its interval, which a control should not, but not after Holm: "
                f"{', '.join(above)}."
            )
        else:
            lines.append(f"Control {control}: no gain beyond its interval, as it should be.")
    return lines


def list_missing(found: Ranking) -> list[str]:
    """Every cell that lacks seeds or languages, the baseline's first: a gain that lacks only that is not repeated.

    Seeds that a race did not give are not lacking.

    Chains that go on from a degenerate intermediate run are in the means, and are named here.
    """
    lines = [
        f"{name}, seed {seed}: its chain starts from a degenerate intermediate run" + (f" ({reason})" if reason else "")
        for name, seed, reason in found.degenerate_intermediates
    ]
    baseless = {
        (target, hole.seed)
        for (name, target), one in found.cell_estimates.items()
        if name == NONE
        for hole in one.holes
    }
    alike: dict[tuple[str, str], list[str]] = {}
    for (name, target), one in found.cell_estimates.items():
        seeds: dict[str, list[int]] = {}
        for hole in one.holes:
            if hole.status != DECIDED and (hole.status != "unpaired" or (target, hole.seed) not in baseless):
                what = hole.status + (f" ({hole.reason})" if hole.reason else "")
                seeds.setdefault(what, []).append(hole.seed)
        parts = [f"seed {', '.join(map(str, each))} {what}" for what, each in seeds.items()]
        if one.seeds and one.parts < one.of_parts:
            parts.append(f"{one.parts} of {one.of_parts} languages")
        if parts:
            alike.setdefault((name, "; ".join(parts)), []).append(target)
    every = len(found.transfer.targets)
    for (name, what), targets in alike.items():
        where = f"all {every} targets" if len(targets) == every > 1 else ", ".join(targets)
        lines.append(f"{name} -> {where}: {what}")
    return lines


def explain_marks(found: Ranking) -> list[str]:
    """How to read the marks."""
    cells = [one for (_, column), one in found.gains.items() if column not in found.contests]
    tested = sum(one.interval is not None for one in cells)
    lines = [
        f"Gain: points above `{NONE}` at the same target, language and seed; the mean over languages, then over "
        "targets, then over seeds."
    ]
    if tested:
        lines.append(
            f"* The {CONFIDENCE_LEVEL:.0%} interval (Student's t) excludes 0; of {tested} such cells about "
            f"{tested * (1 - CONFIDENCE_LEVEL):.0f} would by chance alone. ** So it does after Holm's correction for all of them."
        )
        lines.append(describe_interval_levels(found))
        lines.append(
            "P(>0), P(best) and ranks: shares of draws of the true means over seeds, whole chains together. Who shares "
            "a letter under `group` cannot be told apart (paired tests, Holm)."
        )
    if tested < len(cells):
        lines.append(f"{'Some cells have no' if tested else 'There is no'} interval: it takes {MIN_SEEDS} seeds.")
    if any(
        one.mean is not None and one.is_partial for one in (*found.gains.values(), *found.reference_scores.values())
    ):
        lines.append("~ Partial: seeds, languages or targets are missing that others have.")
    if found.transfer.skipped_seeds:
        lines.append("† Decided early: over fewer seeds, which the gain below shows as 3/8.")
    if found.by not in ("target", "language"):
        lines.append(
            f"A {found.by} is the mean over its languages within a target, then over the targets that have any."
        )
    if found.by != "target":
        lines.append("English stands apart: all else is zero-shot.")
    if found.costs:
        lines.append(
            "Cost: training and evaluation of the intermediate run that was used, on whatever ran it; below, with all "
            "learning rates. Means over seeds."
        )
    lines.append(
        "The run with the best English dev score stands for a cell. Stopped, degenerate and failed runs are in no "
        "mean. Neighbours in the order need not differ."
    )
    return lines


def describe_interval_levels(found: Ranking) -> str:
    """What the intervals are over."""
    if found.item_level.covariance is None:
        why = f" {found.item_level.note}" if found.item_level.note else ""
        return f"Intervals tell what other seeds would show on the same test items.{why}"
    without = (
        f" ({', '.join(found.item_level.excluded_targets)}: seeds only)" if found.item_level.excluded_targets else ""
    )
    return f"Intervals tell what other seeds and other test items would show{without}."


def has_spread(found: Ranking) -> bool:
    """True if any gain has a standard deviation over seeds."""
    return any(one.sd is not None for one in found.gains.values())


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "none"
