"""Sweeps from flags, on the virtual clock: added stages come to their end, and no race shuts a chain out."""

from collections import Counter

import pytest

from search.board.board import Board
from search.request.options import SCHEDULERS

from .made_up import made_up
from .memory_storage import MemoryStorage
from .sweep import virtual_sweep

KINDS = ("pretrain encoder", "intermediate mnli", "intermediate ccg", "target xnli-en", "target squad-en")
STEPS = {**dict.fromkeys(KINDS, 100), "retrieval tatoeba": 0}
COURSES = made_up(dict.fromkeys(STEPS, 10.0), STEPS, noise=0.05)
ALL = pytest.mark.parametrize("scheduler", SCHEDULERS)


def run(storage: MemoryStorage, scheduler: str, targets: str, seeds: str, rates: str) -> Board:
    """Run the new stages of a sweep."""
    flags = f"--intermediates mnli,ccg --targets {targets} --seeds {seeds} --learning-rates {rates}"
    _, _, board = virtual_sweep([*flags.split(), "--scheduler", scheduler], storage).run(COURSES, 3)
    return board


def whole(board: Board) -> bool:
    """Return True if every stage came to its end, and none was unreachable."""
    return board.is_complete and not any(state.unreachable_reason for state in board.states.values())


@ALL
@pytest.mark.parametrize("seed", ["0", "1", "2", "3"])  # another rate may win a phase: its children are other stages
def test_a_rate_that_is_added_comes_to_its_end(scheduler: str, seed: str) -> None:
    storage = MemoryStorage()
    assert whole(run(storage, scheduler, "xnli,xquad", seed, "1e-5,2e-5"))
    assert whole(run(storage, scheduler, "xnli,xquad", seed, "1e-5,2e-5,3e-5"))
    again = run(storage, scheduler, "xnli,xquad", seed, "1e-5,2e-5,3e-5")
    assert whole(again) and all(arm.is_reused for _, arm in again.iter_arms())


@ALL
def test_seeds_and_targets_that_are_added_come_to_their_end(scheduler: str) -> None:
    storage = MemoryStorage()
    assert whole(run(storage, scheduler, "xnli", "1,2,3", "1e-5,2e-5,3e-5"))
    assert whole(run(storage, scheduler, "xnli,tatoeba", "0,1,2,3,4", "1e-5,2e-5,3e-5"))
    assert whole(run(storage, scheduler, "xnli,xquad,tatoeba", "0,1,2,3,4,5", "1e-5,2e-5,3e-5"))


@pytest.mark.parametrize("scheduler", [name for name in SCHEDULERS if name != "racing"])
def test_seeds_of_single_chains_that_are_added_come_to_their_end_and_train_nothing_else(scheduler: str) -> None:
    storage, rates = MemoryStorage(), "1e-5,2e-5,3e-5"
    before = {arm.stage.key for _, arm in run(storage, scheduler, "xnli,tatoeba", "0..2", rates).iter_arms()}
    more = run(storage, scheduler, "xnli,tatoeba", "0..2,none=0..5,mnli=4", rates)
    added = {(stratum.intermediate, stratum.seed) for stratum, arm in more.iter_arms() if arm.stage.key not in before}
    assert whole(more) and added == {("none", 3), ("none", 4), ("none", 5), ("mnli", 4)}
    everywhere = run(storage, scheduler, "xnli,tatoeba", "0..5", rates)
    reused = {arm.stage.key for _, arm in everywhere.iter_arms() if arm.is_reused}
    assert whole(everywhere) and {arm.stage.key for _, arm in more.iter_arms()} <= reused


def test_without_a_target_that_is_trained_a_race_is_none() -> None:
    race, plain = (run(MemoryStorage(), name, "tatoeba", "0,1,2,3", "1e-5") for name in ("racing", "halving"))
    kinds = [Counter(stratum.kind for stratum, _ in board.iter_arms()) for board in (race, plain)]
    assert whole(race) and kinds[0] == kinds[1] and kinds[0]["intermediate"] == 8
