"""Which share of a GPU trials get, from made-up figures of memory."""

import dataclasses
from typing import Any

import pytest

from search.board.attempts import note
from search.driver.packing import Packing, memory_class, together
from tests.tiny_stages import TARGET
from trainables.worker.failures import DEVICE, MEMORY, PACKED, WORKER, Failure

GIB = 2**30
OTHER = dataclasses.replace(TARGET, task="xnli-en")


@pytest.mark.parametrize(
    ("peak", "number"),
    [(0, 4), (2, 4), (3, 2), (5, 2), (6, 1), (15, 1), (40, 1)],  # of 16 GiB: 4, 8 or 16 with the context and a margin
)
def test_as_many_as_fit_with_a_margin_share_a_gpu(peak: int, number: int) -> None:
    assert together(peak * GIB, 16 * GIB) == number


def test_a_class_of_memory_is_all_but_seed_rate_and_parent() -> None:
    same: tuple[dict[str, Any], ...] = ({"seed": 3}, {"learning_rate": 1e-6}, {"parent": "a"}, {"intermediate": "mnli"})
    for change in same:
        assert memory_class(dataclasses.replace(TARGET, **change)) == memory_class(TARGET)
    other: tuple[dict[str, Any], ...] = (
        {"task": "pos"},
        {"kind": "intermediate"},
        {"precision": "bf16"},
        {"start": {"name": "large"}},
        {"recipe": {"batch_size": 9}},
    )
    for change in other:
        assert memory_class(dataclasses.replace(TARGET, **change)) != memory_class(TARGET)


def test_what_was_not_measured_gets_a_whole_gpu_and_its_like_a_share() -> None:
    packing = Packing(2, 16 * GIB)
    assert packing.hand_out("a", TARGET, ()) == packing.hand_out("b", OTHER, ()) == 1
    packing.started("a")
    packing.ended("a", 2 * GIB)
    packing.started("b")
    packing.ended("b", None)  # it had no GPU after all
    assert packing.share(dataclasses.replace(TARGET, seed=1), ()) == 0.25
    assert packing.share(OTHER, ()) == 1
    packing.learn(TARGET, 5 * GIB)
    packing.learn(TARGET, GIB)
    assert packing.share(TARGET, ()) == 0.5, "the largest peak counts"


def test_where_gpus_cannot_tell_their_memory_nothing_is_packed() -> None:
    packing = Packing(2, None)
    packing.learn(TARGET, GIB)
    assert packing.share(TARGET, ()) == 1
    packing.hand_out("a", TARGET, ())
    assert packing.failed("a", Failure(MEMORY, "why")).kind is MEMORY


def test_memory_that_runs_out_in_a_share_is_the_packing_s_fault() -> None:
    packing = Packing(2, 16 * GIB)
    packing.learn(TARGET, 2 * GIB)
    assert packing.hand_out("a", TARGET, ()) == 0.25
    failure = packing.failed("a", Failure(MEMORY, "OutOfMemoryError", "Traceback"))
    assert failure == Failure(PACKED, "OutOfMemoryError", "Traceback")
    assert packing.share(TARGET, ()) == 0.5, "and its like get more"
    tried = (note(failure, moved=False),)
    assert packing.hand_out("b", TARGET, tried) == 1
    assert packing.failed("b", Failure(MEMORY, "OutOfMemoryError")).kind is MEMORY
    assert packing.share(TARGET, ()) == 1


def test_other_failures_stay_what_they_are() -> None:
    packing = Packing(1, 16 * GIB)
    packing.learn(TARGET, GIB)
    for kind, share in ((WORKER, 0.25), (DEVICE, 1.0)):  # a GPU's libraries do not always say that memory is short
        packing.hand_out("a", TARGET, ())
        failure = packing.failed("a", Failure(kind, "why"))
        assert failure.kind is kind and packing.share(TARGET, (note(failure, moved=False),)) == share


def test_no_more_is_handed_out_than_there_are_gpus() -> None:
    packing = Packing(2, 16 * GIB)
    packing.learn(OTHER, GIB)
    packing.hand_out("a", TARGET, ())
    assert not packing.full
    for trial in "bcde":
        assert not packing.full
        packing.hand_out(trial, OTHER, ())
    assert packing.full
    packing.ended("c")
    assert not packing.full


def test_nothing_small_overtakes_a_trial_that_waits_for_a_whole_gpu() -> None:
    packing = Packing(2, 16 * GIB)
    packing.learn(OTHER, GIB)
    for trial in "abcd":
        packing.hand_out(trial, OTHER, ())
        packing.started(trial)
    packing.hand_out("whole", TARGET, ())  # two small ones may run on each GPU
    packing.ended("a")
    assert packing.full
    packing.started("whole")
    assert not packing.full


def test_equals_that_wait_for_their_processes_hold_nobody_back() -> None:
    packing = Packing(3, 16 * GIB)
    packing.hand_out("a", TARGET, ())
    packing.started("a")
    packing.hand_out("b", TARGET, ())
    assert not packing.full
