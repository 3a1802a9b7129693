"""The cost of early stopping: whole learning curves, cut at every tenth and by the rule of the search.

A stopped run has no end to compare with, and its end cannot be known. So only strata count in which every run
finished.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.questions.arms import ArmStratum
from analysis.statistics.decisions import DecisionSet, group_by_target
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
    """Early stopping replayed; `leader_regrets` has, per tenth, what the leader there is worth at the end."""

    # tenth -> target, INTERMEDIATE_RUNS or ALL_STRATA -> decisions on English dev
    leader_regrets: Mapping[int, Mapping[str, DecisionSet]]
    replays: tuple[HalvingReplay, ...]
    censored_strata: int  # strata with a run that did not finish
    single_run_strata: int  # strata with one run: nothing to stop
    strata_without_curves: int  # strata whose runs have no score for some tenth


def judge_stopping(strata: Iterable[ArmStratum]) -> StoppingJudgement:
    """Replay early stopping on every stratum that has whole curves."""
    all_strata = list(strata)
    finished = [stratum for stratum in all_strata if not stratum.censored]
    rivals = [stratum for stratum in finished if len(stratum.rates) > 1]
    complete = [stratum for stratum in rivals if np.isfinite(stratum.curves).all()]
    return StoppingJudgement(
        leader_regrets={
            tenth: group_by_target((each.decide(each.curves[:, tenth - 1], each.dev) for each in complete), ALL_STRATA)
            for tenth in EARLY_TENTHS
            if complete
        },
        replays=tuple(_replay_halving(stratum) for stratum in complete),
        censored_strata=len(all_strata) - len(finished),
        single_run_strata=len(finished) - len(rivals),
        strata_without_curves=len(rivals) - len(complete),
    )


def _replay_halving(stratum: ArmStratum) -> HalvingReplay:
    remaining = _replay_rungs(stratum.curves)
    best, survivors = int(np.argmax(stratum.dev)), remaining[-1]
    best_survivor = survivors[int(np.argmax(stratum.dev[survivors]))]
    trained = sum(len(runs) * tenths for runs, tenths in zip(remaining, np.diff((0, *RUNGS, TENTHS)), strict=True))
    return HalvingReplay(
        stratum=stratum,
        dev_lost=float(stratum.dev[best] - stratum.dev[best_survivor]),
        zero_shot_lost=float(stratum.zero_shot[best] - stratum.zero_shot[best_survivor]),
        trained_share=float(trained / (len(stratum.rates) * TENTHS)),
    )


def find_survivors(curves: Array) -> list[int]:
    """Return the indices of the runs that are never stopped; `curves` is runs x tenths."""
    return _replay_rungs(curves)[-1]


def _replay_rungs(curves: Array) -> list[list[int]]:
    """Return the runs that are left before the first rung, and after each."""
    remaining = [list(range(len(curves)))]
    for tenth in RUNGS:
        verdicts = judge({run: curves[run, :tenth].tolist() for run in range(len(curves))}, len(curves), ())
        remaining.append([run for run in remaining[-1] if verdicts[run] is not Verdict.STOP])
    return remaining
