"""The end of a run on the screen: a short answer, with notes that do not repeat."""

import dataclasses
import subprocess
from pathlib import Path

import pytest

from search.run import _print_answer, _print_summary
from tests.paths import ROOT
from tests.search.asked import request_of
from tests.search.conftest import Room


def test_notes_that_repeat_share_a_line(room: Room, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = request_of("--space", "quick", "--results", tmp_path)
    notes = ("xquad: English dev is held out.", "mlqa: English dev is held out.", "bucc: no dev rows for zh: flatters.")
    board = room.run(most=3)
    stage_notes = ("memory ran out", "memory ran out; left out of test: 3 rows", None)
    for (_, arm), note in zip(board.iter_arms(), stage_notes, strict=False):
        assert arm.outcome is not None
        arm.outcome = dataclasses.replace(arm.outcome, note=note)
    _print_summary(dataclasses.replace(request, notes=notes, skipped_tasks=("ccg: no train rows",)), board, 90.0)
    assert capsys.readouterr().out.splitlines() == [
        "quick-miniature: 3 stages run, 0 reused, in 2 min.",
        "left out: ccg: no train rows",
        "note: xquad, mlqa: English dev is held out.",
        "note: bucc: no dev rows for zh: flatters.",
        "note (2 stages): memory ran out",
        "note (1 stage): left out of test: 3 rows",
    ]


def test_the_ranking_is_the_summary_of_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    request = request_of("--space", "quick", "--results", tmp_path)
    _print_answer(request)
    (command,) = commands
    assert command[1:] == [str(ROOT / "analysis" / "rank.py"), str(tmp_path / "quick-miniature"), "--summary"]
