"""clean.py: a dry run removes nothing, and no sweep of the results needs what is removed."""

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from search.clean import main
from search.driver.status_writer import StatusWriter
from search.sweep.cleanup import remove
from search.sweep.sweep_file import lock_results
from spaces.probe_columns import PREVIEW_FILE
from spaces.stage import OUTCOME_FILE
from tests.search.conftest import Room, files_in
from trainables.record.context import CHECKPOINT, ENCODER, LOCK, MODEL, SCORES
from trainables.storage.local_storage import LocalStorage


def fill(room: Room) -> None:
    """Weights in every stage's folder, as if nothing had ever been removed, and what kills and damage leave."""
    for folder in (room.results / "stages").iterdir():
        (folder / CHECKPOINT).write_bytes(b"checkpoint")
        (folder / LOCK).touch()
    folder = room.results / "stages" / room.ran[0].key
    (folder / ".encoder.417").mkdir()
    (folder / ".encoder.417" / "model.safetensors").write_bytes(b"half")
    (folder / ".tmpAb12Cd").write_bytes(b"half")
    (room.results / "s" / ".sweep.json.417").write_bytes(b"half")
    (folder / f"{CHECKPOINT}.damaged").write_bytes(b"damaged")
    table = room.results / "encoded" / "0123"
    table.mkdir(parents=True)
    (table / "ids.npy").write_bytes(b"table")
    foreign = room.results / "stages" / "0123456789abcdef"
    foreign.mkdir()
    (foreign / SCORES).write_bytes(b"scores")


@pytest.fixture(params=[30, 40], ids=["among intermediate tasks", "among targets"])
def filled(request: pytest.FixtureRequest, room: Room) -> Room:
    """A sweep that was killed in its second seed with two stages under way, before anything was removed."""
    room.keep = "all"
    board = room.run(most=request.param)
    assert board.start_next() and board.start_next()
    room.write(board)
    fill(room)
    return room


def what_runs(room: Room) -> list[str]:
    """Keys of the stages that the same command would run from here, on a copy of the results."""
    copy = room.results.parent / "copy"
    shutil.copytree(room.results, copy)
    try:
        other = Room(copy, room.space, keep="winners")
        other.run()
        return [stage.key for stage in other.ran]
    finally:
        shutil.rmtree(copy)


@pytest.fixture
def room(tmp_path: Path, room: Room) -> Room:
    room.results = tmp_path / "results"
    return room


