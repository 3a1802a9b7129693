"""The answer in words: which intermediate task, by how much, how sure; or that the design cannot say."""

from collections.abc import Iterator

from analysis.page.blocks import (
    NO_BREAK_SPACE,
    Block,
    BulletList,
    Paragraph,
    Section,
    format_gain,
    format_interval,
    format_number,
    format_percent,
    join_names,
)
from analysis.statistics.interval import CONFIDENCE_LEVEL, MIN_SEEDS
from analysis.transfer.contest import Contest, WinnerEstimate
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking


def build_section(found: Ranking) -> Section:
    """The headline, once for every mean over the targets."""
    blocks: list[Block] = []
    for place, column in enumerate(found.mean_columns):
        contest = found.contests[column.name]
        blocks.append(Paragraph(write_headline(found, contest), "plain" if place else "answer"))
        if points := tuple(_explain_certainty(found, contest)):
            blocks.append(BulletList(points))
    return Section("answer", "The answer", tuple(blocks))


def write_headline(found: Ranking, contest: Contest) -> str:
    """One or two sentences about one mean over targets, e.g. `+1.3 points (95% interval +0.4 to +2.2)`."""
    over = _describe_mean(found, contest)
    leader = contest.leader
    if leader is None:
        return f"{over}, this sweep has no answer yet: no intermediate task has every target at any seed."
    one = found.gains[leader, contest.column.name]
    if one.interval is None:
        count = f"{one.seeds} seed{'s' * (one.seeds != 1)}"
        return (
            f"{over}, this design cannot answer: with {count} there is no interval, it takes {MIN_SEEDS}. "
            f"By the bare mean {leader} leads, {_format_estimate(one)}."
        )
    if not one.excludes_zero:
        return (
            f"{over}, no intermediate task is shown to help. The best mean is that of {leader}, {_format_estimate(one)}: "
            "no gain at all is compatible with these seeds, too."
        )
    if (one.mean or 0.0) < 0:
        return f"{over}, no intermediate task helps; the best mean is that of {leader}, {_format_estimate(one)}."
    rivals = contest.find_rivals(leader)
    if rivals:
        return (
            f"{over}, {leader} has the best mean, {_format_estimate(one)} over the baseline, "
            f"but these seeds cannot tell it apart from {join_names(rivals)}."
        )
    others = "every other task" + (" that was not decided early" if contest.decided_early else "")
    return f"{over}, {leader} helps most: {_format_estimate(one)} over the baseline, apart from {others}."


def _describe_mean(found: Ranking, contest: Contest) -> str:
    count = len(contest.column.targets)
    if contest.column.name == found.mean_columns[0].name:
        return f"Over {count} target{'s' * (count != 1)}"
    left = len(found.mean_columns[0].targets) - count
    return f"Without the {left} retrieval target{'s' * (left != 1)}"


def _format_estimate(one: Estimate) -> str:
    mean = format_gain(one.mean or 0.0)
    unit = "point" if mean in ("+1.0", "−1.0") else "points"
    return f"{mean} {unit}" + (
        f" ({format_percent(CONFIDENCE_LEVEL)} interval {format_interval(one.interval)})" if one.interval else ""
    )


def _explain_certainty(found: Ranking, contest: Contest) -> Iterator[str]:
    leader = contest.leader
    if leader is None:
        return
    one = found.gains[leader, contest.column.name]
    if contest.winner_estimate:
        yield _describe_honest_winner(contest.winner_estimate)
    if one.p_above is not None and leader in contest.p_best:
        yield (
            f"Probability that {leader} gains at all: {_format_chance(one.p_above)}; that it is the best of "
            f"{len(contest.candidates)}: {_format_chance(contest.p_best[leader])}."
        )
    if one.p_holm is not None:
        judged = "stands" if one.is_significant else "does not stand"
        rows = sum(found.gains[name, contest.column.name].p is not None for name in found.intermediates)
        yield f"Its gain {judged} when all {rows} intermediate tasks are tested together (Holm, p{NO_BREAK_SPACE}{_format_p(one.p_holm)})."
    yield f"Over other targets like these: {contest.rank_test.verdict[0].lower()}{contest.rank_test.verdict[1:]}"


def _describe_honest_winner(one: WinnerEstimate) -> str:
    names = {name for _, name, _ in one.folds}
    chosen = (
        f"{one.name} was chosen each time"
        if names == {one.name}
        else f"the choice changed with the seed left out: {join_names(sorted(names), 'or')}"
    )
    return (
        f"What to expect of such a choice: {format_gain(one.honest)}. The winner was chosen on all seeds but one and read on "
        f"the one left out ({chosen}); read on the seeds that chose it, it is {format_gain(one.naive)}."
    )


def _format_chance(share: float) -> str:
    """A share of draws, which is never certain: `83%`, `over 99%`."""
    if share < 0.01:
        return f"under {format_percent(0.01)}"
    return f"over {format_percent(0.99)}" if share > 0.99 else format_percent(share)


def _format_p(value: float) -> str:
    return f"<{NO_BREAK_SPACE}0.001" if value < 0.001 else f"={NO_BREAK_SPACE}{format_number(value, 3)}"
