"""The scale of foreign files: decided by metric and file, said, and refused where a file has two."""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analysis.rank import main
from analysis.scores.directions import is_lower_better
from analysis.scores.load import DEFAULT_OPTIONS, load
from analysis.scores.scale import ALL_KNOWN, FileOptions
from spaces.errors import UsageError
from tests.analysis.sweep_files import Capture, Run, printed, ranked, refused, write_file, write_sweep

Row = tuple[str, str, int, str, str, float]
LEVELS = {"none": 50.0, "mnli": 55.0, "squad": 60.0}  # points
POINTS = FileOptions(scale="points")


def rows(
    change: Callable[[Row], float] = lambda row: row[5], metric: Callable[[str], str] = lambda _: "acc"
) -> list[Row]:
    """Rows in points: squad gains 10, mnli 5; `change` gives each row's value."""
    made = [
        (task, target, seed, language, metric(target), level + seed + index)
        for task, level in LEVELS.items()
        for target in ("xnli", "xquad")
        for seed in range(3)
        for index, language in enumerate(("en", "de", "ru"))
    ]
    return [(*row[:5], change(row)) for row in made]


def gains(folder: Path, made: Iterable[Row], options: FileOptions = DEFAULT_OPTIONS) -> tuple[float, float]:
    ranking = ranked(load([write_file(folder, made)], options))
    squad, mnli = (ranking.gains[task, "mean"].mean for task in ("squad", "mnli"))
    assert squad is not None and mnli is not None
    return squad, mnli


def by_target(target: str) -> str:
    return "acc" if target == "xnli" else "f1"


def share_where(**which: Any) -> Callable[[Row], float]:
    columns = ("intermediate", "target", "seed", "language", "metric")
    return lambda row: row[5] / (100 if all(row[columns.index(name)] == value for name, value in which.items()) else 1)


@pytest.mark.parametrize("factor", [1, 0.01])
def test_one_scale_is_read_and_said(tmp_path: Path, factor: float) -> None:
    file = write_file(tmp_path, rows(lambda row: row[5] * factor))
    (note,) = load([file]).notes
    assert note == f"{file}: read as {'shares (no value above 1)' if factor < 1 else 'points (values above 1)'}."
    assert gains(tmp_path, rows(lambda row: row[5] * factor)) == pytest.approx((10, 5))


@pytest.mark.parametrize(
    ("made", "groups"),
    [
        (rows(share_where(target="xnli"), by_target), "metric acc looks like shares .*metric f1 looks like points"),
        (rows(share_where(intermediate="squad")), "task squad looks like shares .*tasks mnli, none look like points"),
        (rows(share_where(target="xnli")), "target xnli looks like shares .*target xquad looks like points"),
        (rows(share_where(seed=1)), "seed 1 looks like shares .*seeds 0, 2 look like points"),
        (rows(share_where(intermediate="mnli", target="xnli")), "9 values look like shares .*mnli -> xnli.*18 others"),
        (rows(share_where(language="de")), "9 values look like shares .*acc in de.*18 others"),
        (rows(share_where(language="de", target="xnli", seed=2, intermediate="none")), "1 values look like shares"),
        (rows(lambda row: row[5] / (1 if row[:4] == ("squad", "xnli", 1, "en") else 100)), "looks? like shares"),
    ],
)
def test_two_scales_in_one_file_are_refused_with_both_groups_named(
    tmp_path: Path, made: list[Row], groups: str
) -> None:
    file = write_file(tmp_path, made)
    with pytest.raises(UsageError, match=groups) as caught:
        load([file])
    assert "\n" not in str(caught.value) and "convert one of them" in str(caught.value)
    load([file], POINTS)  # the user's word counts


def test_metrics_may_be_said_to_have_two_scales(tmp_path: Path) -> None:
    made = rows(share_where(target="xnli"), by_target)
    options = FileOptions(metric_scales={"acc": "share", "f1": "points"})
    assert gains(tmp_path, made, options) == pytest.approx((10, 5))
    assert (
        load([write_file(tmp_path, made)], options)
        .notes[0]
        .endswith("acc read as shares (--scale share); f1 read as points (--scale points).")
    )


