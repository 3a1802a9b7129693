"""The answer in words: the best intermediate task, its gain, and how sure that is; or why there is no answer."""

from collections.abc import Iterator

from analysis.page import blocks, other_comparisons
from analysis.page.blocks import NO_BREAK_SPACE, Block, BulletList, Paragraph, Section
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.tables.choice_sentences import describe_choices
from analysis.tables.ranking_sentences import COPIES_WARNING, describe_uncompared, name_beaten
from analysis.tables.source import list_names, name_baseline, pluralise, refer_to_baseline
from analysis.transfer.columns import MEAN_WIDE
from analysis.transfer.contest import Contest, WinnerEstimate
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking


def build_section(ranking: Ranking) -> Section:
    """Return the best task by target, then the headline for every mean over the targets."""
    parts: list[Block] = []
    if choices := describe_choices(ranking):
        heading, *lines = map(blocks.format_minus, choices)
        parts += [Paragraph(heading, "answer"), BulletList(tuple(lines))]
    for number, column in enumerate(ranking.mean_columns):
        contest = ranking.contests[column.name]
        parts.append(Paragraph(write_headline(ranking, contest), "plain" if number or choices else "answer"))
        if points := tuple(_explain_certainty(ranking, contest)):
            parts.append(BulletList(points))
    return Section("answer", "The answer", (*parts, *other_comparisons.build_blocks(ranking)))


def write_headline(ranking: Ranking, contest: Contest) -> str:
    """Return one or two sentences on one mean over targets, with `+1.3 points (95% interval +0.4 to +2.2)`."""
    scope = _describe_mean(ranking, contest)
    leader = contest.leader
    if leader is None:
        return f"{scope}, this sweep has no answer yet: no intermediate task has every target at any seed."
    estimate = ranking.gains[leader, contest.column.name]
    gain = _format_estimate(estimate)
    if estimate.interval is None:
        return (
            f"{scope}, this design cannot answer: there is no interval with {pluralise(estimate.seeds, 'seed')} (it "
            f"takes {MIN_SEEDS}). By the bare mean {leader} leads, {gain}."
        )
    if estimate.is_same_with_every_seed:
        points = blocks.format_gain(estimate.mean or 0.0)
        return f"{scope}, {leader} has the best mean, {points} points with every seed alike: {COPIES_WARNING}"
    if estimate.seeds < MIN_SEEDS:
        return f"{scope}, {leader} has the best mean, {gain}. With {estimate.seeds} seeds there is no verdict."
    if not estimate.excludes_zero:
        return (
            f"{scope}, no intermediate task is shown to help. The best mean is that of {leader}, {gain}: not "
            f"distinguishable from {name_baseline(ranking.loaded_scores)}."
        )
    if (estimate.mean or 0.0) < 0:
        return f"{scope}, no intermediate task helps; the best mean is that of {leader}, {gain}."
    over = refer_to_baseline(ranking.loaded_scores)
    if rivals := contest.find_rivals(leader):
        return (
            f"{scope}, {leader} has the best mean, {gain} over {over}, but these seeds cannot tell it apart from "
            f"{list_names(rivals, word='and')}."
        )
    beaten = name_beaten(contest)
    most, better = ("", "") if beaten is None else (" most", f", better than {beaten}")
    return f"{scope}, {leader} helps{most}: {gain} over {over}{better}."


def _describe_mean(ranking: Ranking, contest: Contest) -> str:
    count = len(contest.column.targets)
    if contest.column.name == ranking.mean_columns[0].name:
        return f"Over {pluralise(count, 'target')}"
    if contest.column.name == MEAN_WIDE:
        return f"In further languages, over {pluralise(count, 'wide target')}"
    excluded = len(ranking.mean_columns[0].targets) - count
    return f"Without the {pluralise(excluded, 'retrieval target')}"


def _format_estimate(estimate: Estimate) -> str:
    mean = blocks.format_gain(estimate.mean or 0.0)
    unit = "point" if mean in ("+1.0", "−1.0") else "points"
    if not estimate.interval:
        return f"{mean} {unit}"
    level, interval = blocks.format_percent(CONFIDENCE_LEVEL), blocks.format_interval(estimate.interval)
    return f"{mean} {unit} ({level} interval {interval})"


def _explain_certainty(ranking: Ranking, contest: Contest) -> Iterator[str]:
    leader = contest.leader
    if leader is None:
        return
    estimate = ranking.gains[leader, contest.column.name]
    if leader in contest.p_best:
        yield from describe_uncompared(contest)
    if contest.winner_estimate:
        yield _describe_honest_winner(contest.winner_estimate)
    if estimate.p_above is not None and leader in contest.p_best:
        yield (
            f"Probability that {leader} gains at all: {_format_chance(estimate.p_above)}; that it is the best of "
            f"{len(contest.candidates)}: {_format_chance(contest.p_best[leader])}."
        )
    if estimate.p_holm is not None:
        verdict = "is" if estimate.is_significant else "is not"
        tested = sum(ranking.gains[name, contest.column.name].p is not None for name in ranking.intermediates)
        p = f"p{NO_BREAK_SPACE}{_format_p(estimate.p_holm)}"
        yield f"Its gain {verdict} significant among {tested} intermediate tasks (Holm's correction, {p})."
    yield f"Over other targets like these: {contest.rank_test.verdict[0].lower()}{contest.rank_test.verdict[1:]}"


def _describe_honest_winner(winner: WinnerEstimate) -> str:
    names = {name for _, name, _ in winner.folds}
    chosen = f"{winner.name} was chosen each time"
    if names != {winner.name}:
        chosen = f"the choice varied with the seed left out: {list_names(sorted(names), word='or')}"
    return (
        f"What to expect of such a choice: {blocks.format_gain(winner.honest)}. The winner was chosen without one seed "
        f"and measured on that seed ({chosen}); on the seeds that chose it, it is {blocks.format_gain(winner.naive)}."
    )


def _format_chance(share: float) -> str:
    """Return a share of draws, which is never certain: `83%`, `over 99%`."""
    if share < 0.01:
        return "under 1%"
    return "over 99%" if share > 0.99 else blocks.format_percent(share)


def _format_p(value: float) -> str:
    return f"<{NO_BREAK_SPACE}0.001" if value < 0.001 else f"={NO_BREAK_SPACE}{blocks.format_number(value, 3)}"
