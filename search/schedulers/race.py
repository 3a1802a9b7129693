"""Racing over seeds: a chain that is clearly worse than the best one for every target gets no further seeds.

The first MIN_SEEDS seeds are for all chains. Whenever a seed is complete for every chain still in the race, all seeds
so far are looked at, and chains that are *decided* leave the race: they keep their runs and get no more. Decisions are
a pure function of the scores: they do not depend on the order in which stages end, and every start makes them again.

**Scores.** The race compares the English dev scores of the winners of each stratum, for every training set of a target.
Target languages cannot reach it, and retrieval, which has no dev score, takes no part. A chain that is worse in English
for every target and better in other languages would be decided wrongly: no zero-shot rule can see that.

**Decision.** A chain is decided if, for each training set, another chain's mean is above its own by more than the
interval of their difference, paired by seed (`find_clearly_worse`). A mean over targets would be a weaker condition,
but would drop the chain that is best for one target and bad for the others, which is what a search looks for.

**Guarantee.** At most ALPHA of all races drop a chain that is truly the best for any of its targets. So ALPHA is
divided over looks, targets (each may have another best chain) and rivals (Bonferroni). The share of look i is
1 / (i (i + 1)). These shares add up to 1 however many looks there are, so more seeds in a later start change no earlier
decision; lower seeds come first, and all looks are taken anew. `tests/bench/racing.py` measures the guarantee, also
where seeds are far from normal.

**Exemptions.** `none` gets all seeds, since every gain is a difference to it. The best chain of a target is never
clearly worse there, so it is never decided: the leaders, whose intervals matter in the end, have all seeds. The race
has no other end: once all others are decided, the leaders and `none` still go on, since a leader on few seeds would be
an unchecked winner. A control may be decided: to be clearly worse than the best for every target is no less than what
is claimed of it. Where nothing varies (dev scores all at 1) nothing is decided. A chain with a target at which no arm
finished is not decided either: a missing score is not a bad score.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from spaces.chain import NONE

MIN_SEEDS = 3  # seeds that every chain gets; fewer give no interval
ALPHA = 0.05  # largest share of races that may drop a chain that is the best for a target
EPSILON = 1e-9  # rounding error of scores from 0 to 1, where nothing varies

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Cell = tuple[str, str, int]  # chain, training set of a target, seed
Judge = Callable[[Array, float, int], Mask]


@dataclass(frozen=True, slots=True)
class RaceStanding:
    """The standing of a race. Seeds are counted in the order of the sweep."""

    seeds: tuple[int, ...]  # of the sweep
    complete_seeds: int  # number of complete seeds that were looked at; 0 before there are MIN_SEEDS
    decided: Mapping[str, int]  # chain -> final number of its seeds
    exempt: frozenset[str]  # chains that get all seeds in any case

    def seeds_of(self, chain: str) -> tuple[int, ...]:
        """Return the seeds that a chain may train now; never fewer than at an earlier look, unless it is decided."""
        if chain in self.exempt:
            return self.seeds
        return self.seeds[: self.decided.get(chain, max(MIN_SEEDS, self.complete_seeds + 1))]

    @property
    def decisions(self) -> dict[str, dict[str, object]]:
        """The decided chains in the form of `sweep.json`: `after` which seeds, `of` how many."""
        return {name: {"after": list(self.seeds_of(name)), "of": len(self.seeds)} for name in sorted(self.decided)}


def judge_race(
    scores: Mapping[Cell, float],
    chains: Collection[str],
    targets: Collection[str],
    seeds: Sequence[int],
    exempt: Collection[str] = (NONE,),
) -> RaceStanding:
    """Return the standing of a race after all looks that its scores allow.

    `scores` has the English dev score of the winner of each settled stratum, NaN if it has none; scores at seeds beyond
    those that a chain was given are ignored. `targets` are training sets, `seeds` in the order in which they are given
    out, `exempt` chains that are never decided.
    """
    names, columns = sorted(chains), sorted(targets)  # sorted, so that sums are equal to the last bit
    cells = [[[(chain, target, seed) for seed in seeds] for target in columns] for chain in names]
    shape = (len(names), len(columns), len(seeds))
    values = np.array([[[scores.get(cell, np.nan) for cell in row] for row in rows] for rows in cells], np.float64)
    settled = np.array([[[cell in scores for cell in row] for row in rows] for rows in cells], np.bool_)
    is_exempt = np.array([name in exempt for name in names], np.bool_)
    counts, complete = allot_seeds(values.reshape(shape), is_exempt, settled.reshape(shape))
    decided = {name: int(count) for name, count in zip(names, counts, strict=True) if count < len(seeds)}
    return RaceStanding(tuple(seeds), complete, decided, frozenset(exempt))


def allot_seeds(
    values: Array, exempt: Mask, settled: Mask | None = None, judge: Judge | None = None
) -> tuple[npt.NDArray[np.int64], int]:
    """Return the final number of seeds of each chain (all, unless it is decided), and the number of complete seeds.

    Args:
        values: [chains, targets, seeds], scores; NaN where there is none
        exempt: [chains], True for chains that are never decided
        settled: [chains, targets, seeds], True for scores that are final; None: all are
        judge: another rule in the place of `find_clearly_worse`, to compare them
    """
    judge = judge or find_clearly_worse
    chains, targets, seeds = values.shape
    counts, complete = np.full(chains, seeds), 0
    undecided = np.arange(chains)
    for look, count in enumerate(range(MIN_SEEDS, seeds + 1), start=1):
        if settled is not None and not settled[undecided, :, :count].all():
            break
        complete = count
        if count == seeds or targets == 0:
            continue
        level = ALPHA / (look * (look + 1)) / targets
        decided = judge(values[undecided, :, :count], level, chains - 1).all(axis=1) & ~exempt[undecided]
        counts[undecided[decided]] = count
        undecided = undecided[~decided]
    return counts, complete


def find_clearly_worse(values: Array, level: float, rivals: int) -> Mask:
    """Return True for each chain and target at which another chain is clearly better.

    The model of a score is chain + seed + residual within a target, so the residuals of all chains tell how much a
    difference varies: with three seeds and eleven chains 20 degrees of freedom, where one pair alone has 2. Chains may
    vary differently (small training sets collapse at some seeds), and the best one may vary most. So the squared
    standard error is the larger of two: from the residuals of all chains, and from those of the two chains alone.

    Args:
        values: [chains, targets, seeds], scores; a chain with a NaN in a target takes no part there
        level: probability with which the best chain of a target may be called worse than any other
        rivals: largest number of chains that a chain is compared with

    Returns:
        [chains, targets]
    """
    chains, targets, seeds = values.shape
    worse = np.zeros((chains, targets), np.bool_)
    for target in range(targets):
        present = np.flatnonzero(np.isfinite(values[:, target]).all(axis=1))
        if len(present) < 2:
            continue
        table = values[present, target]
        mean = table.mean(axis=1)
        residuals = table - mean[:, None] - table.mean(axis=0) + table.mean()
        freedom = (len(present) - 1) * (seeds - 1)
        pooled = 2 * (residuals**2).sum() / freedom
        single = (residuals**2).sum(axis=1) * len(present) / freedom
        error = np.sqrt(np.maximum(pooled, single[:, None] + single) / seeds)
        lead = mean - mean[:, None] + stdtrit(freedom, level / rivals) * error  # the quantile is negative
        worse[present, target] = ((lead > 0) & (error > EPSILON)).any(axis=1)
    return worse
