import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import polars as pl
import pytest

from analysis.axes import main
from analysis.questions.factors import POOLED, AxisComparison, compare_axes, compute_importances, measure_spread
from spaces.errors import UsageError
from tests.analysis.sweep_files import Capture, Run, printed, read_transfer, refused, write_file, write_sweep

TASKS = {"none": 0.0, "mnli": 0.1, "squad": 0.02}
RATES = {1e-3: 0.0, 2e-3: 0.05}
LANGUAGES = {"en": 0.3, "de": 0.1, "fr": 0.0}


def additive(target: str = "xnli", task: float = 1.0, seed: float = 0.0, base: float = 0.3) -> list[Any]:
    """Every task, rate and seed; each axis adds its part and nothing else does. English dev prefers the first rate."""
    return [
        Run(
            intermediate=name,
            seed=number,
            rate=rate,
            dev=(0.5 - place,),
            test={
                target: {
                    language: base + task * effect + lift + more + seed * number for language, more in LANGUAGES.items()
                }
            },
        )
        for name, effect in TASKS.items()
        for number in range(3)
        for place, (rate, lift) in enumerate(RATES.items())
    ]


def compare(folder: Path, runs: list[Any], **spec: Any) -> AxisComparison:
    return compare_axes(read_transfer(write_sweep(folder, runs, **spec)))


def test_shares_of_an_additive_world_by_hand(tmp_path: Path) -> None:
    split = compare(tmp_path, additive(seed=0.01)).splits["xnli"]
    # Variances over the levels of each axis, since the table is balanced.
    variances = [np.var(list(axis.values())) for axis in (TASKS, RATES, {n: 0.01 * n for n in range(3)}, LANGUAGES)]
    shares = [split.parts[name].share for name in ("intermediate", "learning_rate", "seed", "language")]
    assert shares == pytest.approx(np.array(variances) / sum(variances))
    assert (split.residual_share, split.shared_share) == pytest.approx((0, 0), abs=1e-9)


def test_pooled_counts_only_what_holds_for_all_targets(tmp_path: Path) -> None:
    opposite = compare(tmp_path, [*additive(), *additive("panx", task=-1.0, base=0.6)])
    assert opposite.splits["xnli"].parts["intermediate"].share > 0.05
    assert opposite.splits[POOLED].parts["intermediate"].share == pytest.approx(0, abs=1e-9)
    alike = compare(tmp_path, [*additive(), *additive("panx", base=0.5)])
    pooled, xnli = (alike.splits[name].parts["intermediate"].share for name in (POOLED, "xnli"))
    assert pooled == pytest.approx(xnli)
    assert alike.score_counts == {"xnli": 54, "panx": 54, POOLED: 108}


def test_one_target_is_not_pooled(tmp_path: Path) -> None:
    assert set(compare(tmp_path, additive()).splits) == {"xnli"}


def test_task_and_seed_by_hand() -> None:
    values = np.array([[50.0, 52.0], [60.0, 62.0], [70.0, 72.0]])
    spread = measure_spread(values)
    # Without noise: the variances of the means of tasks (100) and of seeds (2).
    assert (spread.task_count, spread.seed_count) == (3, 2)
    assert (spread.task_sd, spread.seed_sd, spread.noise_sd) == pytest.approx((10, np.sqrt(2), 0), abs=1e-6)
    assert spread.total_seed_sd == pytest.approx(np.sqrt(2))


def test_spread_tells_apart_task_seed_and_noise() -> None:
    rng = np.random.default_rng(1)
    task, seed = rng.normal(0, 5, (100, 1)), rng.normal(0, 2, (1, 100))
    spread = measure_spread(task + seed + rng.normal(0, 1, (100, 100)))
    assert (spread.task_sd, spread.seed_sd, spread.noise_sd) == pytest.approx((5, 2, 1), rel=0.2)
    assert spread.total_seed_sd == pytest.approx(np.sqrt(5), rel=0.2)


def test_a_hole_leaves_its_task_out_and_an_empty_seed_goes() -> None:
    values = np.array([[50.0, 52.0, np.nan], [60.0, 62.0, np.nan], [70.0, np.nan, np.nan]])
    spread = measure_spread(values)
    assert (spread.task_count, spread.seed_count) == (2, 2)
    assert measure_spread(values[:1]).task_sd is None
    assert measure_spread(values[:, :1]).task_sd is None
    assert measure_spread(values[:, 2:]).total_seed_sd is None


def test_controls_and_floors_are_no_choices(tmp_path: Path) -> None:
    runs = additive()
    test = {"xnli": {"en": 0.1, "de": 0.1, "fr": 0.1}}
    others = [Run(intermediate=name, seed=s, test=test) for name in ("random", "random-encoder") for s in range(3)]
    assert compare(tmp_path, [*runs, *others], controls=["random"]) == compare(tmp_path, runs)


def test_stopped_runs_are_missing_and_counted(tmp_path: Path, capsys: Capture) -> None:
    stopped = Run(intermediate="mnli", test={"xnli": {}}, rate=4e-3, dev=(0.1,) * 3, status="stopped")
    comparison = compare(tmp_path, [*additive(), stopped])
    assert comparison.missing_runs == {"stopped": 1}
    assert comparison.score_counts["xnli"] == 54
    assert "Runs without a score, which are in no share: 1 stopped." in printed(capsys, main, tmp_path / "sweep")


