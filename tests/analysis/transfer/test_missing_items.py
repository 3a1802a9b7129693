"""The item level where predictions are missing, damaged or contradictory: left out as a whole, and a note says why."""

from pathlib import Path

import polars as pl
import pytest

from analysis.transfer.columns import build_columns
from analysis.transfer.item_level import ItemLevel, compute_item_level
from spaces.prediction_columns import PREDICTIONS_FILE
from tests.analysis.sweep_files import Run, read_transfer, write_file
from tests.analysis.transfer.conftest import HALF, MOVED, NOTHING, Sweep


@pytest.fixture
def small_sweep(sweep: Sweep) -> Sweep:
    for chain, right in (("none", NOTHING), ("mnli", HALF)):
        sweep.add(chain, {"xnli": {"en": right, "qna": right}})
    return sweep


def no_level(sweep: Sweep) -> str:
    level = sweep.level()
    assert level.covariance is None and level.variances is None and level.note is not None
    assert level.note.endswith(": intervals are over seeds only.")
    return level.note


def test_without_predictions_nothing_is_said(small_sweep: Sweep) -> None:
    for run in small_sweep.runs:
        (small_sweep.results / "stages" / run.key / PREDICTIONS_FILE).unlink()
    assert small_sweep.level() == ItemLevel()


def test_one_run_without_predictions_takes_the_level_from_all(small_sweep: Sweep) -> None:
    path = small_sweep.add("ccg", {"xnli": {"en": HALF, "qna": HALF}}, keep=False)
    assert not path.exists()
    assert no_level(small_sweep).startswith("1 of 3 runs of xnli, e.g. ccg -> xnli, seed 0, kept no predictions")


def test_a_run_that_does_not_count_needs_no_predictions(small_sweep: Sweep) -> None:
    small_sweep.runs.append(Run(intermediate="ccg", test={"xnli": {"en": 0.5}}, status="stopped"))
    assert small_sweep.level().variances[:, 0] == pytest.approx([MOVED, 0.0])  # type: ignore[index]


@pytest.mark.parametrize("bytes_", [b"", b"PAR1 and nothing more"])
def test_a_damaged_file_is_named(small_sweep: Sweep, bytes_: bytes) -> None:
    path = small_sweep.results / "stages" / small_sweep.runs[1].key / PREDICTIONS_FILE
    path.write_bytes(bytes_)
    assert no_level(small_sweep).startswith(f"{small_sweep.runs[1].key}/{PREDICTIONS_FILE} cannot be read")


def test_files_of_an_older_version_have_no_items(small_sweep: Sweep) -> None:
    path = small_sweep.results / "stages" / small_sweep.runs[0].key / PREDICTIONS_FILE
    pl.read_parquet(path).drop("numerator", "denominator").write_parquet(path)
    assert "is of an older version" in no_level(small_sweep)


def test_items_are_never_silently_independent(sweep: Sweep) -> None:
    # Files of before the column have no item level where items may share a text, and keep it where they may not.
    for chain, right in (("none", NOTHING), ("mnli", HALF)):
        for target in ("xnli", "tatoeba"):
            path = sweep.add(chain, {target: {"qna": right}})
            pl.read_parquet(path).drop("cluster").write_parquet(path)
    note = no_level(sweep)
    assert "is of an older version and does not say which items of xnli share a premise (a new run does)" in note
    sweep.runs = [run for run in sweep.runs if "tatoeba" in run.test]
    assert sweep.variances()[0, 0] == pytest.approx(MOVED)


def test_one_premise_has_no_item_level(sweep: Sweep) -> None:
    for chain, right in (("none", NOTHING), ("mnli", HALF)):
        sweep.add(chain, {"xnli": {"en": right}}, clusters={"en": [0, 0, 0, 0]})
    assert "the items of xnli in column xnli show no spread, because they share one premise: " in no_level(sweep)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (pl.lit(None, pl.Float64).alias("numerator"), "xnli has no items"),
        (pl.lit(0, pl.Int64).alias("example"), "or an item twice"),
        (pl.lit(None, pl.String).alias("language"), "unnamed items"),
        (pl.lit(None, pl.Int64).alias("cluster"), "items without a cluster"),
        (pl.col("numerator") / 2, "mnli -> xnli, seed 0 in en do not reproduce its score"),
        (pl.lit("el").alias("language"), "or an item twice"),
        (pl.col("language").replace("qna", "el"), "predictions in el but no score"),
    ],
)
def test_rows_that_cannot_be_right_are_named(small_sweep: Sweep, change: pl.Expr, words: str) -> None:
    path = small_sweep.results / "stages" / small_sweep.runs[1].key / PREDICTIONS_FILE
    pl.read_parquet(path).with_columns(change).write_parquet(path)
    assert words in no_level(small_sweep)


def test_a_lost_language_does_not_make_its_score(small_sweep: Sweep) -> None:
    path = small_sweep.results / "stages" / small_sweep.runs[1].key / PREDICTIONS_FILE
    pl.read_parquet(path).filter(pl.col("language") == "en").write_parquet(path)
    assert "mnli -> xnli, seed 0 in qna do not reproduce its score" in no_level(small_sweep)


def test_a_language_that_a_run_lacks_on_both_sides_is_a_hole(sweep: Sweep) -> None:
    sweep.add("none", {"xnli": {"en": NOTHING, "qna": NOTHING}})
    sweep.add("mnli", {"xnli": {"en": HALF}})
    assert sweep.variances()[0, 0] == pytest.approx(MOVED)


def test_other_metrics_than_the_official_ones_have_no_items(small_sweep: Sweep) -> None:
    transfer = small_sweep.transfer(picked_metrics={"xnli": ("beside",)})
    assert "by other metrics than its official ones" in str(compute_item_level(transfer, build_columns(transfer)).note)


def test_a_file_of_no_benchmark_has_no_items(tmp_path: Path) -> None:
    rows = [(chain, "xnli", 0, "en", "accuracy", 0.5) for chain in ("none", "mnli")]
    transfer = read_transfer(write_file(tmp_path, rows))
    assert compute_item_level(transfer, build_columns(transfer)) == ItemLevel()
