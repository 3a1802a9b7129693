"""Successive halving within a stratum (Jamieson and Talwalkar 2016), decided when all its arms have come to a rung.

An arm that is early waits, and its slot goes to other strata. So what is stopped is a function of the curves alone: not
of the order in which arms come, of how many run at once, or of interruptions.
"""

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from enum import Enum
from typing import TypeVar

# Tenths. The best of three rates is among the first two after four tenths in 95 of 100 strata of the miniature's
# targets, after three in 92. What a stage would leave is its best tenth so far; that tells more of its end than the
# last tenth does (see docs/lab-log.md).
RUNGS = (4, 7)


Name = TypeVar("Name", bound=Hashable)


class Verdict(Enum):
    """What is to become of an arm."""

    GO = "go on"
    WAIT = "wait until the others have come as far"
    STOP = "stop"


def count_survivors(arms: int) -> Sequence[int]:
    """How many of so many arms go on after each rung: half, and half of that; rounded up, and one at least."""
    return [max(1, math.ceil(arms / 2**number)) for number in range(1, len(RUNGS) + 1)]


def judge(curves: Mapping[Name, Sequence[float]], arms: int, left: Collection[Name]) -> dict[Name, Verdict]:
    """What is to become of each of a stratum's `arms`: English dev by tenth of those that began, by name.

    A rung is decided when every arm that is still in has come to it; those that `left` (they failed, diverged or
    finished elsewhere) are not waited for, but their score counts where they have one. Half of the arms go on, rounded
    up, and with the last of them all that score the same: what cannot be told apart is not told apart by chance. The
    score is the best so far, which is what a stage hands on.
    """
    verdicts = dict.fromkeys(curves, Verdict.GO)
    begun = len(curves.keys() | set(left)) == arms
    rest = set(curves)
    for rung, quota in zip(RUNGS, count_survivors(arms), strict=True):
        here = {key: max(curves[key][:rung]) for key in rest if len(curves[key]) >= rung}
        if not begun or any(key not in here and key not in left for key in rest):
            return verdicts | dict.fromkeys(here, Verdict.WAIT)
        bar = min(sorted(here.values(), reverse=True)[:quota], default=0.0)
        rest = {key for key, score in here.items() if score >= bar}
        verdicts |= dict.fromkeys(here.keys() - rest, Verdict.STOP)
    return verdicts
