"""Shares of GPUs for trials, from made-up figures of memory."""

import dataclasses
from typing import Any

import pytest

from search.board.attempts import Attempt, can_retry, make_attempt
from search.driver.packing import GpuPacking, count_trials_per_gpu, memory_class_of
from tests.tiny_stages import TARGET
from trainables.worker.failures import DEVICE, MEMORY, PACKED, WORKER, Failure

GIB = 2**30
OTHER = dataclasses.replace(TARGET, task="xnli-en")


@pytest.mark.parametrize(
    ("peak", "count"),
    [(0, 4), (2, 4), (3, 2), (5, 2), (6, 1), (15, 1), (40, 1)],  # of 16 GiB: 4, 8 or 16 with the context and a margin
)
def test_as_many_as_fit_with_a_margin_share_a_gpu(peak: int, count: int) -> None:
    assert count_trials_per_gpu(peak * GIB, 16 * GIB) == count


def test_a_class_of_memory_is_all_but_seed_rate_and_parent() -> None:
    same: tuple[dict[str, Any], ...] = ({"seed": 3}, {"learning_rate": 1e-6}, {"parent": "a"}, {"intermediate": "mnli"})
    for change in same:
        assert memory_class_of(dataclasses.replace(TARGET, **change)) == memory_class_of(TARGET)
    other: tuple[dict[str, Any], ...] = (
        {"task": "pos"},
        {"kind": "intermediate"},
        {"precision": "bf16"},
        {"start": {"name": "large"}},
        {"recipe": {"batch_size": 9}},
    )
    for change in other:
        assert memory_class_of(dataclasses.replace(TARGET, **change)) != memory_class_of(TARGET)


def test_what_was_not_measured_gets_a_whole_gpu_and_its_like_a_share() -> None:
    packing = GpuPacking(2, 16 * GIB)
    assert packing.add_trial("a", TARGET, ()) == packing.add_trial("b", OTHER, ()) == 1
    packing.mark_running("a")
    packing.remove_trial("a", 2 * GIB)
    packing.mark_running("b")
    packing.remove_trial("b", None)  # it had no GPU after all
    assert packing.share_of(dataclasses.replace(TARGET, seed=1), ()) == 0.25
    assert packing.share_of(OTHER, ()) == 1
    packing.record_peak(TARGET, 5 * GIB)
    packing.record_peak(TARGET, GIB)
    assert packing.share_of(TARGET, ()) == 0.5, "the largest peak counts"


def test_where_gpus_cannot_tell_their_memory_nothing_is_packed() -> None:
    packing = GpuPacking(2, None)
    packing.record_peak(TARGET, GIB)
    assert packing.share_of(TARGET, ()) == 1
    packing.add_trial("a", TARGET, ())
    assert packing.remove_failed_trial("a", Failure(MEMORY, "why")).kind is MEMORY


def test_memory_that_runs_out_in_a_share_is_the_packing_s_fault() -> None:
    packing = GpuPacking(2, 16 * GIB)
    packing.record_peak(TARGET, 2 * GIB)
    assert packing.add_trial("a", TARGET, ()) == 0.25
    failure = packing.remove_failed_trial("a", Failure(MEMORY, "OutOfMemoryError", "Traceback"))
    assert failure == Failure(PACKED, "OutOfMemoryError", "Traceback")
    assert packing.share_of(TARGET, ()) == 0.5, "and its like get more"
    attempts = (make_attempt(failure, moved=False),)
    assert packing.add_trial("b", TARGET, attempts) == 1
    assert packing.remove_failed_trial("b", Failure(MEMORY, "OutOfMemoryError")).kind is MEMORY
    assert packing.share_of(TARGET, ()) == 1


def test_other_failures_stay_what_they_are() -> None:
    packing = GpuPacking(1, 16 * GIB)
    packing.record_peak(TARGET, GIB)
    packing.add_trial("a", TARGET, ())
    failure = packing.remove_failed_trial("a", Failure(WORKER, "why"))
    assert failure.kind is WORKER and packing.share_of(TARGET, (make_attempt(failure, moved=False),)) == 0.25


def test_a_device_s_fault_may_be_a_neighbour_s_and_on_a_whole_gpu_is_the_stage_s_own() -> None:
    packing = GpuPacking(1, 16 * GIB)
    packing.record_peak(TARGET, GIB)
    attempts: tuple[Attempt, ...] = ()
    for share, kind in ((0.25, PACKED), (1.0, DEVICE), (1.0, DEVICE)):
        assert can_retry(attempts) if attempts else True
        assert packing.add_trial("a", TARGET, attempts) == share
        failure = packing.remove_failed_trial("a", Failure(DEVICE, "CUDA error: an illegal memory access"))
        assert failure.kind is kind
        attempts = (*attempts, make_attempt(failure, moved=False))
    assert not can_retry(attempts), "the fault in a share cost no try, the two others did"
    assert packing.share_of(TARGET, ()) == 0.25, "it says nothing of the memory that others need"


def test_no_more_is_handed_out_than_there_are_gpus() -> None:
    packing = GpuPacking(2, 16 * GIB)
    packing.record_peak(OTHER, GIB)
    packing.add_trial("a", TARGET, ())
    assert not packing.is_full
    for trial in "bcde":
        assert not packing.is_full
        packing.add_trial(trial, OTHER, ())
    assert packing.is_full
    packing.remove_trial("c")
    assert not packing.is_full


def test_nothing_small_overtakes_a_trial_that_waits_for_a_whole_gpu() -> None:
    packing = GpuPacking(2, 16 * GIB)
    packing.record_peak(OTHER, GIB)
    for trial in "abcd":
        packing.add_trial(trial, OTHER, ())
        packing.mark_running(trial)
    packing.add_trial("whole", TARGET, ())  # two small ones may run on each GPU
    packing.remove_trial("a")
    assert packing.is_full
    packing.mark_running("whole")
    assert not packing.is_full


def test_equals_that_wait_for_their_processes_hold_nobody_back() -> None:
    packing = GpuPacking(3, 16 * GIB)
    packing.add_trial("a", TARGET, ())
    packing.mark_running("a")
    packing.add_trial("b", TARGET, ())
    assert not packing.is_full
