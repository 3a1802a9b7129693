"""The stages that the board hands out, their order, and the stages that it takes for done."""

import dataclasses
import json
import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from search.board.arms import Arm, choose_winner
from spaces.checksum import checksum
from spaces.stage import OUTCOME_FILE
from tests.search.conftest import FINISHED, Room, curve_of, files_in
from trainables.record.context import CHECKPOINT, ENCODER
from trainables.record.outcome import Outcome
from trainables.record.scores import build_score_rows, encode_scores


def test_every_stage_runs_once_and_after_its_parent(room: Room) -> None:
    board = room.run()
    assert board.is_complete
    keys = [stage.key for stage in room.ran]
    assert len(keys) == len(set(keys)) == sum(stratum.arm_count for stratum in room.plan())
    for position, stage in enumerate(room.ran):
        assert stage.parent is None or stage.parent in keys[:position]


def test_children_start_from_the_best_on_english_dev(room: Room) -> None:
    board = room.run()
    for state in board.states.values():
        if state.parent is None or not state.arms:
            continue
        best = max(state.parent.arms, key=lambda arm: max(curve_of(arm.stage)))
        assert {arm.stage.parent for arm in state.arms} == {best.stage.key}


@pytest.mark.parametrize("killed_after", [0, 1, 5, 9, 20, 40])
def test_a_killed_sweep_goes_on_and_repeats_nothing(room: Room, killed_after: int) -> None:
    room.run(most=killed_after)
    board = room.run()
    assert board.is_complete
    assert len(room.ran) == len({stage.key for stage in room.ran})
    whole = Room(room.results / "whole", room.space)
    whole.run()
    assert {stage.key for stage in room.ran} == {stage.key for stage in whole.ran}


def test_the_same_command_again_runs_nothing(room: Room) -> None:
    room.run()
    room.ran.clear()
    assert room.run().is_complete
    assert room.ran == []


def test_more_seeds_run_only_what_is_new(room: Room) -> None:
    room.run()
    done = {stage.key for stage in room.ran}
    room.ran.clear()
    room.space = dataclasses.replace(room.space, seeds=(0, 1, 2))
    assert room.run().is_complete
    assert room.ran and all(stage.seed == 2 for stage in room.ran)
    assert not done & {stage.key for stage in room.ran}


def test_a_failed_stage_does_not_stop_the_sweep(room: Room) -> None:
    room.status = lambda stage: "error" if stage.task == "ccg" and stage.seed == 0 else "finished"
    board = room.run()
    assert board.is_complete
    unreachable = [state for state in board.states.values() if state.unreachable_reason]
    assert unreachable and all(state.intermediate == "ccg" and state.stratum.seed == 0 for state in unreachable)
    assert "no arm of intermediate.ccg..0 finished" in str(unreachable[0].unreachable_reason)


def test_failed_stages_are_tried_again_only_when_asked(room: Room) -> None:
    room.status = lambda stage: "error" if stage.task == "ccg" else "finished"
    room.run()
    failed = [stage.key for stage in room.ran if stage.task == "ccg"]
    room.ran.clear()
    room.status = lambda stage: "finished"
    room.run()
    assert room.ran == []
    room.retry_failed = True
    assert room.run().is_complete
    assert {stage.key for stage in room.ran} >= set(failed)


def arm(index: int, status: str, score: float | None, tenth: int = 10) -> Arm:
    outcome = Outcome(key=str(index), status=status, score=score, tenth=tenth)  # type: ignore[arg-type]
    return Arm(index, stage=SimpleNamespace(learning_rate=0.1 + index), outcome=outcome)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arms", "winner"),
    [
        ([arm(0, "finished", 0.5), arm(1, "finished", 0.7)], 1),
        ([arm(0, "finished", 0.5), arm(1, "stopped", 0.9, tenth=3)], 0),
        ([arm(0, "finished", 0.5), arm(1, "degenerate", 0.9)], 0),
        ([arm(0, "finished", 0.5), arm(1, "failed", None, tenth=0)], 0),
        ([arm(0, "finished", 0.5), arm(1, "finished", 0.5)], 0),
        ([arm(0, "stopped", 0.9, tenth=6)], None),
        ([arm(0, "degenerate", 0.3), arm(1, "stopped", 0.9, tenth=6)], 0),
        ([arm(0, "degenerate", None, tenth=2)], None),  # diverged: there are no weights to start from
        ([arm(0, "finished", None)], 0),
    ],
)
def test_only_finished_arms_win(arms: list[Arm], winner: int | None) -> None:
    best = choose_winner(arms)
    assert (None if best is None else best.index) == winner


def test_losers_leave_no_weights_and_winners_keep_theirs(room: Room) -> None:
    board = room.run()
    for state in board.states.values():
        for member in state.arms:
            folder = room.results / "stages" / member.stage.key
            assert not (folder / CHECKPOINT).exists()
            if state.stratum.kind == "intermediate":
                assert (folder / ENCODER).exists() == (member is state.winner)


