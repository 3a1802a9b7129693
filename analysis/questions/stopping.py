"""What early stopping would have cost: whole learning curves, cut at every tenth and by the rule of the search.

A run that was stopped has no end to compare with. So only strata count in which every run finished; what the stopped
ones would have reached cannot be known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.questions.arms import ArmStratum
from analysis.statistics.decisions import Decision, DecisionSet, group_by_target
from analysis.statistics.moments import Array
from spaces.halving import RUNGS, Verdict, judge
from spaces.stage import TENTHS

EARLY_TENTHS = range(RUNGS[0], TENTHS)
ALL_STRATA = "all strata"


@dataclass(frozen=True, slots=True, kw_only=True)
class HalvingReplay:
    """Successive halving as the search does it, replayed on the whole curves of one stratum."""

    stratum: ArmStratum
    dev_lost: float  # points of English dev: the best run less the best that was left
    zero_shot_lost: float  # the same on the test mean of the other languages; may be negative; NaN if not known
    trained_share: float  # share of all tenths that were trained


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppingJudgement:
    """`leaders` has, per tenth, the choice of the run that leads there, and what it is worth at the end."""

    leader_regrets: Mapping[
        int, Mapping[str, DecisionSet]
    ]  # tenth -> target, INTERMEDIATE or EVERY -> decisions on English dev
    replays: tuple[HalvingReplay, ...]
    censored_strata: int  # strata with a run that did not finish
    single_run_strata: int  # strata with one run: nothing to stop
    strata_without_curves: int  # strata whose runs have no score for some tenth


def judge_stopping(strata: Iterable[ArmStratum]) -> StoppingJudgement:
    """Early stopping replayed on every stratum that has whole curves."""
    every = list(strata)
    whole = [one for one in every if not one.censored]
    rivals = [one for one in whole if len(one.rates) > 1]
    curved = [one for one in rivals if np.isfinite(one.curves).all()]
    return StoppingJudgement(
        leader_regrets={
            tenth: group_by_target((_decide_by_leader(one, tenth) for one in curved), ALL_STRATA)
            for tenth in EARLY_TENTHS
            if curved
        },
        replays=tuple(_replay_halving(one) for one in curved),
        censored_strata=len(every) - len(whole),
        single_run_strata=len(whole) - len(rivals),
        strata_without_curves=len(rivals) - len(curved),
    )


def _decide_by_leader(stratum: ArmStratum, tenth: int) -> Decision:
    return Decision(
        target=stratum.target,
        seed=stratum.seed,
        group=stratum.intermediate,
        alternatives=tuple(f"{rate:g}" for rate in stratum.rates),
        criterion=stratum.curves[:, tenth - 1],
        utility=stratum.dev,
    )


def _replay_halving(stratum: ArmStratum) -> HalvingReplay:
    left = find_survivors(stratum.curves)
    best = int(np.argmax(stratum.dev))
    kept = left[int(np.argmax(stratum.dev[left]))]
    return HalvingReplay(
        stratum=stratum,
        dev_lost=float(stratum.dev[best] - stratum.dev[kept]),
        zero_shot_lost=float(stratum.zero_shot[best] - stratum.zero_shot[kept]),
        trained_share=_compute_trained_share(stratum.curves),
    )


def find_survivors(curves: Array) -> list[int]:
    """The places of the runs that are never stopped; `curves` is runs x tenths."""
    return _replay_rungs(curves)[-1]


def _replay_rungs(curves: Array) -> list[list[int]]:
    """The runs that are left before the first rung, and after each."""
    left = [list(range(len(curves)))]
    for tenth in RUNGS:
        verdicts = judge({run: curves[run, :tenth].tolist() for run in range(len(curves))}, len(curves), ())
        left.append([run for run in left[-1] if verdicts[run] is not Verdict.STOP])
    return left


def _compute_trained_share(curves: Array) -> float:
    ends = (*RUNGS, TENTHS)
    begins = (0, *RUNGS)
    trained = sum(
        len(runs) * (end - begin) for runs, begin, end in zip(_replay_rungs(curves), begins, ends, strict=True)
    )
    return trained / (len(curves) * TENTHS)
