"""A compaction changes which files are read, never the result."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from analysis.compact import main
from analysis.scores import compaction
from analysis.scores.load import load
from analysis.scores.record import read_record
from analysis.scores.scores import Scores
from analysis.scores.stages import read_whole_files
from analysis.transfer.array import build_transfer
from spaces.columns import VERSION
from tests.analysis.sweep_files import Capture, Run, refused, write_sweep
from tests.paths import ROOT

SEEDS = (0, 1, 2)
NUMBERS = count()


def sweep(folder: Path) -> Path:
    """Write a sweep of eight stages, one without rows, in a results folder of its own."""
    tests = {seed: {"xnli": {"en": 0.5 + 0.01 * seed, "de": 0.5}} for seed in SEEDS}
    runs = [Run(intermediate=n, test=tests[s], seed=s, dev=(0.5, 0.6)) for n in ("none", "nli") for s in SEEDS]
    runs.append(Run(intermediate="nli", test={}, kind="intermediate", stage="upstream"))
    runs.append(Run(intermediate="none", test={}, kind="pretrain", rate=None, stage="silent"))
    results = folder / str(next(NUMBERS))
    results.mkdir()
    return write_sweep(results, runs, targets=["xnli"])


def stages(folder: Path) -> list[Path]:
    return sorted(folder.parent.glob("stages/*/scores.parquet"))


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that collects the stages whose own files are scanned."""
    read_stages: list[str] = []
    scan = pl.scan_parquet

    def spy(files: list[Path], **options: object) -> pl.LazyFrame:
        read_stages.extend(file.parent.name for file in files)
        return scan(files, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pl, "scan_parquet", spy)
    return read_stages


def without(folder: Path) -> Scores:
    """Load the sweep without its compaction."""
    aside = [folder / name for name in ("scores.parquet", "scores.json")]
    contents = {file: file.read_bytes() for file in aside if file.exists()}
    for file in contents:
        file.unlink()
    try:
        return load([folder])
    finally:
        for file, content in contents.items():
            file.write_bytes(content)


def assert_same(folder: Path) -> None:
    one, other = load([folder]), without(folder)
    assert_frame_equal(one.rows.collect(), other.rows.collect())
    assert one.stage_counts == other.stage_counts
    left, right = build_transfer(one), build_transfer(other)
    assert left.scores.tobytes() == right.scores.tobytes()
    assert (left.holes, left.intermediate_statuses) == (right.holes, right.intermediate_statuses)
    assert_frame_equal(left.runs, right.runs)


def test_stages_that_are_compacted_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    folder = sweep(tmp_path)
    assert main([str(folder)]) == 0
    assert "of 8 of 8 stages" in capsys.readouterr().out
    read_stages = reads(monkeypatch)
    scores = load([folder])
    assert (read_stages, scores.notes) == ([], ())
    assert_same(folder)


