"""What early stopping would have cost: whole learning curves, cut at every tenth and by the rule of the search.

A run that was stopped has no end to compare with. So only strata count in which every run finished; what the stopped
ones would have reached cannot be known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.questions.arms import Stratum
from analysis.statistics.decisions import Decision, Regret, together
from analysis.statistics.moments import Array
from spaces.halving import RUNGS, Verdict, judge
from spaces.stage import TENTHS

EARLY = range(RUNGS[0], TENTHS)
EVERY = "all strata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Successive halving as the search does it, replayed on the whole curves of one stratum."""

    stratum: Stratum
    lost: float  # points of English dev: the best run less the best that was left
    lost_elsewhere: float  # the same on the test mean of the other languages; may be negative; NaN if not known
    spent: float  # share of all tenths that were trained


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """`leaders` has, per tenth, the choice of the run that leads there, and what it is worth at the end."""

    leaders: Mapping[int, Mapping[str, Regret]]  # tenth -> target, INTERMEDIATE or EVERY -> decisions on English dev
    replays: tuple[Replay, ...]
    censored: int  # strata with a run that did not finish
    single: int  # strata with one run: nothing to stop
    curveless: int  # strata whose runs have no score for some tenth


def stopping(strata: Iterable[Stratum]) -> Stopping:
    """Early stopping replayed on every stratum that has whole curves."""
    every = list(strata)
    whole = [one for one in every if not one.censored]
    rivals = [one for one in whole if len(one.rates) > 1]
    curved = [one for one in rivals if np.isfinite(one.curves).all()]
    return Stopping(
        leaders={tenth: together((_led(one, tenth) for one in curved), EVERY) for tenth in EARLY if curved},
        replays=tuple(_replay(one) for one in curved),
        censored=len(every) - len(whole),
        single=len(whole) - len(rivals),
        curveless=len(rivals) - len(curved),
    )


def _led(stratum: Stratum, tenth: int) -> Decision:
    return Decision(
        target=stratum.target,
        seed=stratum.seed,
        within=stratum.intermediate,
        options=tuple(f"{rate:g}" for rate in stratum.rates),
        seen=stratum.curves[:, tenth - 1],
        worth=stratum.dev,
    )


def _replay(stratum: Stratum) -> Replay:
    left = survivors(stratum.curves)
    best = int(np.argmax(stratum.dev))
    kept = left[int(np.argmax(stratum.dev[left]))]
    return Replay(
        stratum=stratum,
        lost=float(stratum.dev[best] - stratum.dev[kept]),
        lost_elsewhere=float(stratum.others[best] - stratum.others[kept]),
        spent=_spent(stratum.curves),
    )


def survivors(curves: Array) -> list[int]:
    """The places of the runs that are never stopped; `curves` is runs x tenths."""
    return _left(curves)[-1]


def _left(curves: Array) -> list[list[int]]:
    """The runs that are left before the first rung, and after each."""
    left = [list(range(len(curves)))]
    for tenth in RUNGS:
        verdicts = judge({run: curves[run, :tenth].tolist() for run in range(len(curves))}, len(curves), ())
        left.append([run for run in left[-1] if verdicts[run] is not Verdict.STOP])
    return left


def _spent(curves: Array) -> float:
    ends = (*RUNGS, TENTHS)
    begins = (0, *RUNGS)
    trained = sum(len(runs) * (end - begin) for runs, begin, end in zip(_left(curves), begins, ends, strict=True))
    return trained / (len(curves) * TENTHS)
