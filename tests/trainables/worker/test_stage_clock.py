"""Every second of a stage belongs to one activity."""

import time

import pytest

from spaces.activities import ABOUT, ACTIVITIES, FREE, sum_cost
from trainables.worker.stage_clock import StageClock, spend


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_innermost_activity_counts_and_the_sum_is_the_whole() -> None:
    clock = Clock()
    stage = StageClock(clock)
    clock.now = 1.0
    with stage.running("training"):
        clock.now = 3.0
        with spend("dev"):
            clock.now = 7.0
            with spend("tokenising"):
                clock.now = 15.0
        clock.now = 31.0
    clock.now = 63.0
    spent = stage.read()
    known = {"waiting": 33.0, "training": 18.0, "dev": 4.0, "tokenising": 8.0}
    assert spent == dict.fromkeys(ACTIVITIES, 0.0) | known and sum(spent.values()) == 63.0
    assert sum_cost(spent) == 30.0


def test_an_error_ends_the_activity() -> None:
    clock = Clock()
    stage = StageClock(clock)
    with pytest.raises(ValueError, match="made up"), stage.running("training"), spend("dev"):
        clock.now = 2.0
        raise ValueError("made up")
    clock.now = 5.0
    assert stage.read()["dev"] == 2.0 and stage.read()["waiting"] == 3.0


def test_without_a_stage_nothing_is_counted() -> None:
    stage = StageClock()
    with spend("dev"):
        time.sleep(0.001)
    assert stage.read()["dev"] == 0.0


def test_what_earlier_processes_spent_is_added() -> None:
    clock = Clock()
    stage = StageClock(clock)
    stage.add({"training": 4.0})
    with stage.running("training"):
        clock.now = 2.0
    assert stage.read()["training"] == 6.0


def test_every_activity_is_described_and_only_probes_and_waiting_are_free() -> None:
    assert ABOUT.keys() == set(ACTIVITIES) and set(FREE) == {"probing", "waiting"}
