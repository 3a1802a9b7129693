"""An archive is read as the sweep that it was made of, probes included, wherever it lies."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analysis import compact, next_seeds, rank
from analysis.scores import probes
from analysis.scores.archive import METADATA_NAME, PROBE_DECIMALS, is_archive
from analysis.scores.load import load
from spaces.probe_columns import PROBES_FILE
from tests.analysis.sweep_files import Capture, Run, refused, write_sweep

SEEDS = (0, 1, 2)
VALUE, VECTOR = 0.123456789, [1234.5678, 0.00012345678]


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Return a sweep with probes in one stage, and without scores in another."""
    runs = [
        Run(intermediate=name, test={"xnli": {"en": 0.5 + 0.01 * seed + gain, "de": 0.5}}, seed=seed, dev=(0.5, 0.6))
        for name, gain in (("none", 0.0), ("nli", 0.05), ("qa", 0.02))
        for seed in SEEDS
    ]
    runs.append(Run(intermediate="nli", test={}, kind="intermediate", stage="upstream"))
    folder = write_sweep(tmp_path / "results", runs, targets=["xnli"])
    measured = {**dict.fromkeys(probes.SCHEMA), "stage": "upstream", "family": "alignment", "probe": "cka"}
    rows = [{**measured, "language": "de", "layer": 3, "value": VALUE}, {**measured, "vector": VECTOR}]
    pl.DataFrame(rows, schema=probes.SCHEMA).write_parquet(folder.parent / "stages" / "upstream" / PROBES_FILE)
    return folder


@pytest.fixture
def archive(sweep: Path, tmp_path: Path, capsys: Capture) -> Path:
    file = tmp_path / "elsewhere" / "sweep.parquet"
    file.parent.mkdir()
    assert compact.main([str(sweep), "-o", str(file)]) == 0
    assert "2 probes of 10 of 10 stages" in capsys.readouterr().out
    return file


def test_an_archive_gives_the_scores_of_its_sweep(sweep: Path, archive: Path) -> None:
    whole, archived = load([sweep]), load([archive])
    assert_frame_equal(archived.rows.collect(), whole.rows.collect())
    assert archived.records == whole.records and archived.stage_counts == whole.stage_counts
    assert (archived.targets, archived.seeds, archived.controls) == (whole.targets, whole.seeds, whole.controls)


def test_scripts_print_of_an_archive_what_they_print_of_the_sweep(sweep: Path, archive: Path, capsys: Capture) -> None:
    printed = []
    for path in (sweep, archive):
        assert rank.main([str(path)]) == 0
        printed.append(capsys.readouterr().out.replace(str(path), "PATH").split())
    assert printed[0] == printed[1]
    assert next_seeds.main([str(archive)]) == 0
    assert "--results" not in capsys.readouterr().out  # nobody knows where its results lie


def test_probes_come_along_rounded(sweep: Path, archive: Path) -> None:
    rows = probes.read_probe_rows(load([archive]), ["upstream", "none"], "alignment")
    assert rows["value"].to_list() == [round(VALUE, PROBE_DECIMALS), None]
    assert rows["vector"].to_list() == [None, [1230.0, 0.000123]]
    assert rows["language"].to_list() == ["de", None] and rows["layer"].to_list() == [3, None]
    assert probes.read_probe_rows(load([archive]), ["upstream"], "similarity").is_empty()
    twice = probes.read_probe_rows(load([sweep, archive]), ["upstream"], "alignment")
    assert twice.height == 2 and twice["value"][0] == VALUE, "the stage's own file comes first, and nothing twice"


def write_seed(results: Path, seed: int, **spec: Any) -> Path:
    """Write a sweep of one seed with a stage that has probes, as on a machine of its own."""
    runs = [
        Run(intermediate=name, test={"xnli": {"en": 0.5 + 0.01 * seed + gain}}, seed=seed, dev=(0.5, 0.6))
        for name, gain in (("none", 0.0), ("nli", 0.05))
    ]
    stage = f"upstream-{seed}"
    runs.append(Run(intermediate="nli", test={}, kind="intermediate", stage=stage, seed=seed))
    folder = write_sweep(results, runs, targets=["xnli"], **spec)
    row = {**dict.fromkeys(probes.SCHEMA), "stage": stage, "family": "alignment", "probe": "cka", "value": 0.5}
    pl.DataFrame([row], schema=probes.SCHEMA).write_parquet(folder.parent / "stages" / stage / PROBES_FILE)
    return folder


