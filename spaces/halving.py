"""Successive halving within a stratum (Jamieson and Talwalkar 2016), decided when all its arms have come to a rung.

An arm that is early waits, and its slot goes to other strata. So the decision is a function of the curves alone: the
order in which arms come, how many run at once, and interruptions do not change it.
"""

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from enum import Enum
from typing import TypeVar

# In tenths. The best of three rates is among the first two after four tenths in 95 of 100 strata of the miniature's
# targets, after three in 92. An arm is judged by its best tenth so far, which is what the stage would leave and which
# predicts the end better than the last tenth does (see docs/lab-log.md).
RUNGS = (4, 7)

Name = TypeVar("Name", bound=Hashable)


class Verdict(Enum):
    """The decision about an arm."""

    GO = "go on"
    WAIT = "wait until the others have come as far"
    STOP = "stop"


def count_survivors(arms: int) -> Sequence[int]:
    """Return how many of so many arms go on after each rung: half, then half of that, rounded up and at least one."""
    return [max(1, math.ceil(arms / 2**number)) for number in range(1, len(RUNGS) + 1)]


def judge(curves: Mapping[Name, Sequence[float]], arms: int, left: Collection[Name]) -> dict[Name, Verdict]:
    """Return the verdict on each arm of a stratum of `arms` arms that has begun.

    `curves` holds the English dev score by tenth of the arms that began, by name. Arms that `left` (they failed,
    diverged or finished elsewhere) are not waited for, but their score counts where they have one. A rung is decided
    when every arm that is still in has come to it. Half of the arms go on, rounded up, and every arm whose score equals
    that of the last of them: ties are not broken at random. The score is the best so far, which is what a stage leaves.
    """
    verdicts = dict.fromkeys(curves, Verdict.GO)
    all_began = len(curves.keys() | set(left)) == arms
    remaining = set(curves)
    for rung, quota in zip(RUNGS, count_survivors(arms), strict=True):
        scores = {name: max(curves[name][:rung]) for name in remaining if len(curves[name]) >= rung}
        if not all_began or any(name not in scores and name not in left for name in remaining):
            return verdicts | dict.fromkeys(scores, Verdict.WAIT)
        threshold = min(sorted(scores.values(), reverse=True)[:quota], default=0.0)
        remaining = {name for name, score in scores.items() if score >= threshold}
        verdicts |= dict.fromkeys(scores.keys() - remaining, Verdict.STOP)
    return verdicts
