"""Failed runs: at which scores they count, how often chains fail, and what a reader is told of both."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.tables import failures, ranking_export, ranking_report, ranking_summary
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.failure_rates import FailureRate
from analysis.transfer.ranking import Ranking
from tests.analysis.sweep_files import Run, ranked, write_file, write_sweep

SEEDS = (0, 1, 2, 3)
Runs = dict[tuple[str, str, int], Run]


@pytest.fixture
def runs() -> Runs:
    """Two targets at 50 points; `nli` gains 4 on each, `qa` 2, and both differ a little by seed."""
    lift = {"none": 0.0, "nli": 0.04, "qa": 0.02}
    return {
        (task, target, seed): Run(
            intermediate=task,
            test={target: {"en": 0.5 + gain + 0.002 * seed * (task != "none"), "de": 0.5 + gain}},
            seed=seed,
        )
        for task, gain in lift.items()
        for target in ("xnli", "panx")
        for seed in SEEDS
    }


def fail(runs: Runs, *cell: Any, score: float | None = 0.3, **fields: Any) -> None:
    """Make the run of a cell degenerate, with a test score or, where its loss was no number, without."""
    target = cell[1]
    test = {target: {} if score is None else {"en": score, "de": score}}
    runs[cell] = replace(runs[cell], status="degenerate", reason="chance level", test=test, **fields)


def rank(folder: Path, runs: Runs, *more: Run, **spec: Any) -> Ranking:
    full = {"intermediates": ["none", "nli", "qa"], "targets": ["xnli", "panx"], "seeds": list(SEEDS)}
    return ranked(write_sweep(folder, [*runs.values(), *more], **{**full, **spec}))


def counted_gain(ranking: Ranking, name: str, column: str = MEAN_ALL) -> dict[int, float]:
    assert ranking.counted_failures is not None
    return dict(ranking.counted_failures.gains[name, column].values)


def test_without_failures_there_is_nothing_beside_the_means(tmp_path: Path, runs: Runs) -> None:
    ranking = rank(tmp_path, runs)
    assert ranking.counted_failures is None and list(failures.build_tables(ranking)) == []
    assert failures.describe_changes(ranking) == failures.list_counted(ranking) == []


def test_a_degenerate_run_counts_at_its_test_score(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "nli", "xnli", 1)
    ranking = rank(tmp_path, runs)
    assert dict(ranking.gains["nli", MEAN_ALL].values) == pytest.approx({0: 4, 2: 4.2, 3: 4.3})
    # Seed 1: xnli 30 - 50 = -20 and panx (4.2 + 4) / 2 = 4.1.
    assert counted_gain(ranking, "nli") == pytest.approx({0: 4, 1: (-20 + 4.1) / 2, 2: 4.2, 3: 4.3})
    assert counted_gain(ranking, "qa") == pytest.approx(dict(ranking.gains["qa", MEAN_ALL].values))
    assert failures.list_changed(ranking) == ["nli"]
    lines = failures.list_counted(ranking)
    assert lines == [
        "Failed runs at their own scores: nli -> xnli, seed 1.",
        "Complete with failed runs counted, and a candidate there: nli.",
    ]


def test_a_failed_baseline_counts_for_every_task(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "none", "xnli", 0)
    ranking = rank(tmp_path, runs)
    assert 0 not in ranking.gains["qa", MEAN_ALL].values
    assert counted_gain(ranking, "qa")[0] == pytest.approx((22 + 2) / 2)  # xnli 52 - 30
    assert failures.list_changed(ranking) == ["nli", "qa"]


@pytest.mark.parametrize(("dev", "expected"), [((0.4,), 4.0), ((0.6,), -20.0)])
def test_a_degenerate_run_competes_by_its_dev_score(tmp_path: Path, runs: Runs, dev: Any, expected: float) -> None:
    test = {"xnli": {"en": 0.3, "de": 0.3}}
    other = Run(intermediate="nli", test=test, seed=0, rate=1e-4, dev=dev, status="degenerate", reason="chance level")
    ranking = rank(tmp_path, runs, other)
    assert ranking.gains["nli", "xnli"].values[0] == pytest.approx(4)
    if expected == 4:  # the finished run, of dev 0.5, is better
        assert ranking.counted_failures is None
    else:
        assert counted_gain(ranking, "nli", "xnli")[0] == pytest.approx(expected)


def test_a_run_without_a_score_counts_at_the_floor(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "nli", "xnli", 1, score=None, dev=(0.1,))
    runs["qa", "xnli", 0] = replace(runs["qa", "xnli", 0], majority=0.2)
    ranking = rank(tmp_path, runs)
    assert counted_gain(ranking, "nli", "xnli") == pytest.approx({0: 4, 1: -30, 2: 4.2, 3: 4.3})
    (line, _) = failures.list_counted(ranking)
    assert line.startswith("Failed runs without a score (their loss was no number) at the trivial answer")
    assert line.endswith("nli -> xnli, seed 1.")


def test_without_a_floor_it_stays_out_and_that_is_said(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "nli", "xnli", 1, score=None)
    ranking = rank(tmp_path, runs)
    assert counted_gain(ranking, "nli").keys() == {0, 2, 3}
    assert failures.list_counted(ranking) == [
        "Failed runs without a score and a floor, in no mean: nli -> xnli, seed 1."
    ]


def test_retrieval_that_lacks_a_language_has_no_score(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "nli", "xnli", 1)
    broken = replace(runs["nli", "xnli", 1], test={"xnli": {"en": None, "de": 0.3}})
    ranking = rank(tmp_path, {**runs, ("nli", "xnli", 1): broken})
    assert ranking.counted_failures is not None and ranking.counted_failures.left_out == (("nli", "xnli", 1),)


def test_a_change_of_the_best_task_is_in_the_headline(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "nli", "xnli", 1)
    ranking = rank(tmp_path, runs)
    (line,) = failures.describe_changes(ranking)
    assert ranking.contests[MEAN_ALL].leader == "nli" and line.startswith("With failed runs counted: Best by the mean")
    assert ": qa, +2." in line and line in " ".join(ranking_report.as_text(ranking, 10_000).splitlines())
    summary = " ".join(ranking_summary.as_summary(ranking, 120, "runs").split())
    assert "Another task is best with failed runs counted (qa)." in summary


def test_a_ranking_by_group_tells_the_same_changes(tmp_path: Path, runs: Runs) -> None:
    """Means of groups have contests of their own, but none with failed runs counted."""
    fail(runs, "nli", "xnli", 1)
    by_target, by_group = (ranked(rank(tmp_path, runs).transfer.loaded_scores, by) for by in ("target", "group"))
    assert by_group.contests.keys() > by_target.contests.keys()
    assert failures.describe_changes(by_group) == failures.describe_changes(by_target) != []
    assert "With failed runs counted" in ranking_report.as_text(by_group, 100)


def test_no_headline_where_best_task_and_verdict_stay(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "qa", "xnli", 1, score=0.51)
    ranking = rank(tmp_path, runs)
    assert failures.list_changed(ranking) == ["qa"] and failures.describe_changes(ranking) == []


def test_rates_count_trainings_that_ended(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "nli", "xnli", 1)
    fail(runs, "none", "panx", 0)
    more = [
        Run(intermediate="nli", test={"xnli": {"en": 0.5}}, seed=0, rate=1e-4, status="stopped"),
        Run(intermediate="nli", test={"panx": {"en": 0.5}}, seed=0, rate=1e-4, status="failed"),
        Run(intermediate="nli", test={"xquad": {"en": 0.5}, "mlqa": {"en": 0.5}}, seed=0, status="degenerate"),
        Run(intermediate="qa", test={"tatoeba": {"de": 0.5}}, seed=0, kind="retrieval", rate=None),
        Run(intermediate="nli", test={}, kind="intermediate", status="degenerate", seed=1, reason="constant"),
        Run(intermediate="nli", test={}, kind="intermediate", seed=0),
        Run(intermediate="qa", test={}, kind="intermediate", seed=0),
    ]
    targets = ["xnli", "panx", "xquad", "mlqa", "tatoeba"]
    rates = rank(tmp_path, runs, *more, targets=targets, retrieval=["tatoeba"]).failure_rates
    # Eight runs each; nli has one more, xquad and mlqa together. Stopped, failed and retrieval runs are not in them.
    assert rates.targets == {"none": FailureRate(1, 8), "nli": FailureRate(2, 9), "qa": FailureRate(0, 8)}
    assert rates.together == FailureRate(2, 17) and rates.stopped == 1
    assert rates.phases == {"nli": FailureRate(1, 2), "qa": FailureRate(0, 1)}
    assert rates.phases_together == FailureRate(1, 3)


def test_a_control_is_not_in_the_rate_of_the_chains_together(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "qa", "xnli", 1)
    rates = rank(tmp_path, runs, controls=["qa"]).failure_rates
    assert rates.targets["qa"] == FailureRate(1, 8) and rates.together == FailureRate(0, 8)


def test_methods_of_one_phase_share_its_runs(tmp_path: Path, runs: Runs) -> None:
    copies = [replace(run, intermediate="nli:salt") for (task, *_), run in runs.items() if task == "nli"]
    phase = Run(intermediate="nli", test={}, kind="intermediate", status="degenerate", seed=0)
    rates = rank(tmp_path, runs, *copies, phase, intermediates=["none", "nli", "nli:salt", "qa"]).failure_rates
    assert rates.phases == {"nli": FailureRate(1, 1), "nli:salt": FailureRate(1, 1)}
    assert rates.phases_together == FailureRate(1, 1)


def test_the_rates_are_told_with_their_limits(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "nli", "xnli", 1)
    stopped = Run(intermediate="qa", test={"xnli": {"en": 0.5}}, seed=0, rate=1e-4, status="stopped")
    ranking = rank(tmp_path, runs, stopped)
    text = " ".join(ranking_report.as_text(ranking, 118).split())
    assert "`none` failed in 0 of 8 runs (0.0 to 32.4%), chains together in 1 of 16 runs (1.1 to 28.3%)" in text
    assert "The 1 target run stopped early are not counted" in text and "take runs as independent" in text
    titles = [title for title, *_ in failures.build_tables(ranking)]
    assert [title.split(",")[0] for title in titles] == ["With failed runs counted", "Runs that failed"]


def test_a_file_without_failures_says_nothing_of_them(tmp_path: Path) -> None:
    rows = [(task, "xnli", seed, "en", "accuracy", 0.5) for task in ("none", "nli") for seed in SEEDS]
    ranking = ranked(write_file(tmp_path, rows))
    assert failures.describe_rates(ranking) == []


def test_json_holds_the_rates_and_the_counted_means(tmp_path: Path, runs: Runs) -> None:
    fail(runs, "nli", "xnli", 1)
    document = json.loads(ranking_export.as_json(rank(tmp_path, runs)))["failures"]
    assert document["target_runs"]["nli"] == {
        "failed": 1, "ended": 8, "share": 0.125, "interval": pytest.approx([0.0224, 0.4709], abs=1e-4)
    }  # fmt: skip
    assert document["counted"]["at_score"] == [["nli", "xnli", 1]] and document["counted"]["leader"] == {MEAN_ALL: "qa"}
    gains = {(each["intermediate"], each["column"]): each["mean"] for each in document["counted"]["gains"]}
    assert gains["nli", MEAN_ALL] == pytest.approx((4 - 7.95 + 4.2 + 4.3) / 4)
