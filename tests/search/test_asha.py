"""Early stopping by stratum, its rungs on disk, and what stays of a stopped arm."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from search.asha import GRACE, StratifiedAsha
from spaces.stage import TENTHS
from trainables.local_storage import LocalStorage

from .conftest import Room

UP = [0.1 * t for t in range(1, TENTHS + 1)]


def asha(folder: Path, *strata: str) -> StratifiedAsha:
    return StratifiedAsha(LocalStorage(folder), "rungs", set(strata or ("s",)))


def test_nothing_is_stopped_before_three_tenths(tmp_path: Path) -> None:
    gate = asha(tmp_path)
    gate.report_curve("s", "good", [0.9] * 9)
    for tenth in range(1, GRACE):
        assert gate.report_curve("s", "bad", [0.0] * tenth) == "CONTINUE"
    assert gate.report_curve("s", "bad", [0.0] * GRACE) == "STOP"


def test_strata_never_compete(tmp_path: Path) -> None:
    gate = asha(tmp_path, "easy", "hard")
    gate.report_curve("easy", "one", [0.99] * 9)
    assert gate.report_curve("hard", "other", [0.01] * 9) == "CONTINUE"


def test_an_arm_alone_is_never_judged(tmp_path: Path) -> None:
    gate = StratifiedAsha(LocalStorage(tmp_path), "rungs", set())
    assert gate.report_curve("pretrain", "a", UP) == gate.report_curve("pretrain", "b", [0.0] * 10) == "CONTINUE"
    assert not list(tmp_path.iterdir())


def test_the_last_tenth_is_never_a_stop(tmp_path: Path) -> None:
    assert asha(tmp_path).report_curve("s", "only", UP) == "CONTINUE"


def test_rungs_survive_a_restart(tmp_path: Path) -> None:
    before = asha(tmp_path)
    before.report_curve("s", "good", UP[:6])
    assert before.report_curve("s", "bad", [0.0] * 3) == "STOP"
    after = asha(tmp_path)
    assert after.stopped == {"bad"} and after.entries == before.entries
    assert after.stopped_curve("bad") == [0.0] * 3
    # A fresh ASHA would let the first arm it sees go on.
    assert after.report_curve("s", "late", [0.05] * 3) == "STOP"


def test_each_rung_is_entered_once_and_at_its_own_tenth(tmp_path: Path) -> None:
    # The driver was killed before it heard of tenth 3; the resumed stage reports tenth 4 with its whole curve.
    gate = asha(tmp_path)
    gate.report_curve("s", "a", UP[:2])
    again = asha(tmp_path)
    again.report_curve("s", "a", UP[:4])
    again.report_curve("s", "a", UP[:4])
    assert [(tenth, score) for _, tenth, score in again.entries["s"]] == list(enumerate(UP[:4], start=1))


def test_a_stopped_arm_cannot_climb_on(tmp_path: Path) -> None:
    gate = asha(tmp_path)
    gate.report_curve("s", "good", UP[:6])
    gate.report_curve("s", "bad", [0.0] * 3)
    assert gate.report_curve("s", "bad", [0.0, 0.0, 0.0, 1.0]) == "STOP"


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
        ('[["a", 1, 0.5], ["a", 10, 0.5]]', 1),
        ('[["a", 2, 0.5], ["a", 1, 0.5]]', 1),
        ('[["a", 1, 0.5], ["../b", 1, 0.5]]', 1),
        ('[["a", 1, 0.5], ["b", 1, 1e999]]', 1),
        ('[["a", 1, 0.5]] ', 1),
    ],
)
def test_of_a_damaged_rungs_file_what_is_before_the_damage_is_kept(tmp_path: Path, text: str, kept: int) -> None:
    (tmp_path / "rungs").mkdir()
    (tmp_path / "rungs" / "s.json").write_text(text)
    gate = asha(tmp_path)
    assert len(gate.entries.get("s", ())) == kept
    assert len(gate.damage) == 1 and gate.damage[0].endswith("-> rungs/s.json.damaged")
    assert (tmp_path / "rungs" / "s.json.damaged").read_text() == text
    assert asha(tmp_path).damage == [] and asha(tmp_path).entries == gate.entries


def test_what_was_stopped_stays_stopped_when_its_rungs_are_lost(room: Room) -> None:
    competing = {stratum.id for stratum in room.plan() if stratum.arms > 1}
    room.gate = StratifiedAsha(LocalStorage(room.results), "rungs", competing)
    room.run()
    stopped = set(room.gate.stopped)
    assert stopped
    for path in room.results.glob("rungs/*.json"):
        path.write_bytes(path.read_bytes()[:-9] if path.name.startswith("target") else b"")
    room.ran.clear()
    room.gate = StratifiedAsha(LocalStorage(room.results), "rungs", competing)
    assert room.run().complete
    assert room.ran == [] and room.gate.stopped == stopped


def test_tune_is_answered_from_the_whole_curve(tmp_path: Path) -> None:
    gate = asha(tmp_path)
    gate.report_curve("s", "good", UP[:6])
    trial = SimpleNamespace(config={"stratum": "s", "key": "bad"})
    assert gate.on_trial_result(None, trial, {"curve": [0.0, 0.0, 0.0]}) == "STOP"


def test_a_sweep_with_stopping_continues_as_it_began(room: Room) -> None:
    folder = room.results / "rungs"
    competing = {stratum.id for stratum in room.plan() if stratum.arms > 1}
    room.gate = StratifiedAsha(LocalStorage(room.results), "rungs", competing)
    room.run(most=12)
    room.gate = StratifiedAsha(LocalStorage(room.results), "rungs", competing)
    room.run()
    interrupted = {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}
    whole = Room(room.results / "whole", room.space)
    whole.gate = StratifiedAsha(LocalStorage(whole.results), "rungs", competing)
    board = whole.run()
    assert board.complete
    assert interrupted == {path.name: json.loads(path.read_text()) for path in whole.results.glob("rungs/*.json")}
    assert [stage.key for stage in room.ran] == [stage.key for stage in whole.ran]
    assert whole.gate.stopped, "a test of stopping in which nothing was stopped"


def test_what_one_sweep_stopped_another_one_may_finish(room: Room) -> None:
    competing = {stratum.id for stratum in room.plan() if stratum.arms > 1}
    room.gate = StratifiedAsha(LocalStorage(room.results), "rungs", competing)
    room.run()
    stopped = set(room.gate.stopped)
    other = Room(room.results, room.space)  # the same stages without stopping
    board = other.run()
    assert board.complete
    assert stopped <= {stage.key for stage in other.ran}


def test_a_finished_arm_of_another_sweep_stands_in_the_rungs(tmp_path: Path) -> None:
    gate = asha(tmp_path)
    gate.enter_finished("s", "done-before", UP)
    assert gate.report_curve("s", "new", [0.0] * 3) == "STOP"
    assert "done-before" not in gate.stopped
