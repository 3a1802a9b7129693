"""Merges on the board: they wait for all of their members, and keep their encoders until they have used them."""

import dataclasses
import shutil

import pytest

from search.sweep.sweep_state import read_states
from spaces.untrained_phase import MERGED
from tests.search.conftest import Room
from trainables.record.context import ENCODER
from trainables.storage.local_storage import LocalStorage


@pytest.fixture
def merging(room: Room) -> Room:
    room.space = dataclasses.replace(room.space, intermediates=("mnli", "mnli|ccg"))
    return room


def test_a_merge_starts_from_the_winners_of_all_its_members(merging: Room) -> None:
    board = merging.run()
    assert board.is_complete
    keys = [stage.key for stage in merging.ran]
    merges = [stage for stage in merging.ran if stage.intermediate == "mnli|ccg" and stage.kind == "intermediate"]
    assert [stage.seed for stage in merges] == [0, 1]
    for merge in merges:
        winners = [board.states[f"intermediate.{task}..{merge.seed}"].winner for task in ("mnli", "ccg")]
        members = sorted(winner.stage.key for winner in winners if winner is not None)
        assert merge.recipe == {MERGED: members}
        assert all(keys.index(member) < keys.index(merge.key) for member in members)


@pytest.mark.parametrize("killed_after", [1, 4, 7, 8, 9, 15])
def test_a_killed_sweep_with_a_merge_repeats_nothing(merging: Room, killed_after: int) -> None:
    merging.run(most=killed_after)
    assert merging.run().is_complete
    assert len(merging.ran) == len({stage.key for stage in merging.ran})


def test_a_merge_without_one_of_its_members_is_not_reached(merging: Room) -> None:
    merging.status = lambda stage: "error" if stage.task == "ccg" else "finished"
    board = merging.run()
    state = board.states["intermediate.mnli|ccg..0"]
    assert state.unreachable_reason == "no arm of intermediate.ccg..0 finished"
    assert not any("|" in stage.intermediate for stage in merging.ran)


def test_with_keep_none_the_members_last_until_the_merge_has_read_them(merging: Room) -> None:
    merging.keep = "none"
    merging.run()
    assert not list(merging.results.glob(f"stages/*/{ENCODER}"))


def test_a_member_whose_encoder_is_gone_is_trained_again_for_a_new_merge(merging: Room) -> None:
    merging.space = dataclasses.replace(merging.space, intermediates=("mnli", "ccg"))
    merging.run()
    done = {stage.key for stage in merging.ran}
    for folder in merging.results.glob(f"stages/*/{ENCODER}"):
        shutil.rmtree(folder)
    merging.ran.clear()
    merging.space = dataclasses.replace(merging.space, intermediates=("mnli", "ccg", "mnli|ccg"))
    assert merging.run().is_complete
    again = {(stage.kind, stage.task) for stage in merging.ran if stage.key in done}
    assert {("intermediate", "mnli"), ("intermediate", "ccg")} <= again


def test_the_state_of_a_sweep_on_disk_knows_its_merges(merging: Room) -> None:
    merging.write(merging.run())
    (state,) = read_states(LocalStorage(merging.results), ["s"])
    assert state.is_complete
    record = state.records["intermediate.mnli|ccg..0"]
    assert record.winner is not None and record.merged == ("intermediate.mnli..0", "intermediate.ccg..0")
    assert (record.kind_and_task, record.intermediate) == (("intermediate", "mnli|ccg"), "mnli|ccg")
