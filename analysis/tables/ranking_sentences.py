"""Sentences about a ranking: what was read, the answer, the order, controls, floors, and what is missing."""

from analysis.statistics.interval import MIN_SEEDS
from analysis.tables import choice_sentences
from analysis.tables.group_gains import name_mean
from analysis.tables.numbers import format_interval, number_from_estimate
from analysis.tables.other_comparisons import describe_other_comparisons
from analysis.tables.reference_sentences import describe_ceilings, describe_floors
from analysis.tables.source import describe_source, format_counts, list_names, name_baseline, pluralise, role_of
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.contest import Contest
from analysis.transfer.holes import DECIDED
from analysis.transfer.other_baselines import is_sham
from analysis.transfer.ranking import Ranking

COPIES_WARNING = "nothing can be tested. If these seeds are copies of one run, they are no replicates."


def describe_scores(ranking: Ranking) -> list[str]:
    """Return sentences on the source, benchmark, model and seeds, and the counts of cells and runs by status."""
    return [*describe_source(ranking.loaded_scores), count_cells(ranking), count_runs(ranking)]


def count_cells(ranking: Ranking) -> str:
    """Return a sentence with the number of cells by status."""
    total, counts = sum(ranking.cell_counts.values()), format_counts(ranking.cell_counts)
    return f"{total} cells (intermediate task x target x seed): {counts}."


def count_runs(ranking: Ranking) -> str:
    """Return a sentence with the number of runs by status."""
    total, counts = sum(ranking.run_counts.values()), format_counts(ranking.run_counts)
    return f"{total} runs (one per cell and learning rate): {counts}."


def write_answer(ranking: Ranking) -> list[str]:
    """Return the answer: the best task by target, then by each mean, how sure that is, and what cannot be shown."""
    lines = [
        " ".join(filter(None, (describe_leader(ranking, name), describe_certainty(ranking, name))))
        for name in ranking.contests
    ]
    lines += describe_honest_winner(ranking.contests[MEAN_ALL])
    return [
        *choice_sentences.describe_choices(ranking),
        *lines,
        *describe_other_comparisons(ranking),
        *describe_disagreement(ranking),
        *choice_sentences.describe_planned(ranking),
        *describe_power(ranking),
    ]


def describe_leader(ranking: Ranking, mean: str) -> str:
    """Return one or two sentences on the best task by one mean over targets: its gain, and the verdict on it."""
    contest = ranking.contests[mean]
    scope = f"by the {name_mean(contest.column)} over {pluralise(len(contest.column.targets), 'target')}"
    if contest.leader is None:
        return f"No answer {scope}: {_explain_no_leader(ranking, contest)}."
    estimate = ranking.gains[contest.leader, mean]
    points = estimate.mean or 0.0
    start = f"Best {scope}: " if points > 0 else f"No intermediate task gains {scope}. The best is "
    gain = f"{start}{contest.leader}, {points:+.1f} points"
    if estimate.interval is None:
        seeds = pluralise(estimate.seeds, "seed")
        return f"{gain}. With {seeds} there is no interval (it takes {MIN_SEEDS}): this may be chance."
    if estimate.is_same_with_every_seed and points:
        return f"{gain} with every seed alike: {COPIES_WARNING}"
    if estimate.seeds < MIN_SEEDS:
        interval = format_interval(number_from_estimate(estimate))
        return f"{gain}{interval}. With {pluralise(estimate.seeds, 'seed')} there is no verdict (it takes {MIN_SEEDS})."
    verdict = "better than" if points > 0 else "worse than"
    verdict = verdict if estimate.excludes_zero else "not distinguishable from"
    return f"{gain}{format_interval(number_from_estimate(estimate))}: {verdict} {name_baseline(ranking.loaded_scores)}."


def _explain_no_leader(ranking: Ranking, contest: Contest) -> str:
    if not any(ranking.reference_scores[ranking.baseline, column.name].values for column in ranking.columns):
        return f"the baseline `{ranking.baseline}` has no score, and a gain is a score minus the baseline's"
    targets = len(contest.column.targets)
    return f"no intermediate task has a gain on {f'all {targets} targets' if targets > 1 else 'the target'} at any seed"


