"""The flag `--predictions` on its way to the workers, and what is said of stages that finished without it."""

import dataclasses
from pathlib import Path

import pytest

from search.options import parse
from search.request import make_request
from search.run import _say_unkept
from spaces.prediction_columns import PREDICTIONS
from tests.on_disk import folder_of

from .conftest import Room


def test_the_flag_is_no_part_of_any_key_or_specification(tmp_path: Path) -> None:
    flags = ["--space", "quick", "--results", str(tmp_path)]
    plain, kept = (make_request(parse([*flags, *more])) for more in ([], ["--predictions"]))
    assert kept.place == dataclasses.replace(plain.place, predictions=True)
    assert kept.spec == plain.spec and kept.plan == plain.plan
    for stratum in plain.plan:
        assert plain.maker.stage(stratum, 1e-3, "p") == kept.maker.stage(stratum, 1e-3, "p")


def test_finished_stages_without_predictions_are_counted(room: Room, capsys: pytest.CaptureFixture[str]) -> None:
    room.status = lambda stage: "degenerate" if stage.kind == "target" and stage.seed == 1 else "finished"
    board = room.run()
    finished = [s for s in room.ran if s.kind != "pretrain" and not (s.kind == "target" and s.seed == 1)]
    for stage in finished[1:]:
        (folder_of(board.store.place, stage.key) / PREDICTIONS).touch()
    _say_unkept(board)
    said = capsys.readouterr().out
    assert f"1 of {len(finished)} finished stages have no predictions" in said and "--results" in said
    assert said.count("\n") == 1
    (folder_of(board.store.place, finished[0].key) / PREDICTIONS).touch()
    _say_unkept(board)
    assert capsys.readouterr().out == ""
