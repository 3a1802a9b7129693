"""Scores of competing arms on disk: they survive a restart, count once, and damage to them is reported."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from search.driver.early_stopping import RULES, EarlyStopping
from search.schedulers.rungs import RungScores
from spaces.halving import Verdict
from spaces.stage import TENTHS
from tests.search.conftest import Room, curve_of
from trainables.storage.local_storage import LocalStorage

UP = [0.1 * t for t in range(1, TENTHS + 1)]
BOTH = pytest.mark.parametrize("scheduler", ["asha", "halving"])


def stopping_in(folder: Path, scheduler: str = "asha", **strata: tuple[str, ...]) -> EarlyStopping:
    """Return early stopping over strata with these arms."""
    strata = strata or {"s": ("good", "bad")}
    rungs = RungScores(LocalStorage(folder), "rungs")
    stopping = EarlyStopping(rungs, RULES[scheduler], {name: len(keys) for name, keys in strata.items()})
    for name, keys in strata.items():
        stopping.set_competitors(name, keys)
    return stopping


@BOTH
def test_nothing_is_stopped_before_three_tenths(tmp_path: Path, scheduler: str) -> None:
    stopping = stopping_in(tmp_path, scheduler)
    stopping.report("s", "good", [0.9] * 9)
    first = stopping.rule.rungs[0]
    for tenth in range(1, first):
        assert stopping.report("s", "bad", [0.0] * tenth) is Verdict.GO
    assert stopping.report("s", "bad", [0.0] * first) is Verdict.STOP
    assert first >= 3


@BOTH
def test_strata_never_compete(tmp_path: Path, scheduler: str) -> None:
    stopping = stopping_in(tmp_path, scheduler, easy=("one", "two"), hard=("other", "last"))
    stopping.report("easy", "one", [0.99] * 9)
    stopping.report("easy", "two", [0.98] * 9)
    assert stopping.report("hard", "other", [0.01] * 9) is not Verdict.STOP
    stopping.report("hard", "last", [0.0] * 9)
    assert stopping.report("hard", "other", [0.01] * 9) is Verdict.GO


@BOTH
def test_an_arm_alone_is_never_judged(tmp_path: Path, scheduler: str) -> None:
    stopping = stopping_in(tmp_path, scheduler)
    assert stopping.report("pretrain", "a", UP) is stopping.report("pretrain", "b", [0.0] * 10) is Verdict.GO
    assert stopping.rungs_of("pretrain") == () and stopping.rungs_of("s") == stopping.rule.rungs
    assert not list(tmp_path.iterdir())


@BOTH
def test_rungs_survive_a_restart(tmp_path: Path, scheduler: str) -> None:
    before = stopping_in(tmp_path, scheduler)
    before.report("s", "good", UP[:7])
    assert before.report("s", "bad", [0.0] * 4) is Verdict.STOP
    after = stopping_in(tmp_path, scheduler)
    assert after.verdict_of("s", "bad") is Verdict.STOP and after.rung_scores.entries == before.rung_scores.entries
    assert after.curve_of("bad") == before.curve_of("bad") == [0.0] * after.rule.rungs[0]


def test_each_rung_is_entered_once_and_at_its_own_tenth(tmp_path: Path) -> None:
    # The driver was killed before it heard of tenth 3; the resumed stage reports tenth 4 with its whole curve.
    stopping = stopping_in(tmp_path)
    stopping.report("s", "a", UP[:2])
    again = stopping_in(tmp_path)
    again.report("s", "a", UP[:4])
    again.report("s", "a", UP[:4])
    assert [(tenth, score) for _, tenth, score in again.rung_scores.entries["s"]] == list(enumerate(UP[:4], start=1))


@BOTH
def test_what_a_stage_trained_beyond_its_rung_does_not_count(tmp_path: Path, scheduler: str) -> None:
    stopping = stopping_in(tmp_path, scheduler)
    stopping.report("s", "good", UP[:7])
    rung = stopping.rule.rungs[0]
    stopping.report("s", "bad", [0.0] * rung)
    assert stopping.report("s", "bad", [0.0] * rung + [1.0]) is Verdict.STOP
    assert stopping.curve_of("bad") == [0.0] * rung


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", 0),
        ("{", 0),
        ('{"a": 1}', 0),
        ("[[1]]", 0),
        ("\x00\xff", 0),
        ('[["a", 1, 0.5], ["a", 2, 0.6], ["b", 1,', 2),
        ('[["a", 1, 0.5], ["a", 2, NaN], ["b", 1, 0.5]]', 1),
        ('[["a", 1, 0.5], ["a", 1, 0.5]]', 1),
        ('[["a", 1, 0.5], ["a", 3, 0.5]]', 1),
        ('[["a", 2, 0.5], ["a", 1, 0.5]]', 0),
        ('[["a", 1, 0.5], ["../b", 1, 0.5]]', 1),
        ('[["a", 1, 0.5], ["b", 1, 1e999]]', 1),
        ('[["a", 1, 0.5]] ', 1),
    ],
)
def test_of_a_damaged_rungs_file_what_is_before_the_damage_is_kept(tmp_path: Path, text: str, kept: int) -> None:
    (tmp_path / "rungs").mkdir()
    (tmp_path / "rungs" / "s.json").write_text(text)
    stopping = stopping_in(tmp_path)
    assert len(stopping.rung_scores.entries.get("s", ())) == kept
    assert len(stopping.damage) == 1 and stopping.damage[0].endswith("-> rungs/s.json.damaged")
    assert (tmp_path / "rungs" / "s.json.damaged").read_text() == text
    again = stopping_in(tmp_path)
    assert again.damage == [] and again.rung_scores.entries == stopping.rung_scores.entries


@BOTH
def test_what_was_stopped_stays_stopped_when_its_rungs_are_lost(room: Room, scheduler: str) -> None:
    room.stop_early(scheduler)
    room.run()
    stopped = room.stopped()
    assert stopped
    for path in room.results.glob("rungs/*.json"):
        path.write_bytes(path.read_bytes()[:-9] if path.name.startswith("target") else b"")
    room.ran.clear()
    room.stop_early(scheduler)
    assert room.run().is_complete
    assert room.ran == [] and room.stopped() == stopped


@BOTH
def test_what_was_stopped_needs_no_encoder_to_start_from(room: Room, scheduler: str) -> None:
    room.keep = "none"
    room.stop_early(scheduler)
    room.run()
    room.ran.clear()
    room.stop_early(scheduler)
    assert room.run().is_complete and room.stopped() and room.ran == []


@BOTH
def test_tune_is_answered_from_the_whole_curve(tmp_path: Path, scheduler: str) -> None:
    stopping = stopping_in(tmp_path, scheduler)
    stopping.report("s", "good", UP[:7])
    trial = SimpleNamespace(config={"stratum": "s", "key": "bad"})
    assert stopping.on_trial_result(None, trial, {"curve": [0.0] * 4}) == "STOP"
    trial = SimpleNamespace(config={"stratum": "s", "key": "good"})
    assert stopping.on_trial_result(None, trial, {"curve": UP[:8]}) == "CONTINUE"


@BOTH
@pytest.mark.parametrize("killed_after", [1, 4, 12, 25])
def test_a_sweep_with_stopping_continues_as_it_began(room: Room, scheduler: str, killed_after: int) -> None:
    room.stop_early(scheduler)
    room.run(most=killed_after)
    room.stop_early(scheduler)
    room.run()
    whole = Room(room.results / "whole", room.space)
    whole.stop_early(scheduler)
    assert whole.run().is_complete

    def rungs(sweep: Room) -> dict[str, object]:
        return {path.name: json.loads(path.read_text()) for path in sweep.results.glob("rungs/*.json")}

    assert rungs(room) == rungs(whole)
    assert [stage.key for stage in room.ran] == [stage.key for stage in whole.ran]
    assert room.stopped() == whole.stopped()
    assert whole.stopped(), "a test of stopping in which nothing was stopped"


@BOTH
def test_what_one_sweep_stopped_another_one_may_finish(room: Room, scheduler: str) -> None:
    room.stop_early(scheduler)
    room.run()
    stopped = room.stopped()
    other = Room(room.results, room.space)  # the same stages without stopping
    assert other.run().is_complete
    assert stopped and stopped <= {stage.key for stage in other.ran}


@BOTH
def test_a_finished_arm_of_another_sweep_stands_in_the_rungs(tmp_path: Path, scheduler: str) -> None:
    stopping = stopping_in(tmp_path, scheduler, s=("done-before", "new"))
    stopping.record_end("s", "done-before", UP)
    assert stopping.report("s", "new", [0.0] * 4) is Verdict.STOP
    assert stopping.verdict_of("s", "done-before") is Verdict.GO


@BOTH
def test_stopped_arms_leave_their_whole_curves(room: Room, scheduler: str) -> None:
    room.stop_early(scheduler)
    board = room.run()
    stopped = [arm for _, arm in board.iter_arms() if arm.status == "stopped"]
    assert stopped and room.early_stopping is not None
    for arm in stopped:
        assert arm.outcome is not None and arm.outcome.tenth in room.early_stopping.rule.rungs
        assert arm.outcome.curve == curve_of(arm.stage)[: arm.outcome.tenth]
        assert arm.stage.recipe is not None
        assert arm.outcome.steps == arm.stage.recipe["steps"] * arm.outcome.tenth // 10