def list_rivals(contest: Contest) -> str | None:
    """Return a sentence on the tasks that cannot be told apart from the leader; None where seeds are too few."""
    if contest.leader is None or contest.leader not in contest.p_best:
        return None
    sentences = describe_uncompared(contest)
    if rivals := contest.find_rivals(contest.leader):
        sentences.insert(0, f"Not distinguishable from {contest.leader}: {list_names(rivals)}.")
    elif others := name_beaten(contest):
        sentences.insert(0, f"Better than {others}.")
    return " ".join(sentences)


def name_beaten(contest: Contest) -> str | None:
    """Return a name for the tasks that a leader without rivals is better than; None if it was compared with none."""
    if contest.uncompared and not contest.compared:
        return None
    enough = f" with {MIN_SEEDS} seeds or more" if contest.uncompared else ""
    return f"every other task{enough}{' that was not decided early' if contest.decided_early else ''}"


def describe_uncompared(contest: Contest) -> list[str]:
    """Return a sentence on the tasks with too few seeds, if there are any."""
    if not contest.uncompared:
        return []
    return [f"Not compared, with fewer than {MIN_SEEDS} seeds: {list_names(contest.uncompared)}."]


def describe_certainty(ranking: Ranking, mean: str) -> str | None:
    """Return how probable it is that the leader gains, and is the best, with its rivals; None with too few seeds."""
    contest = ranking.contests[mean]
    rivals = list_rivals(contest)
    if contest.leader is None or rivals is None:
        return None
    above, best = ranking.gains[contest.leader, mean].p_above, contest.p_best[contest.leader]
    return f"P(gain > 0) {above:.2f}, P(best) {best:.2f}. {rivals}"


def describe_honest_winner(contest: Contest) -> list[str]:
    """Return a sentence on what to expect of the choice of the best task; none with too few seeds."""
    winner = contest.winner_estimate
    if winner is None:
        return []
    chosen = list(dict.fromkeys(name for _, name, _ in winner.folds))
    choice = f"{chosen[0]} every time" if len(chosen) == 1 else f"the choice varies: {list_names(chosen)}"
    excluded = f" Not candidates, because they lack a seed: {list_names(winner.left_out)}." if winner.left_out else ""
    return [
        f"The best of many looks better than it is. Gain on the seeds that chose {winner.name}: {winner.naive:+.1f}; "
        f"chosen without one seed and measured on that seed: {winner.honest:+.1f} ({choice}).{excluded}"
    ]


def describe_disagreement(ranking: Ranking) -> list[str]:
    """Return one sentence per mean by which a chain that English dev decided early ranks above the leader."""
    lines = []
    for name, contest in ranking.contests.items():
        if contest.decided_ahead:
            gains = list_names(f"{each} {ranking.gains[each, name].mean:+.1f}" for each in contest.decided_ahead)
            lines.append(
                f"Higher by the {name_mean(contest.column)}, but decided early on English dev: {gains}. English and "
                "the other languages disagree there. Train all its seeds (--scheduler halving) before you choose."
            )
    return lines


def describe_power(ranking: Ranking) -> list[str]:
    """Return what this number of seeds and targets can show at all."""
    if ranking.holm_threshold is None:
        return []
    seeds = len(ranking.loaded_scores.common_seeds)
    cells = sum(each.p is not None for (_, column), each in ranking.gains.items() if column not in ranking.contests)
    test = ranking.contests[MEAN_ALL].rank_test
    line = (
        f"With {seeds} seeds, a typical one of {cells} cells is significant after Holm's correction if its gain "
        f"exceeds {ranking.holm_threshold:.1f} points."
    )
    return [f"{line} {test.verdict}" if test.arms > 1 else line]


def describe_decided(ranking: Ranking) -> list[str]:
    """Return a sentence on the chains that a race gave no further seeds; none where there was no race."""
    total, names = len(ranking.loaded_scores.seeds), dict[int, list[str]]()
    for name in (*ranking.intermediates, *ranking.transfer.floors):
        if skipped := ranking.transfer.skipped_seeds.get(name):
            names.setdefault(total - len(skipped), []).append(name)
    if not names:
        return []
    chains = "; ".join(f"{list_names(names[seeds])} after {seeds} of {total} seeds" for seeds in sorted(names))
    return [
        f"Decided early: {chains}. On English dev, another chain was clearly better for every trained target, so the "
        "race gave no further seeds. Such a chain is ranked by the seeds it has. It is no candidate for the best and "
        "in no group."
    ]


