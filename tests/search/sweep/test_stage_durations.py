"""The time left: finite, never negative, less with every tenth, and known from the first tenth of any training on."""

import dataclasses
import math
from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.board.arms import Arm
from search.sweep.estimate import TimeLeft, estimate_time_left
from search.sweep.stage_durations import StageProgress, StratumProgress
from search.sweep.sweep_state import StratumRecord
from spaces.stage import TENTHS, Stage
from trainables.record.outcome import Outcome

WORK = {"mnli": 100.0, "squad": 400.0, "xnli-en": 200.0}  # by task; that of pretraining and retrieval is not known
PRETRAIN, MNLI, SQUAD = "pretrain.encoder.none.0", "intermediate.mnli..0", "intermediate.squad..0"
XNLI, AFTER_MNLI, TATOEBA = "target.xnli-en.none.0", "target.xnli-en.mnli.0", "retrieval.tatoeba.none.0"
IDS = (PRETRAIN, MNLI, SQUAD, XNLI, AFTER_MNLI, TATOEBA)
SECONDS = st.floats(0.1, 1e6)


def work_of(stratum: StratumProgress) -> float:
    return WORK.get(stratum.kind_and_task[1], 0.0)


def record(id_: str, arms: int = 1, ended: Sequence[float] = ()) -> StratumRecord:
    """Return a stratum with the seconds of the arms that have ended."""
    outcomes = [Outcome(key="", status="finished", score=0.5, tenth=TENTHS, seconds=seconds) for seconds in ended]
    parent = PRETRAIN if id_ != PRETRAIN else None
    ended_arms = [Arm(0, cast("Stage", None), outcome) for outcome in outcomes]
    return StratumRecord(id=id_, arm_count=arms, parent=parent, ended_arms=ended_arms)


def at(tenth: int, pace: float, elapsed: float = 0.0) -> StageProgress:
    """Return the progress of a stage with an even pace."""
    return StageProgress(tenth=tenth, seconds=tenth * pace, pace=pace if tenth else None, elapsed=elapsed)


Begun = list[tuple[StratumRecord, StageProgress]]


def estimate(strata: Sequence[StratumRecord], begun: Begun, slots: int = 1) -> TimeLeft:
    by_key = {str(number): stage for number, stage in enumerate(begun)}
    return estimate_time_left(strata, slots, by_key, work_of)


@st.composite
def sweeps(draw: st.DrawFn) -> tuple[list[StratumRecord], Begun]:
    """Draw strata in any state, with arms that have ended, that run, and that wait."""
    strata, begun = [], []
    for id_ in draw(st.lists(st.sampled_from(IDS), min_size=1, unique=True)):
        ended = draw(st.lists(SECONDS, max_size=2))
        running = [] if id_ == TATOEBA else draw(st.lists(st.tuples(st.integers(0, 9), SECONDS, SECONDS), max_size=2))
        stratum = record(id_, len(ended) + len(running) + draw(st.integers(0, 2)), ended)
        strata.append(stratum)
        begun += [(stratum, at(*stage)) for stage in running]
    return strata, begun


@given(sweeps(), st.integers(1, 64))
def test_it_is_finite_and_never_negative_and_no_stage_is_cut(
    sweep: tuple[list[StratumRecord], Begun], slots: int
) -> None:
    left = estimate(*sweep, slots)
    known = [seconds for seconds in left.stages.values() if seconds is not None]
    assert all(math.isfinite(seconds) and seconds > 0 for seconds in known)
    if left.sweep is not None:
        assert math.isfinite(left.sweep) and left.sweep >= max(known, default=0.0)
        assert left.sweep > 0 or all(stratum.is_settled for stratum in sweep[0])


@given(sweeps(), st.integers(1, 64))
def test_the_order_of_strata_and_stages_has_no_influence(sweep: tuple[list[StratumRecord], Begun], slots: int) -> None:
    strata, begun = sweep
    assert estimate(strata[::-1], begun[::-1], slots).sweep == pytest.approx(estimate(strata, begun, slots).sweep)