def test_files_of_different_scales_are_read_each_by_its_own(tmp_path: Path) -> None:
    made = rows()
    write_file(tmp_path, [row for row in made if row[0] != "squad"], name="a.parquet")
    write_file(tmp_path, [(*row[:5], row[5] / 100) for row in made if row[0] == "squad"], name="b.parquet")
    ranking = ranked(load([tmp_path]))
    assert ranking.gains["squad", "mean"].mean == pytest.approx(10)
    notes = " ".join(ranking.loaded_scores.notes)
    assert "a.parquet: read as points" in notes and "b.parquet: read as shares" in notes


def test_low_points_are_no_mix(tmp_path: Path) -> None:
    low = {("none", "en"): 0.0, ("none", "de"): 0.4, ("mnli", "de"): 2.0, ("random-encoder", "en"): 0.1}
    made = [(task, "bucc", 0, language, "acc", low.get((task, language), 9.0))
            for task in ("none", "mnli", "random-encoder") for language in ("en", "de", "ru")]  # fmt: skip
    assert "read as points" in load([write_file(tmp_path, [*made, ("mnli", "bucc", 0, "fr", "acc", 1.5)])]).notes[0]


def test_metrics_that_make_no_score_are_not_in_the_way(tmp_path: Path) -> None:
    beside = [(*row[:4], "eval_loss", 7.0) for row in rows()]
    made = [*rows(lambda row: row[5] / 100), *beside]
    file = write_file(tmp_path, made)
    options = FileOptions(picked_metrics={"xnli": ("acc",), "xquad": ("acc",)})
    scores = load([file], options)
    assert scores.notes == (f"{file}: read as shares (no value above 1).",)
    ranking = ranked(scores, picked_metrics=options.picked_metrics)
    assert ranking.gains["squad", "mean"].mean == pytest.approx(10)


LOWER = (
    "loss eval_loss evalLoss dev/nll perplexity PPL error error_rate err WER test-cer MAE rmse cross_entropy logloss"
)


def test_names_of_metrics_say_where_lower_is_better() -> None:
    assert [name for name in LOWER.split() if not is_lower_better(name)] == []
    higher = (
        "accuracy f1 exact_match map_at_20 accuracy_layer_7 mcc pearson bleu neg_log_loss error_f1 majority f1_PER em"
    )
    assert [name for name in higher.split() if is_lower_better(name)] == []


@pytest.mark.parametrize("metric", LOWER.split())
@pytest.mark.parametrize("asked", [None, ALL_KNOWN, "named"])
def test_lower_is_better_is_refused_or_turned_round(tmp_path: Path, metric: str, asked: str | None) -> None:
    made = rows(lambda row: (100 - row[5]) / 100, lambda _: metric)
    if asked is None:
        with pytest.raises(UsageError, match=f"lower is better in {metric}.*--lower-is-better {metric}"):
            load([write_file(tmp_path, made)])
        return
    options = FileOptions(lower_is_better=frozenset({metric if asked == "named" else asked}))
    squad, mnli = gains(tmp_path, made, options)
    assert squad > mnli > 0 and squad == pytest.approx(2 * mnli)
    notes = load([write_file(tmp_path, made)], options).notes
    assert "lower is better, so it is turned round" in notes[0]


def test_error_rates_keep_their_scale(tmp_path: Path) -> None:
    asked = frozenset({"wer"})
    points, shares = (lambda row: 100 - row[5]), (lambda row: 1 - row[5] / 100)
    for change in (points, shares):
        made = rows(change, lambda _: "wer")
        assert gains(tmp_path, made, FileOptions(lower_is_better=asked)) == pytest.approx((10, 5))
    above_one = rows(lambda row: (170 - row[5]) / 100, lambda _: "wer")
    with pytest.raises(UsageError, match=r"wer goes up to 1.2: .*--scale share or --scale points"):
        gains(tmp_path, above_one, FileOptions(lower_is_better=asked))
    said = FileOptions(lower_is_better=asked, scale="share")
    assert gains(tmp_path, above_one, said) == pytest.approx((10, 5))
    negative = rows(lambda row: row[5] - 99, lambda _: "badness")  # all below 0, and still points
    assert gains(tmp_path, negative, FileOptions(lower_is_better=frozenset({"badness"}))) == pytest.approx((-10, -5))


def test_an_unknown_metric_is_turned_round_where_it_is_named(tmp_path: Path) -> None:
    made = rows(lambda row: 100 - row[5], lambda _: "badness")
    assert gains(tmp_path, made) == pytest.approx((-10, -5))
    for names in ({"badness"}, {ALL_KNOWN}):  # alone it can only be meant
        assert gains(tmp_path, made, FileOptions(lower_is_better=frozenset(names))) == pytest.approx((10, 5))
    with pytest.raises(UsageError, match=r"no metric is known as one in which lower is better. Name it"):
        gains(tmp_path, rows(), FileOptions(lower_is_better=frozenset({ALL_KNOWN})))