def test_a_missing_language_leaves_a_task_out_of_the_spreads(tmp_path: Path) -> None:
    runs = additive()
    del runs[0].test["xnli"]["fr"]  # `none`, seed 0, at the rate that English dev chose
    comparison = compare(tmp_path, runs)
    assert comparison.spreads["xnli"].task_count == 2
    assert comparison.score_counts["xnli"] == 53


def test_retrieval_has_no_rate(tmp_path: Path) -> None:
    tests = {name: {"bucc": {"de": 0.3 + effect, "fr": 0.2}} for name, effect in TASKS.items()}
    cells = [(name, seed) for name in TASKS for seed in range(3)]
    runs = [Run(intermediate=name, seed=s, kind="retrieval", rate=None, test=tests[name]) for name, s in cells]
    comparison = compare(tmp_path, runs, retrieval=["bucc"])
    assert set(comparison.splits["bucc"].parts) == {"intermediate", "seed", "language"}
    assert "learning_rate" not in comparison.importances["bucc"]


def test_optuna_sees_the_same_rows() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"intermediate": task, "learning_rate": rate, "seed": seed, "language": "de", "value": effect + noise}
        for task, effect in (("none", 0.0), ("mnli", 10.0), ("squad", 1.0), ("qqp", 2.0))
        for rate in (1e-3, 2e-3)
        for seed in range(5)
        for noise in [rng.normal()]
    ]
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    importances = compute_importances(pl.DataFrame(rows))
    assert optuna.logging.get_verbosity() == optuna.logging.ERROR
    optuna.logging.set_verbosity(before)
    assert set(importances) == {"intermediate", "learning_rate", "seed"}  # one language is no axis
    assert sum(importances.values()) == pytest.approx(1)
    assert importances["intermediate"] > 0.5


def test_importance_is_for_being_among_the_best_not_the_worst() -> None:
    """One task makes the best scores at any rate; one rate makes the worst of the other tasks."""
    rows = [
        {"intermediate": task, "learning_rate": rate, "seed": seed, "language": "de", "value": value}
        for task in ("none", "mnli", "squad", "qqp", "ccg")
        for rate in (1e-3, 2e-3)
        for seed in range(5)
        for value in [10.0 + seed / 100 if task == "mnli" else -10.0 * (rate == 2e-3) + seed / 100]
    ]
    importances = compute_importances(pl.DataFrame(rows))
    assert importances["intermediate"] > 5 * importances["learning_rate"]


def test_nothing_to_split_is_an_error(tmp_path: Path, capsys: Capture) -> None:
    rows = [("none", "xnli", 0, "de", "accuracy", 0.5), ("mnli", "panx", 0, "de", "accuracy", 0.5)]
    file = write_file(tmp_path, rows)
    with pytest.raises(UsageError, match="no target has two scores"):
        compare_axes(read_transfer(file))
    refused(capsys, main, file)


@pytest.mark.parametrize(
    ("task", "seed", "said"),
    [
        (1.0, 0.001, "The choice of task moves the score more than the seed on 1 of 1 targets."),
        (0.01, 0.1, "The choice of task moves the score more than the seed on 0 of 1 targets."),
    ],
)
def test_the_verdict_is_plain(tmp_path: Path, capsys: Capture, task: float, seed: float, said: str) -> None:
    assert said in printed(capsys, main, write_sweep(tmp_path, additive(task=task, seed=seed)), width=118)


def test_the_verdict_names_the_targets_where_the_seed_moves_more(tmp_path: Path, capsys: Capture) -> None:
    runs = [*additive(), *additive("panx", task=0.01, seed=0.1)]
    folder = write_sweep(tmp_path, runs)
    assert main([str(folder), "--format", "csv"]) == 0
    captured = capsys.readouterr()
    assert "on 1 of 2 targets; the seed moves it more on panx." in captured.err
    rows = list(csv.DictReader(io.StringIO(captured.out)))
    more = {row["row"]: row["text"] for row in rows if row["column"] == "more by"}
    assert more == {"xnli": "task", "panx": "seed"}


def test_one_seed_gives_no_verdict(tmp_path: Path, capsys: Capture) -> None:
    runs = [run for run in additive() if run.seed == 0]
    said = printed(capsys, main, write_sweep(tmp_path, runs))
    assert "It is unknown whether the choice of task moves the score more" in said


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_target_whose_scores_are_all_equal_is_named_and_in_no_share(
    tmp_path: Path, capsys: Capture, seeds: int
) -> None:
    rows = [
        (task, target, seed, "en", "accuracy", 0.1 + 0.2 if target == "flat" else 0.5 + 0.1 * lift + 0.01 * seed)
        for task, lift in (("none", 0), ("mnli", 1))
        for target in ("flat", "steep", "other")
        for seed in range(seeds)
    ]
    text = printed(capsys, main, write_file(tmp_path, rows))
    assert "nan" not in text.casefold() and "All scores are equal on flat" in text
    flat = [row for row in rows if row[1] == "flat"]
    assert "all scores are equal on flat" in refused(capsys, main, write_file(tmp_path, flat))


def test_equal_scores_have_no_spread_of_either_kind() -> None:
    spread = measure_spread(np.full((3, 3), 0.1 + 0.2))
    assert (spread.task_sd, spread.seed_sd, spread.noise_sd) == (0.0, 0.0, 0.0)