@given(sweeps(), st.data())
def test_it_falls_with_a_tenth_and_with_the_time_since(
    sweep: tuple[list[StratumRecord], Begun], data: st.DataObject
) -> None:
    strata, begun = sweep
    pace, tenth, stratum = data.draw(SECONDS), data.draw(st.integers(1, 8)), data.draw(st.sampled_from(strata))
    stratum.arm_count += 1
    now, later, next_tenth, next_later = (
        estimate(strata, [*begun, (stratum, at(*progress))])
        for progress in ((tenth, pace), (tenth, pace, pace), (tenth + 1, pace), (tenth + 1, pace, pace / 2))
    )
    key = str(len(begun))
    rests = [time.stages[key] or 0.0 for time in (now, later, next_tenth, next_later)]
    assert rests == sorted(rests, reverse=True) and len(set(rests)) == 4 and rests[-1] > 0
    if now.sweep is not None:
        lefts = [time.sweep for time in (now, later, next_tenth)]
        assert None not in lefts and lefts == sorted(lefts, key=lambda left: -(left or 0.0))  # one slot: the sum counts


@given(sweeps(), SECONDS, st.integers(1, 9), st.sampled_from([MNLI, SQUAD, XNLI]))
def test_the_first_tenth_of_a_training_is_enough_where_work_is_known(
    sweep: tuple[list[StratumRecord], Begun], pace: float, tenth: int, id_: str
) -> None:
    strata, begun = sweep
    running = record(id_)
    left = estimate([*strata, running], [*begun, (running, at(tenth, pace))]).sweep
    assert left is not None


def test_nothing_is_said_without_any_basis() -> None:
    stratum = record(MNLI, 2)
    assert estimate([stratum], [(stratum, at(0, 1.0, elapsed=30.0))]) == TimeLeft(None, {"0": None})


def test_a_running_stage_has_its_own_pace_and_others_their_share_of_its_work() -> None:
    mnli, squad = record(MNLI, 2), record(SQUAD)
    left = estimate([mnli, squad], [(mnli, at(3, 10.0))])
    whole = 10.0 * (TENTHS + 0.5)  # the encoder is written after the last tenth
    assert left.stages == {"0": pytest.approx(whole - 30.0)}
    assert left.sweep == pytest.approx(whole - 30.0 + whole + 4 * whole), "squad has four times the work"


def test_what_takes_longer_than_expected_is_never_about_to_end() -> None:
    stratum = record(XNLI)
    (late,), (later,) = (
        estimate([stratum], [(stratum, at(9, 10.0, elapsed))]).stages.values() for elapsed in (40.0, 400.0)
    )
    assert (late, later) == (10.0, 100.0), "the last tenth and the evaluation were expected to take 30 seconds"


def test_stages_of_a_kind_and_task_that_have_ended_count_by_their_mean() -> None:
    ended, waiting = record(XNLI, 3, [50.0, 70.0]), record(AFTER_MNLI, 2)
    running = record(SQUAD)
    assert estimate([ended, waiting, running], []).sweep == pytest.approx(3 * 60.0 + 2 * 60.0)  # squad: twice the work
    assert estimate([ended, waiting], [], slots=2).sweep == pytest.approx(3 * 60.0 / 2)
    assert estimate([ended], [], slots=8).sweep == pytest.approx(60.0), "no stage is shared by slots"


def test_the_evaluation_after_the_last_tenth_is_that_of_ended_stages_within_limits() -> None:
    def rest(ended: float) -> float:
        stratum = record(XNLI, 2, [ended])
        (left,) = estimate([stratum], [(stratum, at(9, 10.0))]).stages.values()
        return left or 0.0

    assert rest(ended=150.0) == pytest.approx(10.0 + 50.0)
    assert rest(ended=20.0) == pytest.approx(10.0 + 20.0), "ended elsewhere, on a faster machine"
    assert rest(ended=1e5) == pytest.approx(10.0 + 100.0), "ended elsewhere, on a slower machine"


def test_retrieval_is_a_part_of_a_training_until_one_has_ended() -> None:
    trained, retrieval = record(MNLI, 1, [100.0]), record(TATOEBA, 2)
    assert estimate([trained, retrieval], []).sweep == pytest.approx(2 * 20.0)
    known = dataclasses.replace(retrieval, ended_arms=record(TATOEBA, 2, [5.0]).ended_arms)
    assert estimate([trained, known], []).sweep == pytest.approx(5.0)


def test_work_scales_within_a_task_too() -> None:
    longer = record("target.xnli-en.none~x2.0")
    work = {XNLI: 200.0, longer.id: 400.0}
    left = estimate_time_left(
        [record(XNLI, 1, [50.0]), longer], 1, {}, lambda stratum: work[cast("StratumRecord", stratum).id]
    )
    assert left.sweep == pytest.approx(100.0)