def test_seeds_of_several_machines_become_one_archive(tmp_path: Path, capsys: Capture) -> None:
    sweeps = [write_seed(tmp_path / f"machine-{seed}", seed) for seed in SEEDS]
    first, whole = tmp_path / "first.parquet", tmp_path / "whole.parquet"
    assert compact.main([*map(str, sweeps[:2]), "-o", str(first)]) == 0
    assert compact.main([str(first), str(sweeps[2]), "-o", str(whole)]) == 0
    assert "3 probes of 9 of 9 stages" in capsys.readouterr().out
    together, archived = load(sweeps), load([whole])
    assert archived.seeds == SEEDS and archived.stage_counts == together.stage_counts == (9, 9)
    assert archived.records == together.records
    assert_frame_equal(archived.rows.collect(), together.rows.collect(), check_row_order=False)
    assert probes.read_probe_rows(archived, ["upstream-0", "upstream-2"], "alignment").height == 2


def test_a_sweep_is_archived_once(sweep: Path, archive: Path, capsys: Capture) -> None:
    again = archive.with_name("again.parquet")
    assert compact.main([str(sweep), str(archive), "-o", str(again)]) == 0
    assert "2 probes of 10 of 10 stages" in capsys.readouterr().out
    assert_frame_equal(load([again]).target_rows, load([archive]).target_rows, check_row_order=False)
    assert load([again]).records == load([archive]).records


def test_sweeps_of_different_bounds_are_not_put_together(tmp_path: Path, capsys: Capture) -> None:
    sweeps = [write_seed(tmp_path / str(steps), steps, target_steps=steps) for steps in (1, 2)]
    message = "different bounds: at most 1 steps of a target; at most 2 steps of a target. Read one at a time."
    assert message in refused(capsys, compact.main, *sweeps, "-o", tmp_path / "x.parquet")
    assert message in refused(capsys, rank.main, *sweeps)
    probed = [write_seed(tmp_path / f"probes-{limit}", limit, probe_limit=limit) for limit in (8, 9)]
    assert load(probed).seeds == (8, 9), "scores do not depend on the bound on probes"


def test_the_rows_can_be_read_by_anyone(archive: Path) -> None:
    table = pl.read_parquet(archive)
    scores = table.filter(pl.col("family").is_null(), split="test", language="en", metric="accuracy")
    assert scores.height == 9


def test_nothing_is_overwritten_and_only_sweeps_are_archived(sweep: Path, archive: Path, capsys: Capture) -> None:
    assert "exists. Remove it" in refused(capsys, compact.main, sweep, "-o", archive)
    assert "is neither a sweep folder" in refused(capsys, compact.main, sweep.parent, "-o", "x.parquet")
    missing = archive.parent / "missing" / "x.parquet"
    assert "cannot be written" in refused(capsys, compact.main, sweep, "-o", missing)


def test_a_folder_with_an_archive_is_not_read_as_score_files(archive: Path, capsys: Capture) -> None:
    assert f"Give {archive}." in refused(capsys, rank.main, archive.parent)


def test_damaged_and_newer_archives_are_refused(archive: Path, capsys: Capture) -> None:
    table, record = pl.read_parquet(archive), json.loads(pl.read_parquet_metadata(archive)[METADATA_NAME])["records"][0]
    contents = {
        "has version 9, this program reads up to 1": {"version": 9, "records": [record]},
        "is damaged ('records')": {"version": 1},
        "is not a valid sweep record": {"version": 1, "records": [{**record, "spec": {}}]},
    }
    for message, content in contents.items():
        table.write_parquet(archive, metadata={METADATA_NAME: json.dumps(content)})
        assert message in refused(capsys, rank.main, archive)
    archive.write_bytes(archive.read_bytes()[:-8])
    assert not is_archive(archive) and not is_archive(archive.parent)
    assert "If it is not whole, get it again." in refused(capsys, rank.main, archive)
