from pathlib import Path

import polars as pl
import pytest

from spaces.errors import UsageError
from tests.analysis.sweep_files import Run, add_run, ranked, write_file, write_sweep


def gain(folder: Path, cell: tuple[str, str] = ("nli", "xnli"), **options: object) -> float | None:
    return ranked(folder, **options).gains[cell].mean  # type: ignore[arg-type]


def two_rates(folder: Path, low: list[float], high: list[float], german: float = 0.7, **of_high: object) -> Path:
    """Write a sweep: the run at 1e-3 gains 10 points, that at 5e-3 20; `low`, `high` are curves."""
    runs = [
        Run(intermediate="none", test={"xnli": {"en": 0.5, "de": 0.5}}),
        Run(intermediate="nli", test={"xnli": {"en": 0.6, "de": 0.6}}, dev=low),
        Run(intermediate="nli", test={"xnli": {"en": 0.7, "de": german}}, dev=high, rate=5e-3, **of_high),
    ]
    return write_sweep(folder, runs)


def test_the_best_english_dev_tenth_chooses_the_run(tmp_path: Path) -> None:
    assert gain(two_rates(tmp_path, low=[0.5, 0.8, 0.1], high=[0.6, 0.6, 0.6])) == pytest.approx(10)
    assert gain(two_rates(tmp_path, low=[0.5, 0.6, 0.1], high=[0.6, 0.6, 0.7])) == pytest.approx(20)


def test_of_equal_runs_the_lower_rate_is_chosen(tmp_path: Path) -> None:
    assert gain(two_rates(tmp_path, low=[0.6, 0.5], high=[0.5, 0.6])) == pytest.approx(10)


@pytest.mark.parametrize("german", [0.0, 0.7, 1.0])
def test_scores_of_other_languages_and_of_test_never_choose(tmp_path: Path, german: float) -> None:
    assert gain(two_rates(tmp_path, low=[0.8], high=[0.7], german=german)) == pytest.approx(10)


