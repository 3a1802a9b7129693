"""The answer in words: which intermediate task, by how much, how sure; or that the design cannot say."""

from collections.abc import Iterator

from analysis.page.blocks import TIE, Block, Bullets, Section, Text, between, gain, listed, number, percent
from analysis.statistics.interval import FEWEST, LEVEL
from analysis.transfer.contest import Contest, Honest
from analysis.transfer.estimate import Estimate
from analysis.transfer.ranking import Ranking


def section(found: Ranking) -> Section:
    """The headline, once for every mean over the targets."""
    blocks: list[Block] = []
    for place, column in enumerate(found.means):
        contest = found.contests[column.name]
        blocks.append(Text(headline(found, contest), "plain" if place else "answer"))
        if points := tuple(_how_sure(found, contest)):
            blocks.append(Bullets(points))
    return Section("answer", "The answer", tuple(blocks))


def headline(found: Ranking, contest: Contest) -> str:
    """One or two sentences about one mean over targets, e.g. `+1.3 points (95% interval +0.4 to +2.2)`."""
    over = _over(found, contest)
    leader = contest.leader
    if leader is None:
        return f"{over}, this sweep has no answer yet: no intermediate task has every target at any seed."
    one = found.gains[leader, contest.column.name]
    if one.interval is None:
        count = f"{one.seeds} seed{'s' * (one.seeds != 1)}"
        return (
            f"{over}, this design cannot answer: with {count} there is no interval, it takes {FEWEST}. "
            f"By the bare mean {leader} leads, {_points(one)}."
        )
    if not one.beyond:
        return (
            f"{over}, no intermediate task is shown to help. The best mean is that of {leader}, {_points(one)}: "
            "no gain at all is compatible with these seeds, too."
        )
    if (one.mean or 0.0) < 0:
        return f"{over}, no intermediate task helps; the best mean is that of {leader}, {_points(one)}."
    rivals = contest.rivals(leader)
    if rivals:
        return (
            f"{over}, {leader} has the best mean, {_points(one)} over the baseline, "
            f"but these seeds cannot tell it apart from {listed(rivals)}."
        )
    others = "every other task" + (" that was not decided early" if contest.decided else "")
    return f"{over}, {leader} helps most: {_points(one)} over the baseline, apart from {others}."


def _over(found: Ranking, contest: Contest) -> str:
    count = len(contest.column.targets)
    if contest.column.name == found.means[0].name:
        return f"Over {count} target{'s' * (count != 1)}"
    left = len(found.means[0].targets) - count
    return f"Without the {left} retrieval target{'s' * (left != 1)}"


def _points(one: Estimate) -> str:
    mean = gain(one.mean or 0.0)
    unit = "point" if mean in ("+1.0", "−1.0") else "points"
    return f"{mean} {unit}" + (f" ({percent(LEVEL)} interval {between(one.interval)})" if one.interval else "")


def _how_sure(found: Ranking, contest: Contest) -> Iterator[str]:
    leader = contest.leader
    if leader is None:
        return
    one = found.gains[leader, contest.column.name]
    if contest.honest:
        yield _honest(contest.honest)
    if one.above is not None and leader in contest.best:
        yield (
            f"Probability that {leader} gains at all: {_chance(one.above)}; that it is the best of "
            f"{len(contest.candidates)}: {_chance(contest.best[leader])}."
        )
    if one.holm is not None:
        judged = "stands" if one.certain else "does not stand"
        rows = sum(found.gains[name, contest.column.name].p is not None for name in found.intermediates)
        yield f"Its gain {judged} when all {rows} intermediate tasks are tested together (Holm, p{TIE}{_p(one.holm)})."
    yield f"Over other targets like these: {contest.test.verdict[0].lower()}{contest.test.verdict[1:]}"


def _honest(one: Honest) -> str:
    names = {name for _, name, _ in one.folds}
    chosen = (
        f"{one.name} was chosen each time"
        if names == {one.name}
        else f"the choice changed with the seed left out: {listed(sorted(names), 'or')}"
    )
    return (
        f"What to expect of such a choice: {gain(one.honest)}. The winner was chosen on all seeds but one and read on "
        f"the one left out ({chosen}); read on the seeds that chose it, it is {gain(one.naive)}."
    )


def _chance(share: float) -> str:
    """A share of draws, which is never certain: `83%`, `over 99%`."""
    if share < 0.01:
        return f"under {percent(0.01)}"
    return f"over {percent(0.99)}" if share > 0.99 else percent(share)


def _p(value: float) -> str:
    return f"<{TIE}0.001" if value < 0.001 else f"={TIE}{number(value, 3)}"