def describe_order(ranking: Ranking) -> list[str]:
    """Return sentences on chains decided early, chains without a mean, controls, low floors and ceilings."""
    lines = describe_decided(ranking)
    for name, contest in ranking.contests.items():
        unranked = [each for each in ranking.intermediates if each not in contest.order]
        if unranked and contest.order:
            counts = list_names(f"{each} (at most {ranking.gains[each, name].parts})" for each in unranked)
            mean, targets = name_mean(contest.column), len(contest.column.targets)
            lines.append(f"No {mean}, because no seed has all {targets} targets: {counts}.")
    lines += [_describe_control(ranking, control) for control in _list_neutral_controls(ranking)]
    return lines + describe_floors(ranking) + describe_ceilings(ranking)


def _describe_control(ranking: Ranking, control: str) -> str:
    gains = {column.name: ranking.gains[control, column.name] for column in ranking.columns}
    if not any(gain.interval for gain in gains.values()):
        return f"Control {control} cannot be judged without intervals."
    positive = [name for name, gain in gains.items() if gain.is_gain]
    if significant := [name for name in positive if gains[name].is_significant]:
        return (
            f"Control {control} GAINS, even after Holm's correction: {list_names(significant)}. A control should not; "
            "look for the reason before you trust the ranking."
        )
    if positive:
        measure = "the false discovery rate" if any(gains[name].is_discovery for name in positive) else "its intervals"
        start = f"Control {control} GAINS by {measure}, but not after Holm's correction"
        return f"{start}: {list_names(positive)}. A control should not."
    return f"Control {control}: no interval above 0, as it should be."


def list_gaining_controls(ranking: Ranking) -> list[str]:
    """Return a sentence for each control whose gain is positive in any column, by its interval."""
    return [
        _describe_control(ranking, control)
        for control in _list_neutral_controls(ranking)
        if any(ranking.gains[control, column.name].is_gain for column in ranking.columns)
    ]


def _list_neutral_controls(ranking: Ranking) -> list[str]:
    """Return the controls that should not gain: no baseline that trains longer, and no sham, which may teach."""
    scores = ranking.loaded_scores
    return [name for name in ranking.intermediates if role_of(scores, name) == "control" and not is_sham(name)]


def list_missing(ranking: Ranking) -> list[str]:
    """Return one line per incomplete cell, the baseline's first; cells of one chain with equal holes share a line.

    A gain that lacks only its baseline is not repeated. Seeds that a race did not give are not missing. Chains that
    start from a degenerate intermediate run are in the means, and are named here.
    """
    start = "its chain starts from a degenerate intermediate run"
    degenerate = ranking.degenerate_intermediates
    lines = [f"{name}, seed {seed}: {start}" + f" ({reason})" * bool(reason) for name, seed, reason in degenerate]
    cells = ranking.cell_estimates
    without_baseline = {
        (target, hole.seed) for target in ranking.transfer.targets for hole in cells[ranking.baseline, target].holes
    }
    targets_by_holes: dict[tuple[str, str], list[str]] = {}
    for (name, target), cell in cells.items():
        seeds: dict[str, list[int]] = {}
        for hole in cell.holes:
            if hole.status != DECIDED and (hole.status != "unpaired" or (target, hole.seed) not in without_baseline):
                seeds.setdefault(hole.description, []).append(hole.seed)
        parts = [f"seed {', '.join(map(str, each))} {status}" for status, each in seeds.items()]
        if cell.seeds and cell.parts < cell.of_parts:
            parts.append(f"{cell.parts} of {cell.of_parts} languages")
        if parts:
            targets_by_holes.setdefault((name, "; ".join(parts)), []).append(target)
    total = len(ranking.transfer.targets)
    for (name, holes), targets in targets_by_holes.items():
        where = f"all {total} targets" if len(targets) == total > 1 else list_names(targets)
        lines.append(f"{name} -> {where}: {holes}")
    return lines
