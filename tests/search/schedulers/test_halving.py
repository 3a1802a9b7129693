"""Halving is a function of the curves, whatever the order of arrival, failures and interruptions."""

import dataclasses
import itertools
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.board.board import Board
from search.schedulers.rules import HalvingRule
from search.schedulers.rungs import RungEntry
from spaces.chain import NONE
from spaces.halving import RUNGS, Verdict, count_survivors, judge
from spaces.stage import TENTHS, Stage
from tests.search.conftest import Room, curve_of, finish

GO, WAIT, STOP = Verdict.GO, Verdict.WAIT, Verdict.STOP


def flat(*scores: float, tenths: int = 7) -> dict[str, list[float]]:
    return {"abcdefgh"[i]: [score] * tenths for i, score in enumerate(scores)}


@pytest.mark.parametrize(
    ("arms", "expected"), [(1, [1, 1]), (2, [1, 1]), (3, [2, 1]), (4, [2, 1]), (5, [3, 2]), (8, [4, 2])]
)
def test_half_goes_on_rounded_up(arms: int, expected: Sequence[int]) -> None:
    assert count_survivors(arms) == expected


def test_a_rung_is_decided_when_all_arms_are_there() -> None:
    curves = flat(0.3, 0.2, tenths=4)
    assert judge(curves, 3, ()) == {"a": WAIT, "b": WAIT}, "the third has not begun"
    curves["c"] = [0.1] * 3
    assert judge(curves, 3, ()) == {"a": WAIT, "b": WAIT, "c": GO}
    curves["c"] = [0.1] * 4
    assert judge(curves, 3, ()) == {"a": GO, "b": GO, "c": STOP}
    curves["a"] = [0.3] * 7
    assert judge(curves, 3, ()) == {"a": WAIT, "b": GO, "c": STOP}
    curves["b"] = [0.2] * 4 + [0.4] * 3
    assert judge(curves, 3, ()) == {"a": STOP, "b": GO, "c": STOP}


def test_the_best_tenth_so_far_is_what_counts() -> None:
    assert judge({"a": [0.1, 0.1, 0.6, 0.2], "b": [0.5] * 4}, 2, ()) == {"a": GO, "b": STOP}


def test_what_scores_the_same_is_not_told_apart() -> None:
    assert judge(flat(0.5, 0.5, 0.5), 3, ()) == dict.fromkeys("abc", GO)
    assert judge(flat(0.5, 0.4, 0.4), 3, ()) == {"a": GO, "b": STOP, "c": STOP}


def test_nobody_waits_for_an_arm_that_failed() -> None:
    assert judge(flat(0.3, 0.2, tenths=4), 3, {"c"}) == {"a": GO, "b": GO}
    assert judge({**flat(0.3, 0.2, tenths=4), "c": [0.9]}, 3, {"c"}) == {"a": GO, "b": GO, "c": GO}
    assert judge({}, 2, {"a", "b"}) == {}


def test_an_arm_that_is_done_is_a_mark_for_the_others() -> None:
    curves = {"a": [0.9] * 10, "b": [0.8] * 10, "c": [0.1] * 4}
    assert judge(curves, 3, {"a", "b"})["c"] is STOP


@given(st.lists(st.lists(st.floats(0, 1), min_size=7, max_size=7), min_size=1, max_size=6), st.randoms())
def test_the_order_of_arrival_changes_nothing(curves: list[list[float]], order: random.Random) -> None:
    whole = {str(i): curve for i, curve in enumerate(curves)}
    entries: list[RungEntry] = []
    trained = dict.fromkeys(whole, 0)
    while True:
        verdicts = HalvingRule().decide(entries, len(whole), ())
        running = [key for key in whole if trained[key] < 7 and verdicts.get(key, GO) is GO]
        if not running:
            break
        key = order.choice(running)
        trained[key] += 1
        entries.append(RungEntry(key, trained[key], whole[key][trained[key] - 1]))
    final = judge(whole, len(whole), ())
    assert verdicts == final, "and nobody waits at the end"
    assert WAIT not in final.values()
    survivors = [key for key, verdict in final.items() if verdict is GO]
    second = [key for key in whole if trained[key] == 7]
    assert survivors and all(trained[key] in RUNGS for key in whole)
    worst = min(max(whole[key]) for key in survivors)
    assert all(max(whole[key]) < worst for key in second if key not in survivors)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8, unique=True))
def test_the_best_at_every_rung_is_never_stopped(scores: list[float]) -> None:
    verdicts = judge(flat(*scores), len(scores), ())
    assert verdicts["abcdefgh"[scores.index(max(scores))]] is GO
    assert list(verdicts.values()).count(GO) == 1 if len(scores) <= 4 else 2