def test_the_command_from_anywhere(tmp_path: Path) -> None:
    folder = sweep(tmp_path)
    command = [sys.executable, str(ROOT / "analysis" / "compact.py"), str(folder)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert (folder / "scores.json").is_file()


def change(file: Path, how: str, other: bytes) -> None:
    """Change a stage's file but not its times nor, where possible, its length."""
    before, content = file.stat(), file.read_bytes()
    if how == "gone":
        file.unlink()
        return
    if how == "value":
        pl.read_parquet(file).with_columns(value=pl.lit(0.25)).write_parquet(file)
    else:
        flipped = bytes([content[len(content) // 2] ^ 255])
        replaced = content[: len(content) // 2] + flipped + content[len(content) // 2 + 1 :]
        file.write_bytes({"flipped": replaced, "cut": content[:-40], "empty": b"", "foreign": other}[how])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    chosen=st.sets(st.integers(0, 7)),
    changes=st.dictionaries(
        st.integers(0, 7), st.sampled_from(["value", "cut", "empty", "flipped", "foreign", "gone"]), max_size=4
    ),
    turned=st.booleans(),
)
def test_whatever_is_compacted_and_changed_afterwards_the_answer_is_the_same(
    tmp_path: Path, chosen: set[int], changes: dict[int, str], turned: bool
) -> None:
    folder = sweep(tmp_path)
    files = stages(folder)
    some = [files[i] for i in sorted(chosen, reverse=turned)]
    rows = pl.concat(read_whole_files(some, "")[0]) if some else compaction.NO_COMPACTION.rows
    compaction.write_compaction(folder, rows, compaction.seal_files(some))
    other = files[0].read_bytes()
    for i, how in changes.items():
        change(files[i], how, other)
    assert_same(folder)


def test_a_changed_stage_is_named_in_a_note_and_a_new_one_is_not(tmp_path: Path) -> None:
    folder = sweep(tmp_path)
    key = "target-xnli-nli-2-0.001"
    file = folder.parent / "stages" / key / "scores.parquet"
    content = file.read_bytes()
    file.unlink()
    assert main([str(folder)]) == 0
    file.write_bytes(content)
    assert load([folder]).notes == ()
    change(stages(folder)[1], "value", b"")
    (note,) = load([folder]).notes
    assert "1 stages have changed since" in note and "compact.py" in note


def seals_of(index: dict[str, Any]) -> dict[str, compaction.FileSeal]:
    return {key: compaction.FileSeal(*fields) for key, fields in index["stages"].items()}


def damages(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield ways to damage a compaction, each with words of the note about it."""
    rows, made_of = folder / "scores.parquet", folder / "scores.json"
    content, index = rows.read_bytes(), json.loads(made_of.read_text())
    flipped = bytes([content[200] ^ 1])
    other = pl.read_parquet(rows).with_columns(value=pl.lit(0.9))

    def foreign() -> None:
        sealed = seals_of(index)
        compaction.write_compaction(folder, other.with_columns(stage=pl.lit("elsewhere")), sealed)

    yield "damaged", lambda: rows.write_bytes(content[:200] + flipped + content[201:])
    yield "damaged", lambda: rows.write_bytes(content[:-30])
    yield "damaged", lambda: other.write_parquet(rows)
    yield "No such file", rows.unlink
    yield "not used", lambda: made_of.write_text("{")
    yield "not used", lambda: made_of.write_text("[]")
    yield "has version 0", lambda: made_of.write_text(json.dumps({**index, "version": 0}))
    yield "not used", lambda: made_of.write_text(json.dumps({**index, "stages": 3}))
    yield "not those of its stages", foreign
    yield "not those of its stages", lambda: compaction.write_compaction(folder, other.drop("limited"), seals_of(index))


@pytest.mark.parametrize("i", range(10))
def test_a_compaction_that_is_not_whole_is_not_used_and_said_to_be(tmp_path: Path, i: int) -> None:
    folder = sweep(tmp_path)
    assert main([str(folder)]) == 0
    expected, damage = list(damages(folder))[i]
    damage()
    (note,) = load([folder]).notes
    assert "not used" in note and expected in note and "Run analysis/compact.py to rebuild it" in note
    assert_same(folder)


def test_the_compaction_of_another_sweep_says_nothing_of_this_one(tmp_path: Path) -> None:
    one, other = sweep(tmp_path), sweep(tmp_path)
    for file in stages(other):
        change(file, "value", b"")
    assert main([str(other)]) == 0
    for name in ("scores.parquet", "scores.json"):
        (one / name).write_bytes((other / name).read_bytes())
    assert_same(one)


def test_results_that_are_moved_keep_their_compaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sweep(tmp_path)
    assert main([str(folder)]) == 0
    moved = folder.parent.rename(tmp_path / "moved") / folder.name
    for file in stages(moved):
        os.utime(file, ns=(1, 1))
    read_stages = reads(monkeypatch)
    assert (load([moved]).notes, read_stages) == ((), [])


def test_damaged_stages_are_left_out(tmp_path: Path, capsys: Capture) -> None:
    folder = sweep(tmp_path)
    change(stages(folder)[1], "cut", b"")
    assert main([str(folder)]) == 0
    assert "left out: stages/" in (out := capsys.readouterr().out) and "of 7 of 8 stages" in out
    assert load([folder]).stage_counts == (7, 8)
    assert_same(folder)


def test_bad_usage_gets_one_clear_line(tmp_path: Path, capsys: Capture) -> None:
    folder = sweep(tmp_path)
    newer = stages(folder)[1]
    pl.read_parquet(newer).with_columns(version=pl.lit(VERSION + 1)).write_parquet(newer)
    assert f"rows of version {VERSION + 1}" in refused(capsys, main, folder)
    for file in stages(folder):
        file.unlink()
    for path, message in ((folder, "none of its 8 stages"), (folder.parent, "is not a sweep folder")):
        assert message in refused(capsys, main, path)
    assert len(read_record(folder / "sweep.json")["stages"]) == 8
