"""preview.py: the predicted order, its choice and command, by hand-worked measurements; and what it refuses."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from analysis.preview import main
from analysis.questions.preview import build_preview, choose_tenths, collect_measurements, read_preview
from analysis.scores.probes import PREVIEW_SCHEMA
from search.request.options import parse_options
from search.request.request import make_request
from spaces.probe_columns import PREVIEW_FILE, PREVIEW_PROBES
from spaces.sweep_record import SWEEP_FILE
from tests.analysis.sweep_files import Capture, printed, printed_rows, refused

# Of each task, what every probe measures on xnli-en and on udpos-en.
VALUES = {"mnli": (3.0, 1.0), "squad": (1.0, 2.0), "ccg": (2.0, 3.0)}


def measured(values: dict[str, tuple[float, ...]], *, tenth: int = 1, seed: int = 0) -> list[dict[str, Any]]:
    return [
        {"intermediate": task, "training": training, "probe": probe, "value": value, "tenth": tenth, "seed": seed}
        for task, both in values.items()
        for training, value in zip(("xnli-en", "udpos-en"), both, strict=True)
        for probe in PREVIEW_PROBES
    ]


def rows_of(*parts: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([row for part in parts for row in part], schema=PREVIEW_SCHEMA)


def write_previewed(results: Path, rows: pl.DataFrame, intermediates: Iterable[str] = VALUES, **spec: Any) -> Path:
    """A sweep that is only previewed: its record, and the file of each phase."""
    names = [*intermediates]
    flags = ["--intermediates", ",".join(names), "--targets", "xnli,udpos", "--results", str(results), "--name", "s"]
    request = make_request(parse_options(flags))
    phases = {
        f"{task}-{seed}": f"intermediate.{task}..{seed}" for task, seed in rows.select("intermediate", "seed").rows()
    }
    folder = results / "s"
    folder.mkdir(parents=True)
    record = {"version": 1, "spec": {**request.spec, **spec}, "stages": phases, "decided": {}}
    (folder / SWEEP_FILE).write_text(json.dumps(record))
    for (task, seed), part in rows.group_by("intermediate", "seed", maintain_order=True):
        stage = results / "stages" / f"{task}-{seed}"
        stage.mkdir(parents=True)
        part.write_parquet(stage / PREVIEW_FILE)
    return folder


def test_places_are_those_of_the_measurements(tmp_path: Path) -> None:
    preview = read_preview(write_previewed(tmp_path, rows_of(measured(VALUES))))
    assert preview.measurements.tasks == ("mnli", "squad", "ccg") and preview.tenths == (1,)
    np.testing.assert_array_equal(preview.places, [[1, 3], [3, 2], [2, 1]])  # mnli helps xnli, ccg udpos
    np.testing.assert_array_equal(preview.average_places(), [2.0, 2.5, 1.5])
    assert preview.list_first(2) == ("ccg", "mnli")


def test_the_order_is_that_of_logme(tmp_path: Path) -> None:
    rows = rows_of(measured(VALUES))
    others = rows.with_columns(value=pl.when(probe="logme").then("value").otherwise(-pl.col("value")))
    preview = read_preview(write_previewed(tmp_path, others))
    np.testing.assert_array_equal(preview.places, [[1, 3], [3, 2], [2, 1]])
    np.testing.assert_array_equal(preview.average_places("knn"), [2.0, 1.5, 2.5])


def test_a_target_without_a_value_has_no_places() -> None:
    has_none = (pl.col("probe") == "logme") & (pl.col("training") == "udpos-en")
    holed = rows_of(measured(VALUES)).with_columns(value=pl.when(has_none).then(None).otherwise("value"))
    preview = build_preview(holed, {"intermediates": [*VALUES], "targets": []}, "s")
    assert np.isnan(preview.places[:, 1]).all()
    np.testing.assert_array_equal(preview.average_places(), [1, 3, 2])


def test_places_are_means_over_seeds() -> None:
    turned = {task: tuple(-value for value in values) for task, values in VALUES.items()}
    measurements = collect_measurements(rows_of(measured(VALUES), measured(turned, seed=1)), [*VALUES])
    np.testing.assert_array_equal(measurements.place("logme"), np.full((3, 2), 2.0))


def test_the_longest_measurement_that_all_have_counts() -> None:
    one, ten = measured(VALUES), measured({task: values[::-1] for task, values in VALUES.items()}, tenth=10)
    assert {*choose_tenths(rows_of(one, ten))["tenth"]} == {10}
    of_two = [row for row in ten if row["intermediate"] != "ccg"]
    assert {*choose_tenths(rows_of(one, of_two))["tenth"]} == {1}
    further = [{**row, "tenth": 5} for row in one if row["intermediate"] == "ccg"]
    others = [row for row in one if row["intermediate"] != "ccg"]
    chosen = choose_tenths(rows_of(others, further))  # an interrupted sweep had come so far
    assert {*chosen.select("intermediate", "tenth").iter_rows()} == {("mnli", 1), ("squad", 1), ("ccg", 5)}


def test_controls_are_ordered_but_never_chosen(tmp_path: Path) -> None:
    values = {**VALUES, "random": (9.0, 9.0)}
    preview = read_preview(write_previewed(tmp_path, rows_of(measured(values)), values))
    assert "random" in preview.controls and preview.order[0] == 3
    assert preview.list_first(2) == ("ccg", "mnli")


def test_by_target_the_first_of_any_target_are_chosen(tmp_path: Path, capsys: Capture) -> None:
    values = {"mnli": (3.0, 0.0), "squad": (1.0, 1.0), "ccg": (2.0, 2.0), "qqp": (0.0, 3.0), "random": (9.0, 9.0)}
    folder = write_previewed(tmp_path, rows_of(measured(values)), values)
    preview = read_preview(folder)
    assert preview.list_first(1) == ("ccg",) and {*preview.list_first(1, "target")} == {"mnli", "qqp"}
    assert {*preview.list_first(2, "target")} == {"mnli", "qqp", "ccg"}
    text = printed(capsys, main, folder, "--first", 1)
    assert "First on single targets, and not among these: mnli on xnli; qqp on udpos. `--by target` takes" in text
    text = printed(capsys, main, folder, "--by", "target", "--first", 1)
    assert "among the first on any of 2 training sets: " in text and "First on single" not in text
    assert "--intermediates mnli,qqp" in text and "--name s-any-first1" in text


def test_by_default_fewer_than_all_candidates_are_chosen(tmp_path: Path, capsys: Capture) -> None:
    values = {**VALUES, "random": (9.0, 9.0)}
    text = printed(capsys, main, write_previewed(tmp_path, rows_of(measured(values)), values))
    assert "--name s-first2 " in text and "--intermediates mnli,ccg " in text


def test_chains_through_the_first_tasks_are_trained() -> None:
    names = ["mnli", "mnli:smart", "squad", "ccg", "ccg|mnli", "mnli|squad", "none~x2"]
    preview = build_preview(rows_of(measured(VALUES)), {"intermediates": names, "targets": []}, "s")
    assert preview.list_chains(("ccg", "mnli")) == ("mnli", "mnli:smart", "ccg", "ccg|mnli")
    assert preview.unmeasured == ("ccg|mnli", "mnli|squad")


def test_the_command_trains_only_the_first_in_a_sweep_of_its_own(tmp_path: Path, capsys: Capture) -> None:
    folder = write_previewed(tmp_path, rows_of(measured(VALUES)))
    text = printed(capsys, main, folder, "--first", 2)
    options = parse_options(text.rpartition("python search/run.py ")[2].split())
    assert (options.intermediates, options.name, options.results) == ("mnli,ccg", "s-first2", str(tmp_path))
    keys = [{*_keys(options.intermediates, tmp_path)}, {*_keys("mnli,squad,ccg", tmp_path)}]
    assert keys[0] <= keys[1]  # so what the preview left is found


def _keys(intermediates: str | None, results: Path) -> list[str]:
    flags = ["--intermediates", str(intermediates), "--targets", "xnli,udpos", "--results", str(results)]
    request = make_request(parse_options(flags))
    phases = [stratum for stratum in request.plan if stratum.kind == "intermediate"]
    return [request.maker.make_stage(stratum, 1e-3, "p").key for stratum in phases]


def test_the_answer_names_order_and_record(tmp_path: Path, capsys: Capture) -> None:
    folder = write_previewed(tmp_path, rows_of(measured(VALUES)))
    text = printed(capsys, main, folder)
    assert "Predicted to help most, by the mean over the places of 2 training sets: ccg, mnli." in text
    assert "This is a prediction: no target was trained." in text and "random order" in text
    rows = {(row["row"], row["column"]): row["value"] for row in printed_rows(capsys, main, folder)}
    assert float(rows["ccg", "mean place"]) == 1.5 and float(rows["mnli", "xnli"]) == 1.0


@pytest.mark.parametrize("kind", ["none", "one"])
def test_too_few_measurements_are_refused(tmp_path: Path, capsys: Capture, kind: str) -> None:
    one = {"mnli": VALUES["mnli"]} if kind == "one" else {}
    folder = write_previewed(tmp_path, rows_of(measured(one)))
    assert (
        "fewer than 2 of its intermediate tasks have a preview.parquet. Run the sweep's command with --preview, and"
        in (refused(capsys, main, folder))
    )


def test_what_is_no_sweep_or_cannot_be_read_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert "is not the folder of a sweep" in refused(capsys, main, tmp_path)
    folder = write_previewed(tmp_path, rows_of(measured(VALUES)))
    assert "at least 1 task must be trained" in refused(capsys, main, folder, "--first", 0)
    (tmp_path / "stages" / "mnli-0" / PREVIEW_FILE).write_bytes(b"cut")
    assert "cannot be read" in refused(capsys, main, folder)
