"""`--predictions` and `--probes` on their way to the workers, and the note on stages that finished without them."""

import dataclasses
from pathlib import Path

import pyarrow as pa
import pytest

from search.run import _print_missing_outputs
from spaces.prediction_columns import PREDICTIONS_FILE
from spaces.probe_columns import PROBE_COLUMNS, PROBES_FILE
from tests.on_disk import folder_of
from tests.search.asked import request_of
from tests.search.conftest import Room
from trainables.record.results import build_schema, write_tables


def test_the_flags_are_no_part_of_any_key_or_specification(tmp_path: Path) -> None:
    # Tasks by name: left to itself, `--probes alignment` adds its controls to the space.
    flags = ["--space", "quick", "--intermediates", "mnli", "--results", str(tmp_path)]
    plain, kept = (request_of(*flags, *more) for more in ([], ["--predictions", "--probes", "alignment"]))
    assert kept.context == dataclasses.replace(plain.context, keep_predictions=True, probes=("alignment",))
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