class Workers:
    """Runs several stages at once; the next one to report is drawn at random."""

    def __init__(self, room: Room, slots: int, seed: int) -> None:
        self.room, self.slots, self.random = room, slots, random.Random(seed)
        self.trained: dict[str, int] = {}  # tenths on disk
        self.most = 0  # stages that ran at once

    def run(self, reports: int = 10**6) -> bool:
        """Run the sweep for up to `reports` reports; returns True if it is complete."""
        self.room.stop_early("halving")
        assert self.room.early_stopping is not None
        board, running = self.room.board(), list[Stage]()
        for _ in range(reports):
            while len(running) < self.slots and (stage := board.start_next()) is not None:
                running.append(stage)
            self.most = max(self.most, len(running))
            if not running:
                break
            stage = self.random.choice(running)
            state, _ = board.running[stage.key]
            tenth = self.trained[stage.key] = self.trained.get(stage.key, 0) + 1
            if tenth == TENTHS:
                board.end(stage.key, finish(board.store, stage))
                running.remove(stage)
            elif self.room.early_stopping.report(state.stratum.id, stage.key, curve_of(stage)[:tenth]) is GO:
                board.judge_stratum(state)
            else:
                board.halt(stage.key, tenth, tenth, 1.0)
                running.remove(stage)
        assert board.is_complete or reports < 10**6, "an arm waits for ever"
        return board.is_complete


def test_slots_order_and_interruptions_change_nothing(room: Room, tmp_path: Path) -> None:
    results = []
    for seed, (slots, reports) in enumerate(itertools.product((1, 2, 7), (10**6, 40))):
        workers = Workers(Room(tmp_path / str(seed), room.space), slots, seed)
        while not workers.run(reports):
            pass
        results.append((dict(workers.trained), workers.room.stopped()))
        assert workers.most == slots, "an arm that waits holds no slot"
    assert all(result == results[0] for result in results[1:])
    trained, stopped = results[0]
    assert stopped and all(trained[key] in RUNGS for key in stopped)


def test_a_retried_arm_is_judged_as_if_it_had_never_failed(room: Room, tmp_path: Path) -> None:
    whole = Room(tmp_path / "whole", room.space)
    whole.stop_early("halving")
    whole.run()
    failed: set[str] = set()

    def fail_once(stage: Stage) -> str:
        if stage.learning_rate != 2e-3 or stage.task != "ccg":
            return "finished"
        failed.add(stage.key)
        return "error"

    room.stop_early("halving")
    room.status = fail_once
    room.run()
    room.status, room.retry_failed = lambda stage: "finished", True
    room.stop_early("halving")
    assert room.run().is_complete
    # The arms beside it went on without it, and what has finished stays finished.
    assert failed and whole.stopped() & failed == room.stopped() & failed


def upside_down(stage: Stage) -> tuple[float, ...]:
    """Return a curve by which the highest rate of a phase is the best: the rate that a later start adds."""
    return curve_of(stage) if stage.kind != "intermediate" else (1e2 * (stage.learning_rate or 0.0),) * TENTHS


@pytest.mark.parametrize("scheduler", ["halving", "asha"])
@pytest.mark.parametrize("grown", ["a rate", "a retried phase"])
def test_arms_of_a_former_parent_do_not_compete(room: Room, tmp_path: Path, scheduler: str, grown: str) -> None:
    """The phase has another winner than before, so its children's arms are other stages."""
    room.curve, rates = upside_down, room.space.learning_rates
    assert isinstance(rates, tuple)
    failing = ("intermediate", max(rates))
    if grown == "a rate":
        room.space = dataclasses.replace(room.space, learning_rates=rates[:-1])
    else:
        room.status = lambda stage: "error" if (stage.kind, stage.learning_rate) == failing else "finished"
    room.stop_early(scheduler, kinds=["target"])
    assert room.run().is_complete
    room.space = dataclasses.replace(room.space, learning_rates=rates)
    room.status, room.retry_failed = lambda stage: "finished", True
    room.stop_early(scheduler, kinds=["target"])
    board = room.run()
    assert board.is_complete, "an arm waits for ever"
    fresh = Room(tmp_path / "fresh", room.space, curve=upside_down)
    fresh.stop_early(scheduler, kinds=["target"])
    assert ends(board) == ends(fresh.run())


def ends(board: Board) -> dict[str, tuple[str, int]]:
    """Return status and last tenth of the target stages that have an intermediate task."""
    arms = [arm for s, arm in board.iter_arms() if s.intermediate != NONE and s.kind == "target" and arm.outcome]
    return {arm.stage.key: (arm.outcome.status, arm.outcome.tenth) for arm in arms}
