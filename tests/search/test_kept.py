"""`--predictions` and `--probes` on their way to the workers, and the note on stages that finished without them."""

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest

from search.board.board import Board
from search.run import _print_missing_models, _print_missing_outputs
from spaces.model_files import NO_MODEL_NOTE
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PROBE_COLUMNS, PROBES_FILE
from tests.on_disk import folder_of
from tests.search.asked import request_of
from tests.search.conftest import Room
from trainables.record.context import MODEL
from trainables.record.results import build_schema, write_tables


def test_the_flags_are_no_part_of_any_key_or_specification(tmp_path: Path) -> None:
    # Tasks by name: left to itself, `--probes alignment` adds its controls to the space.
    flags = ["--space", "quick", "--intermediates", "mnli", "--results", str(tmp_path)]
    more_flags = ["--predictions", "--keep-models", "--probes", "alignment"]
    plain, kept = (request_of(*flags, *more) for more in ([], more_flags))
    changes = {"keep_predictions": True, "keep_models": True, "probes": ("alignment",)}
    assert kept.context == dataclasses.replace(plain.context, **changes)
    assert kept.spec == plain.spec and kept.plan == plain.plan
    for stratum in plain.plan:
        assert plain.maker.make_stage(stratum, 1e-3, "p") == kept.maker.make_stage(stratum, 1e-3, "p")


def test_finished_stages_without_what_is_asked_for_are_counted(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.status = lambda stage: "degenerate" if stage.kind == "target" and stage.seed == 1 else "finished"
    board = room.run()
    kept = [stage for stage in room.ran if stage.kind != "pretrain" and (stage.kind, stage.seed) != ("target", 1)]
    for stage in kept[1:]:
        (folder_of(board.store.context, stage.key) / PREDICTIONS_FILE).touch()
    arguments = ("predictions", ("intermediate", "target", "retrieval"), board.store.has_predictions)
    _print_missing_outputs(board, *arguments)
    output = capsys.readouterr().out
    assert f"1 of {len(kept)} finished stages have no predictions" in output and "--results" in output
    assert output.count("\n") == 1
    (folder_of(board.store.context, kept[0].key) / PREDICTIONS_FILE).touch()
    _print_missing_outputs(board, *arguments)
    assert capsys.readouterr().out == ""


def test_a_stage_has_its_probes_when_every_family_is_in_the_file(room: Room) -> None:
    store = room.run().store
    store.context = dataclasses.replace(store.context, probes=("one", "other"))
    key = next(stage.key for stage in room.ran if stage.kind == "target")
    file = folder_of(store.context, key) / PROBES_FILE
    assert not store.has_probes(key)
    for families, is_complete in ((["one"], False), (["one", "other", "third"], True)):
        rows = [{"family": family, "probe": "p"} for family in families]
        write_tables(file, [pa.Table.from_pylist([row], schema=build_schema(PROBE_COLUMNS)) for row in rows])
        assert store.has_probes(key) is is_complete
    file.write_bytes(file.read_bytes()[:-9])
    assert not store.has_probes(key)


def run_keeping_models(room: Room) -> Board:
    """Run a sweep whose target stages all leave a model, as workers do with `--keep-models`."""
    board = room.board()
    board.store.context = dataclasses.replace(board.store.context, keep_models=True)
    while (stage := board.start_next()) is not None:
        if stage.kind == "target":
            (folder_of(board.store.context, stage.key) / MODEL).mkdir(parents=True)
        room.step(board, stage)
    return board


def test_only_the_winner_of_a_stratum_keeps_its_model(room: Room) -> None:
    board = run_keeping_models(room)
    targets = [state for state in board.states.values() if state.stratum.kind == "target"]
    winners = {state.winner.stage.key for state in targets if state.winner is not None}
    kept = {path.parent.name for path in room.results.glob(f"stages/*/{MODEL}")}
    assert kept == winners and len(winners) == len(targets) < sum(len(state.arms) for state in targets)


def test_with_keep_all_every_arm_keeps_its_model(room: Room) -> None:
    room.keep = "all"
    board = run_keeping_models(room)
    kept = {path.parent.name for path in room.results.glob(f"stages/*/{MODEL}")}
    assert kept == {stage.key for stage in room.ran if stage.kind == "target"} and len(kept) > len(board.states) / 2


def test_targets_that_ran_without_keep_models_are_counted(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    board = run_keeping_models(room)
    _print_missing_models(board)
    assert capsys.readouterr().out == ""
    first, *_ = sorted(room.results.glob(f"stages/*/{MODEL}"))
    first.rmdir()
    _print_missing_models(board)
    assert "note: 1 of " in capsys.readouterr().out
    state = next(s for s in board.states.values() if s.winner and s.winner.stage.key == first.parent.name)
    assert state.winner is not None and state.winner.outcome is not None
    state.winner.outcome = dataclasses.replace(state.winner.outcome, note=f"{NO_MODEL_NOTE}its head")
    _print_missing_models(board)
    assert capsys.readouterr().out == ""
