"""Successive halving within a stratum (Jamieson and Talwalkar 2016), decided when all its arms have come to a rung.

An arm that is early waits, and its slot goes to other strata. So what is stopped is a function of the curves alone: not
of the order in which arms come, of how many run at once, or of interruptions.
"""

import math
from collections.abc import Collection, Mapping, Sequence

from search.rule import Verdict

# Tenths. The best of three rates is among the first two after four tenths in 95 of 100 strata of the miniature's
# targets, after three in 92. What a stage would leave is its best tenth so far; that tells more of its end than the
# last tenth does (see tests/LOG.md).
RUNGS = (4, 7)


def quotas(arms: int) -> Sequence[int]:
    """How many of so many arms go on after each rung: half, and half of that; rounded up, and one at least."""
    return [max(1, math.ceil(arms / 2**number)) for number in range(1, len(RUNGS) + 1)]


def judge(curves: Mapping[str, Sequence[float]], arms: int, left: Collection[str]) -> dict[str, Verdict]:
    """What is to become of each of a stratum's `arms`: English dev by tenth of those that began, by key.

    A rung is decided when every arm that is still in has come to it; those that `left` (they failed, diverged or
    finished elsewhere) are not waited for, but their score counts where they have one. Half of the arms go on, rounded
    up, and with the last of them all that score the same: what cannot be told apart is not told apart by chance. The
    score is the best so far, which is what a stage hands on.
    """
    verdicts = dict.fromkeys(curves, Verdict.GO)
    begun = len(curves.keys() | set(left)) == arms
    rest = set(curves)
    for rung, quota in zip(RUNGS, quotas(arms), strict=True):
        here = {key: max(curves[key][:rung]) for key in rest if len(curves[key]) >= rung}
        if not begun or any(key not in here and key not in left for key in rest):
            return verdicts | dict.fromkeys(here, Verdict.WAIT)
        bar = min(sorted(here.values(), reverse=True)[:quota], default=0.0)
        rest = {key for key, score in here.items() if score >= bar}
        verdicts |= dict.fromkeys(here.keys() - rest, Verdict.STOP)
    return verdicts


class HalvingRule:
    """Keeps what `judge` is asked about."""

    rungs = RUNGS

    def __init__(self, arms: Mapping[str, int]) -> None:
        """`arms` of each stratum that competes, by its id."""
        self.arms = arms
        self._curves: dict[str, dict[str, list[float]]] = {}
        self._left: dict[str, set[str]] = {}
        self._verdicts: dict[str, dict[str, Verdict]] = {}

    def enter(self, stratum: str, key: str, tenth: int, score: float) -> None:
        """Take note of a stage's next score."""
        self._curves.setdefault(stratum, {}).setdefault(key, []).append(score)
        self._verdicts.pop(stratum, None)

    def leave(self, stratum: str, key: str) -> None:
        """Nobody waits for this stage any more."""
        self._left.setdefault(stratum, set()).add(key)
        self._verdicts.pop(stratum, None)

    def stopped_before(self, stratum: str, key: str) -> None:
        """Nothing to believe: when the others' scores are there again, the same is decided again."""

    def verdict(self, stratum: str, key: str) -> Verdict:
        """What is to become of a stage; what left by itself is judged no more."""
        left = self._left.get(stratum, set())
        if key in left:
            return Verdict.GO
        if stratum not in self._verdicts:
            self._verdicts[stratum] = judge(self._curves.get(stratum, {}), self.arms[stratum], left)
        return self._verdicts[stratum].get(key, Verdict.GO)