def test_a_stopped_stage_leaves_no_checkpoint_while_its_stratum_is_open(room: Room) -> None:
    board = room.run(most=1)
    stage = board.start_next()
    assert stage is not None
    checkpoint = room.results / "stages" / stage.key / CHECKPOINT
    checkpoint.write_bytes(b"weights")
    board.end(stage.key, board.store.write_stopped(stage, [0.1, 0.1, 0.1], steps=3, seconds=1.0))
    state = next(state for state in board.states.values() if any(arm.stage is stage for arm in state.arms))
    assert not state.is_settled and not checkpoint.exists()


def test_a_look_at_what_would_run_changes_nothing(room: Room) -> None:
    room.keep = "none"
    room.run()
    (room.results / "stages" / room.ran[-1].key / OUTCOME_FILE).write_text("{")
    room.space = dataclasses.replace(room.space, targets=("xnli", "xquad", "tatoeba", "udpos"))
    before = files_in(room.results)
    room.read_only = True
    assert not room.board().is_complete and files_in(room.results) == before
    room.read_only = False
    assert room.board() and files_in(room.results) != before, "a run reopens what it needs"


def test_keep_none_removes_a_parent_when_its_last_child_is_done(room: Room) -> None:
    room.keep = "none"
    room.run()
    assert not list(room.results.glob(f"stages/*/{ENCODER}"))


def test_a_removed_encoder_that_is_needed_again_is_trained_again(room: Room) -> None:
    room.keep = "none"
    room.run()
    room.ran.clear()
    room.space = dataclasses.replace(room.space, targets=("xnli", "xquad", "tatoeba", "udpos"))
    assert room.run().is_complete
    kinds = {(stage.kind, stage.task) for stage in room.ran}
    assert ("target", "udpos-en") in kinds and ("pretrain", "encoder") in kinds
    assert not any(task in ("xnli-en", "squad-en", "tatoeba") for _, task in kinds)


def test_a_damaged_outcome_is_set_aside_and_its_stage_runs_again(room: Room) -> None:
    room.run()
    victim = room.ran[3]
    path = room.results / "stages" / victim.key / OUTCOME_FILE
    path.write_text('{"key": ')
    room.ran.clear()
    board = room.run()
    assert [stage.key for stage in room.ran] == [victim.key]
    (line,) = board.store.damage
    assert line.startswith(f"stages/{victim.key}/{OUTCOME_FILE} is damaged")
    assert line.endswith(f"{OUTCOME_FILE}.damaged")
    assert path.with_name(f"{OUTCOME_FILE}.damaged").exists()


def test_target_scores_cannot_reach_selection(room: Room) -> None:
    # The same parents are chosen whatever the score rows are, since the board never opens them.
    room.run()
    stages = {stage.key: stage for stage in room.ran}
    parents = {(s.task, s.seed, s.learning_rate): s.parent for s in room.ran if s.kind == "target"}
    for path in room.results.glob("stages/*/scores.parquet"):  # another test score everywhere
        rows = [{"language": "de", "split": "test", "metric": "f1", "value": random.random()}]
        content = encode_scores(build_score_rows(stages[path.parent.name], rows, FINISHED))
        path.write_bytes(content)
        outcome = path.with_name(OUTCOME_FILE)
        outcome.write_text(json.dumps({**json.loads(outcome.read_text()), "scores": checksum(content)}))
    other = Room(room.results, room.space)
    board = other.run()
    assert other.ran == [] and board.is_complete
    targets = [arm.stage for stratum, arm in board.iter_arms() if stratum.kind == "target"]
    assert {(stage.task, stage.seed, stage.learning_rate): stage.parent for stage in targets} == parents


def test_two_sweeps_share_their_stages(room: Room) -> None:
    room.run()
    other = Room(room.results, dataclasses.replace(room.space, intermediates=("mnli",), targets=("xnli",)))
    assert other.run().is_complete
    assert other.ran == []


def test_nothing_waits_while_something_could_run(room: Room) -> None:
    # Two workers: after the pretraining both always have work until the very end.
    board = room.board()
    first = board.start_next()
    assert first is not None and board.start_next() is None
    room.step(board, first)
    while not board.is_complete:
        stages = [board.start_next(), board.start_next()]
        assert stages[0] is not None
        for stage in stages:
            if stage is not None:
                room.step(board, stage)
    assert {stage.kind for stage in room.ran} == {"pretrain", "intermediate", "target", "retrieval"}


def test_results_are_where_the_architecture_says(room: Room, tmp_path: Path) -> None:
    room.run(most=1)
    folder = tmp_path / "stages" / room.ran[0].key
    assert {path.name for path in folder.iterdir()} >= {"spec.json", OUTCOME_FILE, ENCODER}
