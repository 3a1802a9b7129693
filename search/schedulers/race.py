"""Racing over seeds: a chain that is clearly worse than the best one for every target gets no further seeds.

The first FIRST seeds are for all chains. When a seed is complete for every chain that is still in, all seeds so far
are looked at, and chains that are *decided* leave the race: what they have stays, more they do not get. Decisions are
a pure function of the scores. They do not depend on the order in which stages end, and every start makes them again.

**What judges.** The English dev score of the winner of each stratum, for every training set of a target: target
languages cannot reach it, and retrieval, which has no dev score, is not asked. A chain that is worse in English for
every target and better elsewhere would be decided wrongly: no rule that is zero-shot can see that.

**When it is decided.** For each training set there has to be a chain whose mean is above this one's by more than the
interval of their difference, paired by seed (`behind`). A mean over targets would be less to ask, but would drop the
chain that is best for one target and bad for the others: the very thing that a search is for.

**What it promises.** At most ALPHA of all races drop a chain that is truly the best for any of its targets. So a
comparison has ALPHA, shared out over looks, targets (each may have another best chain) and rivals (Bonferroni). The
share of look i is 1 / (i (i + 1)): these add up to 1 however many there are, so that higher seeds in a later start
change no decision that was made; lower ones come first, and all looks are taken anew. `tests/bench/racing.py` measures
the promise, also where seeds are far from normal.

**Who stays in.** `none` gets all seeds, for every gain is a difference to it. The best chain of a target is behind
none there, so it is never decided: the intervals of the leaders, which are what is read in the end, have all seeds.
For that reason racing has no other end: once all others are decided, only the leaders and `none` go on, and a leader
on few seeds would be a winner that nobody checked. A control may be decided: to be clearly worse than the best for
every target is no less than what is claimed of it. Where nothing varies (dev scores all at 1) nothing is decided, and
neither is a chain with a target at which no arm finished: a hole is no bad score.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from spaces.chain import NONE

MIN_SEEDS = 3  # seeds that every chain gets: fewer give no interval
ALPHA = 0.05  # largest share of races that may drop a chain which is the best for a target
EPSILON = 1e-9  # of a score from 0 to 1: what rounding leaves where nothing varies

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Cell = tuple[str, str, int]  # chain, training set of a target, seed
Judge = Callable[[Array, float, int], Mask]


@dataclass(frozen=True, slots=True)
class RaceStanding:
    """Where a race stands. Seeds are counted in the order of the sweep."""

    seeds: tuple[int, ...]  # of the sweep
    complete_seeds: int  # seeds that are complete and were looked at; 0 before there are FIRST
    decided: Mapping[str, int]  # chain -> how many seeds it gets, for good
    exempt: frozenset[str]  # chains that get all seeds, whatever happens

    def seeds_of(self, chain: str) -> tuple[int, ...]:
        """The seeds that a chain may train now; never fewer than at an earlier look, unless it is decided."""
        if chain in self.exempt:
            return self.seeds
        return self.seeds[: self.decided.get(chain, max(MIN_SEEDS, self.complete_seeds + 1))]

    @property
    def decisions(self) -> dict[str, dict[str, object]]:
        """The decided chains as `sweep.json` has them: `after` which seeds, `of` how many."""
        return {name: {"after": list(self.seeds_of(name)), "of": len(self.seeds)} for name in sorted(self.decided)}


def judge_race(
    scores: Mapping[Cell, float],
    chains: Collection[str],
    targets: Collection[str],
    seeds: Sequence[int],
    exempt: Collection[str] = (NONE,),
) -> RaceStanding:
    """Look at everything that can be looked at.

    Args:
        scores: English dev of the winner of each settled stratum, higher is better; NaN where it has none. A stratum
            that is not settled is absent. Seeds beyond what a chain was given are not looked at
        chains: all that take part, the baseline among them
        targets: training sets of the targets, without retrieval
        seeds: of the sweep, in the order in which they are given out
        kept: chains that are never decided
    """
    names, columns = sorted(chains), sorted(targets)  # sums are the same to the last bit, whatever the order
    cells = [[[(chain, target, seed) for seed in seeds] for target in columns] for chain in names]
    shape = (len(names), len(columns), len(seeds))
    values = np.array([[[scores.get(cell, np.nan) for cell in row] for row in rows] for rows in cells], np.float64)
    settled = np.array([[[cell in scores for cell in row] for row in rows] for rows in cells], np.bool_)
    held = np.array([name in exempt for name in names], np.bool_)
    given, looks = allot_seeds(values.reshape(shape), held, settled.reshape(shape))
    decided = {name: int(many) for name, many in zip(names, given, strict=True) if many < len(seeds)}
    return RaceStanding(tuple(seeds), looks, decided, frozenset(exempt))


def allot_seeds(
    values: Array, kept: Mask, settled: Mask | None = None, judge: Judge | None = None
) -> tuple[npt.NDArray[np.int64], int]:
    """How many seeds each chain gets for good (all of them, unless it is decided), and how many were looked at.

    Args:
        values: [chains, targets, seeds], scores; NaN where there is none
        kept: [chains], who is never decided
        settled: [chains, targets, seeds], which scores are final; None: all
        judge: another rule in the place of `behind`, to compare them
    """
    judge = judge or find_clearly_worse
    chains, targets, seeds = values.shape
    given, looks = np.full(chains, seeds), 0
    among = np.arange(chains)
    for look, count in enumerate(range(MIN_SEEDS, seeds + 1), start=1):
        if settled is not None and not settled[among, :, :count].all():
            break
        looks = count
        if count == seeds or targets == 0:
            continue
        level = ALPHA / (look * (look + 1)) / targets
        gone = judge(values[among, :, :count], level, chains - 1).all(axis=1) & ~kept[among]
        given[among[gone]] = count
        among = among[~gone]
    return given, looks


def find_clearly_worse(values: Array, level: float, rivals: int) -> Mask:
    """Which chains are clearly worse than another one, by target.

    Scores are taken as chain + seed + rest within a target, so the rest of all chains tells how much a difference
    varies: with three seeds and eleven chains 20 degrees of freedom, where one pair alone has 2. Chains may vary
    differently (small training sets collapse at some seeds), and the best one may vary most. So the squared standard
    error is the larger one of two: from the rest of all, and from the rest of the two chains themselves.

    Args:
        values: [chains, targets, seeds]; a chain with a NaN in a target takes no part there
        level: how often the best chain of a target may be called worse than any other
        rivals: how many others it is compared with at most

    Returns:
        [chains, targets]
    """
    chains, targets, seeds = values.shape
    found = np.zeros((chains, targets), np.bool_)
    for target in range(targets):
        there = np.flatnonzero(np.isfinite(values[:, target]).all(axis=1))
        if len(there) < 2:
            continue
        table = values[there, target]
        mean = table.mean(axis=1)
        rest = table - mean[:, None] - table.mean(axis=0) + table.mean()
        freedom = (len(there) - 1) * (seeds - 1)
        every = 2 * (rest**2).sum() / freedom
        single = (rest**2).sum(axis=1) * len(there) / freedom
        error = np.sqrt(np.maximum(every, single[:, None] + single) / seeds)
        ahead = mean - mean[:, None] + stdtrit(freedom, level / rivals) * error  # the quantile is below 0
        found[there, target] = ((ahead > 0) & (error > EPSILON)).any(axis=1)
    return found
