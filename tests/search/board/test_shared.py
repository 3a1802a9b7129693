"""A target that a phase leaves trained waits for that phase, and for nothing else."""

import pytest

from spaces.halving import Verdict
from spaces.stage import TENTHS, Stage
from tests.search.conftest import Room, finish

SHARED = {f"target.xnli-en.none.{seed}": f"intermediate.mnli..{seed}" for seed in (0, 1)}


@pytest.fixture
def sharing(room: Room) -> Room:
    room.shared = SHARED
    return room


def is_shared(stage: Stage) -> bool:
    return stage.task == "xnli-en" and stage.intermediate == "none"


def phase_of(stage: Stage, ran: list[Stage]) -> int:
    """The place of the phase of a target among the stages that ran."""
    same = [
        i
        for i, other in enumerate(ran)
        if (other.kind, other.task, other.seed, other.learning_rate)
        == ("intermediate", "mnli", stage.seed, stage.learning_rate)
    ]
    return same[0]


@pytest.mark.parametrize("slots", [1, 3, 50])
def test_no_target_starts_before_its_phase_has_ended(sharing: Room, slots: int) -> None:
    board, running, ended = sharing.board(), list[Stage](), list[Stage]()
    while True:
        while len(running) < slots and (stage := board.start_next()) is not None:
            if is_shared(stage):
                assert phase_of(stage, ended) < len(ended)
            running.append(stage)
        if not running:
            break
        stage = running.pop(0)
        board.end(stage.key, finish(board.store, stage))
        ended.append(stage)
    assert board.is_complete and sum(map(is_shared, ended)) == 6


def test_a_phase_is_told_of_the_targets_of_its_own_rate_and_seed(sharing: Room) -> None:
    board, told = sharing.board(), dict[str, list[str]]()
    targets: dict[str, Stage] = {}
    while (stage := board.start_next()) is not None:
        told[stage.key] = board.prepare_targets(stage.key)
        targets |= {stage.key: stage} if is_shared(stage) else {}
        assert all((sharing.results / "stages" / key / "spec.json").exists() for key in told[stage.key])
        sharing.step(board, stage)
    by_key = {stage.key: stage for stage in sharing.ran}
    pairs = [(by_key[phase], targets[target]) for phase, keys in told.items() for target in keys]
    assert len(pairs) == 6
    for phase, target in pairs:
        assert (phase.task, phase.seed, phase.learning_rate) == ("mnli", target.seed, target.learning_rate)


def test_a_target_whose_phase_has_failed_is_trained_by_itself(sharing: Room) -> None:
    sharing.status = lambda stage: "error" if stage.kind == "intermediate" and stage.task == "mnli" else "finished"
    board = sharing.run()
    assert board.is_complete and sum(map(is_shared, sharing.ran)) == 6


def test_a_target_whose_phase_has_ended_before_is_trained_by_itself(sharing: Room) -> None:
    sharing.shared = {}
    sharing.run(most=8)  # the phases of a seed, and some targets
    sharing.shared = SHARED
    assert sharing.run().is_complete


def test_halving_does_not_wait_for_ever(sharing: Room) -> None:
    sharing.stop_early("halving", kinds=("target",))
    assert sharing.run().is_complete


def test_a_race_does_not_wait_for_ever(sharing: Room) -> None:
    sharing.races = True
    assert sharing.run().is_complete


def test_a_target_that_halving_stops_has_the_steps_of_its_rung(sharing: Room) -> None:
    sharing.stop_early("halving", kinds=("target",))
    board, first = sharing.board(), sharing.early_stopping
    assert first is not None
    stopped = []
    while (stage := board.start_next()) is not None:
        state, _ = board.running[stage.key]
        if is_shared(stage):  # trained to its end by the phase: its whole curve comes with the first report
            curve = sharing.curve(stage)
            if first.report(state.stratum.id, stage.key, curve) is not Verdict.GO:
                board.halt(stage.key, TENTHS, 100, 1.0)
                continue
        sharing.step(board, stage)
    for stratum, arm in board.iter_arms():
        if arm.status == "stopped" and is_shared(arm.stage):
            assert arm.outcome is not None and stratum.kind == "target"
            stopped.append((arm.outcome.tenth, arm.outcome.steps))
    assert stopped and all(tenth < TENTHS and steps < 100 for tenth, steps in stopped)