@pytest.mark.parametrize("flags", [(), ("--keep", "none"), ("--damaged", "--tables", "--foreign")], ids=str)
def test_a_dry_run_changes_nothing(filled: Room, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    before = files_in(filled.results)
    assert main([str(filled.results / "s"), "--dry-run", *flags]) == 0
    assert files_in(filled.results) == before
    assert "to remove, in all" in capsys.readouterr().out


@pytest.mark.parametrize("keep", ["none", "winners", "all"])
def test_the_same_command_runs_the_same_stages_before_and_after(filled: Room, keep: str) -> None:
    before = what_runs(filled)
    unfinished = {key for key in before if (filled.results / "stages" / key / CHECKPOINT).exists()}
    assert len(unfinished) == 2 < len(before)
    assert main([str(filled.results / "s"), "--keep", keep, "--damaged", "--tables"]) == 0
    assert what_runs(filled) == before
    assert all((filled.results / "stages" / key / CHECKPOINT).exists() for key in unfinished), "tenths were lost"


def test_scores_outcomes_and_specifications_stay(filled: Room) -> None:
    before = files_in(filled.results)
    assert main([str(filled.results / "s"), "--keep", "none", "--damaged", "--tables", "--foreign"]) == 0
    ends = (OUTCOME_FILE, "spec.json", SCORES, "/sweep.json")
    kept = {name for name in before if name.endswith(ends) and "abcdef" not in name}
    assert kept <= files_in(filled.results).keys()


def test_only_what_nobody_needs_goes(filled: Room) -> None:
    assert main([str(filled.results / "s")]) == 0
    after = files_in(filled.results)
    assert not any(name.split("/")[-1].startswith(".") and name != ".lock" for name in after), "temporary files"
    assert any(name.endswith(".damaged") for name in after), "set-aside files need a flag"
    assert any(name.startswith("encoded/") for name in after) and "stages/0123456789abcdef/scores.parquet" in after
    board = filled.board()
    for group in board.states.values():
        for arm in group.arms:
            folder = filled.results / "stages" / arm.stage.key
            assert not (arm.outcome and (folder / CHECKPOINT).exists())
            if group.stratum.kind == "intermediate" and group.is_settled:
                assert (folder / ENCODER).exists() == (arm is group.winner)


def test_what_another_sweep_needs_stays(room: Room) -> None:
    # The second sweep has one rate only: its winner is an arm that lost in the first one.
    room.keep = "all"
    room.write(room.run())
    rates = room.space.learning_rates
    assert isinstance(rates, tuple)
    winners = {group.winner.stage.key for group in room.board().states.values() if group.winner is not None}
    other = Room(room.results, dataclasses.replace(room.space, seeds=(0,)), keep="all")
    for rate in rates:
        other.space = dataclasses.replace(other.space, learning_rates=(rate,))
        board = other.board()
        own = [group.winner for group in board.states.values() if group.stratum.kind == "intermediate"]
        if any(arm is not None and arm.stage.key not in winners for arm in own):
            break
    else:
        pytest.fail("no rate lost anywhere")
    other.write(other.run(most=1), "other")
    needed = {stage.parent for stage in other.ran} - {None}
    before = what_runs(other)
    own = room.results / "stages" / other.ran[0].key / CHECKPOINT
    own.write_bytes(b"checkpoint")
    assert needed and before
    assert main([str(room.results / "s")]) == 0
    for key in needed:
        assert (room.results / "stages" / str(key) / ENCODER).exists()
    assert what_runs(other) == before
    assert own.exists(), "it is none of the sweep that was cleaned"
    assert main([str(room.results / "other")]) == 0 and not own.exists()


def test_a_winner_goes_only_with_a_word(filled: Room, capsys: pytest.CaptureFixture[str]) -> None:
    board = filled.run()
    filled.write(board)
    main([str(filled.results / "s"), "--dry-run"])
    assert "encoders of winners" not in capsys.readouterr().out
    main([str(filled.results / "s"), "--keep", "none"])
    assert "a sweep that gets new targets must train these stages again" in capsys.readouterr().out
    assert not list(filled.results.glob(f"stages/*/{ENCODER}"))


def test_flags_take_what_else_there_is(filled: Room) -> None:
    assert main([str(filled.results), "--damaged", "--tables", "--foreign"]) == 0
    after = files_in(filled.results)
    assert not any(n.endswith(".damaged") or n.startswith(("encoded/", "stages/0123456789abcdef")) for n in after)


def test_a_link_is_not_followed(filled: Room, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / CHECKPOINT).write_bytes(b"precious")
    (outside / ".spec.json.417").write_bytes(b"precious")
    ended = next(stage.key for stage in filled.ran if stage.kind == "target")
    shutil.rmtree(filled.results / "stages" / ended / ENCODER, ignore_errors=True)
    (filled.results / "stages" / ended / ENCODER).symlink_to(outside)
    (filled.results / "encoded" / "link").symlink_to(outside)
    (filled.results / "stages" / "fedcba9876543210").symlink_to(outside)
    assert main([str(filled.results), "--keep", "none", "--damaged", "--tables", "--foreign"]) == 0
    assert files_in(outside) == {CHECKPOINT: b"precious", ".spec.json.417": b"precious"}


def test_it_refuses_while_a_run_is_on(filled: Room, capsys: pytest.CaptureFixture[str]) -> None:
    board = filled.board()
    before = files_in(filled.results)
    lock = lock_results(LocalStorage(filled.results))
    assert main([str(filled.results / "s")]) == 2
    assert "in use by process" in capsys.readouterr().err
    assert main([str(filled.results / "s"), "--dry-run"]) == 0
    lock.release()
    # On another machine, where no lock reaches.
    StatusWriter(LocalStorage(filled.results), "s", 2, print_line=pytest.fail).write_if_due(board)
    assert main([str(filled.results / "s")]) == 2
    assert "s is running" in capsys.readouterr().err
    assert before.items() <= files_in(filled.results).items()


def test_a_sweep_that_cannot_be_read_may_need_anything(filled: Room, capsys: pytest.CaptureFixture[str]) -> None:
    (filled.results / "broken").mkdir()
    (filled.results / "broken" / "sweep.json").write_text("{")
    assert main([str(filled.results / "s")]) == 2
    assert "broken/sweep.json is damaged" in capsys.readouterr().err


def test_a_stage_that_a_process_has_open_is_left_alone(filled: Room) -> None:
    key = filled.ran[0].key
    storage = LocalStorage(filled.results)
    temporary = f"stages/{key}/.tmpAb12Cd"
    lock = storage.lock(f"stages/{key}/{LOCK}")
    assert remove(storage, [temporary]) == [temporary] and storage.has(temporary)
    lock.release()
    assert remove(storage, [temporary]) == [] and not storage.has(temporary)


def test_the_ranking_is_the_same_before_and_after(filled: Room) -> None:
    # Made-up outcomes have no scores: that the ranking says so in the same words is all that can be seen here.
    command = [sys.executable, "analysis/rank.py", str(filled.results / "s"), "--format", "csv"]
    before = subprocess.run(command, capture_output=True, text=True, check=False)
    assert main([str(filled.results / "s"), "--keep", "none", "--damaged", "--tables", "--foreign"]) == 0
    after = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (before.stdout, before.stderr) == (after.stdout, after.stderr)


def test_fine_tuned_models_need_a_flag(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.write(room.run())
    folder = room.results / "stages" / next(stage.key for stage in room.ran if stage.kind == "target") / MODEL
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    assert main([str(room.results / "s")]) == 0 and folder.exists()
    assert "--models; winner.py --target needs them" in capsys.readouterr().out
    assert main([str(room.results / "s"), "--models"]) == 0 and not folder.exists()


def test_what_a_preview_left_needs_a_flag_and_another_sweep_may_need_it(
    room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    board = room.run(most=1)
    stage = board.start_next()
    assert stage is not None and stage.kind == "intermediate"
    checkpoint = room.results / "stages" / stage.key / CHECKPOINT
    checkpoint.write_bytes(b"a tenth")
    (checkpoint.parent / PREVIEW_FILE).write_bytes(b"measurements")
    room.write(board)
    assert main([str(room.results / "s")]) == 0 and checkpoint.exists()
    assert "--previews; a sweep begins these phases again" in capsys.readouterr().out
    room.write(board, "goes-on")
    assert main([str(room.results / "s"), "--previews"]) == 0 and checkpoint.exists()
    shutil.rmtree(room.results / "goes-on")
    assert main([str(room.results / "s"), "--previews"]) == 0 and not checkpoint.exists()
    assert (checkpoint.parent / PREVIEW_FILE).exists()