def test_a_loss_that_would_choose_runs_is_refused_too(tmp_path: Path) -> None:
    test = [(*row, "test", 1e-5) for row in rows()]
    dev = [(*row[:4], "loss", 0.5, "dev", 1e-5) for row in rows() if row[3] == "en"]
    with pytest.raises(UsageError, match="lower is better in loss"):
        load([write_file(tmp_path, [*test, *dev], "split", "learning_rate")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: -row[5] / 100, r"acc has negative values \(down to -0.64\).*--lower-is-better acc"),
        (lambda row: row[5] / 40, r"acc goes up to 1.6: above shares .* hardly points .*--lower-is-better acc"),
        (lambda row: row[5] * 10, r"shares \(up to 1\) or points \(up to 100\), found 640"),
    ],
)
def test_values_of_no_scale_are_refused(tmp_path: Path, change: Callable[[Row], float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load([write_file(tmp_path, rows(change))])


def test_negative_values_are_read_where_the_scale_of_the_metric_is_said(tmp_path: Path) -> None:
    made = rows(lambda row: (row[5] - 55) / 100)
    assert gains(tmp_path, made, FileOptions(metric_scales={"acc": "share"})) == pytest.approx((10, 5))


def test_a_mean_of_metrics_of_both_directions_is_refused(tmp_path: Path) -> None:
    made = [*rows(lambda row: row[5] / 100), *rows(lambda row: 1 - row[5] / 100, lambda _: "loss")]
    options = FileOptions(
        lower_is_better=frozenset({"loss"}), picked_metrics={"xnli": ("acc", "loss"), "xquad": ("acc",)}
    )
    with pytest.raises(UsageError, match="the mean of acc and loss, of which loss is turned round"):
        load([write_file(tmp_path, made)], options)


def test_the_flags_reach_the_scores(tmp_path: Path, capsys: Capture) -> None:
    loss = write_file(tmp_path, rows(lambda row: (100 - row[5]) / 100, lambda _: "loss"), name="loss.parquet")
    assert "--lower-is-better loss" in refused(capsys, main, loss)
    said = printed(capsys, main, loss, "--summary", "--lower-is-better")
    assert "Best by the mean over 2 targets: squad, +10.0" in said and "turned round" in said
    mixed = write_file(tmp_path, rows(share_where(target="xnli"), by_target), name="mixed.parquet")
    said = printed(
        capsys, main, mixed, "--summary", "--scale", "acc=share", "--scale", "f1=points", "--controls", "mnli"
    )
    assert "squad, +10.0" in said
    assert f"rank.py {mixed} --scale acc=share --scale f1=points --controls mnli" in said
    assert "unknown metric 'fone'" in refused(capsys, main, mixed, "--scale", "acc=share", "--scale", "fone=points",
                                              "--scale", "f1=points")  # fmt: skip
    sweep = write_sweep(tmp_path, [Run(intermediate=task, test={"xnli": {"en": 0.5}}) for task in ("none", "nli")])
    assert "are for score files" in refused(capsys, main, sweep, "--lower-is-better", "accuracy")


def test_a_flag_before_the_paths_says_where_it_belongs(tmp_path: Path, capsys: Capture) -> None:
    file = write_file(tmp_path, rows(metric=lambda _: "loss"))
    with pytest.raises(SystemExit):
        main(["--lower-is-better", str(file)])
    assert f"{file} is a path, no metric. Give the flag after the paths" in capsys.readouterr().err


def test_a_sweep_is_never_rescaled(tmp_path: Path) -> None:
    runs = [Run(intermediate=task, test={"xnli": {"en": value}}) for task, value in (("none", 0.5), ("nli", 0.25))]
    sweep = write_sweep(tmp_path, runs)
    scores = load([sweep], POINTS)
    assert scores.notes == () and ranked(scores).gains["nli", "xnli"].mean == pytest.approx(-25)


def test_scales_do_not_depend_on_missing_values(tmp_path: Path) -> None:
    made = [*rows(), ("mnli", "xnli", 3, "en", "acc", math.nan)]
    assert "read as points" in load([write_file(tmp_path, made)]).notes[0]
    assert pl.read_parquet(tmp_path / "scores.parquet").height == len(made)