def test_dev_rows_of_other_languages_never_choose(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [("none", "xnli", 0, "de", "acc", 0.5, "test", 0.1)]
    for rate, english, german, test in ((0.1, 0.8, 0.1, 0.6), (0.2, 0.7, 0.9, 0.7)):
        rows.append(("nli", "xnli", 0, "en", "acc", english, "dev", rate))
        rows.append(("nli", "xnli", 0, "de", "acc", german, "dev", rate))
        rows.append(("nli", "xnli", 0, "de", "acc", test, "test", rate))
    assert gain(write_file(tmp_path, rows, "split", "learning_rate")) == pytest.approx(10)


@pytest.mark.parametrize("status", ["stopped", "degenerate", "failed"])
def test_a_run_that_did_not_finish_is_never_chosen(tmp_path: Path, status: str) -> None:
    folder = two_rates(tmp_path, low=[0.3], high=[0.9], status=status)
    assert gain(folder) == pytest.approx(10)
    assert ranked(folder).run_counts == {"finished": 2, status: 1}


def test_a_stopped_run_with_the_best_dev_score_is_not_chosen(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [("none", "xnli", 0, "de", "acc", 0.5, "test", 0.1, "finished")]
    runs = ((0.1, 0.7, 0.6, "finished"), (0.2, 0.9, 0.9, "stopped"), (0.3, 0.6, 0.8, "finished"))
    for rate, dev, test, status in runs:
        rows.append(("nli", "xnli", 0, "en", "acc", dev, "dev", rate, status))
        rows.append(("nli", "xnli", 0, "de", "acc", test, "test", rate, status))
    assert gain(write_file(tmp_path, rows, "split", "learning_rate", "status")) == pytest.approx(10)


def test_the_name_of_a_stopped_runs_dev_score_does_not_disturb_the_choice(tmp_path: Path) -> None:
    folder = two_rates(tmp_path, low=[0.5], high=[0.6])
    add_run(folder, Run(intermediate="nli", test={"xnli": {"en": 0.9}}, dev=[0.9], rate=1e-2, status="stopped"))
    assert gain(folder) == pytest.approx(20)


def test_a_rate_can_be_asked_for(tmp_path: Path) -> None:
    folder = two_rates(tmp_path, low=[0.3], high=[0.9])
    assert gain(folder, learning_rate=1e-3) == pytest.approx(10)
    with pytest.raises(UsageError, match=r"--learning-rate 0\.1: no run has this rate\. The rates are 0\.001, 0\.005"):
        gain(folder, learning_rate=0.1)


def test_test_scores_are_refused_as_judges(tmp_path: Path) -> None:
    rows = [("none", "xnli", 0, "de", "acc", 0.5, 0.1)]
    rows += [("nli", "xnli", 0, "de", "acc", value, rate) for rate, value in ((0.1, 0.6), (0.2, 0.7))]
    file = write_file(tmp_path, rows, "learning_rate")
    with pytest.raises(UsageError, match=r"nli -> xnli, seed 0 has 2 learning rates .* --learning-rate 0\.1 or 0\.2"):
        gain(file)


def test_a_float32_rate_is_found(tmp_path: Path) -> None:
    rows = [("none", "xnli", 0, "de", "acc", 0.5, 1e-5)]
    rows += [("nli", "xnli", 0, "de", "acc", value, rate) for rate, value in ((1e-5, 0.6), (2e-5, 0.7))]
    file = write_file(tmp_path, rows, "learning_rate")
    pl.read_parquet(file).with_columns(pl.col("learning_rate").cast(pl.Float32)).write_parquet(file)
    assert gain(file, learning_rate=1e-5) == pytest.approx(10)


def extended(folder: Path, devs: dict[str, float], children: dict[str, float], chain: str = "nli") -> Path:
    """Write a sweep extended by a rate of the intermediate task, from dev scores and children."""
    runs = [Run(intermediate="none", test={"xnli": {"en": 0.5}})]
    for rate, (stage, dev) in enumerate(devs.items(), start=1):
        runs.append(Run(intermediate="nli", test={}, kind="intermediate", rate=rate, dev=[dev], stage=stage))
    for i, (parent, score) in enumerate(children.items()):
        test, name = {"xnli": {"en": score}}, f"child-of-{parent}"
        runs.append(Run(intermediate=chain, test=test, dev=[0.9 - 0.1 * i], parent=parent, stage=name))
    return write_sweep(folder, runs, intermediates=["none", chain], targets=["xnli"])


@pytest.mark.parametrize("chain", ["nli", "nli:salt"])  # its phase is the same, and so are the intermediate runs
def test_runs_under_a_former_winner_are_left_out(tmp_path: Path, chain: str) -> None:
    devs, cell = {"old": 0.6, "new": 0.7}, (chain, "xnli")
    assert gain(extended(tmp_path, devs, {"old": 0.6, "new": 0.7}, chain), cell) == pytest.approx(20)
    assert gain(extended(tmp_path, devs, {"old": 0.6}, chain), cell) is None  # not done yet under the new winner
    assert gain(extended(tmp_path, {"old": 0.7, "new": 0.6}, {"old": 0.6}, chain), cell) == pytest.approx(10)


def test_of_equal_intermediate_runs_the_one_with_children_is_the_winner(tmp_path: Path) -> None:
    assert gain(extended(tmp_path, {"old": 0.7, "new": 0.7}, {"new": 0.7})) == pytest.approx(20)


@pytest.mark.parametrize(("names", "expected"), [(("f1", "exact_match"), 15.0), (("f1",), 10.0), (("spearman",), 10.0)])
def test_metrics_of_a_file_that_calls_none_official(tmp_path: Path, names: tuple[str, ...], expected: float) -> None:
    rows: list[tuple[object, ...]] = []
    for i, name in enumerate(names):
        rows.append(("none", "xquad", 0, "de", name, 0.5))
        rows.append(("nli", "xquad", 0, "de", name, 0.6 + 0.1 * i))
    rows.append(("nli", "xquad", 0, "de", "majority", 0.9))
    assert gain(write_file(tmp_path, rows), ("nli", "xquad")) == pytest.approx(expected)


def test_several_metrics_need_a_word_from_the_user(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = []
    for name, score in (("f1", 0.6), ("accuracy", 0.7)):
        rows += [("none", "udpos", 0, "de", name, 0.5), ("nli", "udpos", 0, "de", name, score)]
    file = write_file(tmp_path, rows)
    with pytest.raises(UsageError, match=r"udpos has the metrics accuracy, f1, and none .* --metric udpos=accuracy"):
        gain(file)
    cell = ("nli", "udpos")
    assert gain(file, cell, picked_metrics={"udpos": ("f1",)}) == pytest.approx(10)
    assert gain(file, cell, picked_metrics={"udpos": ("f1", "accuracy")}) == pytest.approx(15)
    with pytest.raises(UsageError, match="did you mean accuracy"):
        gain(file, cell, picked_metrics={"udpos": ("acuracy",)})
    with pytest.raises(UsageError, match="unknown target 'upos': did you mean udpos"):
        gain(file, cell, picked_metrics={"upos": ("f1",), "udpos": ("f1",)})


def test_a_picked_metric_is_shown_but_does_not_choose(tmp_path: Path) -> None:
    folder = two_rates(tmp_path, low=[0.8], high=[0.7])
    assert gain(folder, picked_metrics={"xnli": ("beside",)}) == pytest.approx(0)


def test_a_score_that_lacks_an_official_metric_is_missing(tmp_path: Path) -> None:
    none = Run(intermediate="none", test={"xquad": {"en": (0.5, 0.5), "de": (0.5, 0.5)}})
    runs = [none, Run(intermediate="nli", test={"xquad": {"en": (0.6, 0.8), "de": (0.1, None)}})]
    estimate = ranked(write_sweep(tmp_path, runs)).gains["nli", "xquad"]
    assert estimate.mean == pytest.approx(20)
    assert (estimate.parts, estimate.of_parts) == (1, 2)


def layered(tmp_path: Path) -> Path:
    """A retrieval sweep whose official accuracy gains 10 points, layer 7 20, and whose margin loses 30."""
    tests = {name: {"tatoeba": {"de": score, "fr": score}} for name, score in (("none", 0.5), ("nli", 0.6))}
    runs = [Run(intermediate=name, test=test, kind="retrieval", rate=None) for name, test in tests.items()]
    folder = write_sweep(tmp_path, runs)
    for path in (tmp_path / "stages").glob("*/scores.parquet"):
        rows = pl.read_parquet(path).filter(pl.col("metric") == "accuracy")
        gained = rows["intermediate"].item(0) == "nli"
        more = {"accuracy_layer_7": 0.7 if gained else 0.5, "margin_accuracy": 0.3 if gained else 0.6}
        beside = rows.with_columns(official=pl.lit(False))
        others = [beside.with_columns(metric=pl.lit(name), value=pl.lit(value)) for name, value in more.items()]
        pl.concat([rows, *others]).write_parquet(path)
    return folder


def test_metrics_of_layers_stand_beside_and_can_be_picked(tmp_path: Path) -> None:
    folder, cell = layered(tmp_path), ("nli", "tatoeba")
    assert gain(folder, cell) == pytest.approx(10)
    assert gain(folder, cell, picked_metrics={"tatoeba": ("accuracy_layer_7",)}) == pytest.approx(20)
    assert gain(folder, cell, picked_metrics={"tatoeba": ("margin_accuracy",)}) == pytest.approx(-30)
    unknown = "unknown metric of tatoeba 'accuracy_layer_8': did you mean accuracy_layer_7"
    with pytest.raises(UsageError, match=unknown):
        gain(folder, cell, picked_metrics={"tatoeba": ("accuracy_layer_8",)})
