"""The scores that enter a mean, and what is shown in place of missing ones."""

from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.scores.load import load
from analysis.scores.scores import Scores
from analysis.tables import ranking_export, ranking_report
from analysis.transfer.columns import MEAN_ALL, MEAN_TRAINED
from analysis.transfer.ranking import Ranking
from tests.analysis.sweep_files import Run, ranked, write_file, write_sweep

WORLD = {
    ("none", "xnli"): {"en": 0.50, "de": 0.40},
    ("none", "panx"): {"en": 0.60, "de": 0.30},
    ("none", "tatoeba"): {"de": 0.20},
    ("nli", "xnli"): {"en": 0.60, "de": 0.52},
    ("nli", "panx"): {"en": 0.61, "de": 0.30},
    ("nli", "tatoeba"): {"de": 0.50},
    ("qa", "xnli"): {"en": 0.50, "de": 0.44},
    ("qa", "panx"): {"en": 0.66, "de": 0.38},
    ("qa", "tatoeba"): {"de": 0.22},
}
SEEDS = (0, 1, 2)
LIFT = {("nli", 1): 0.01, ("nli", 2): 0.03}  # so that there is a spread
Runs = dict[tuple[str, str, int], Any]


@pytest.fixture
def runs() -> Runs:
    """The runs of a small sweep: three seeds, a retrieval target, two intermediate tasks."""
    runs = {}
    for (task, target), scores in WORLD.items():
        for seed in SEEDS:
            # The seeds differ by what all intermediates share, which pairing must take out.
            test = {language: value + 0.1 * seed + LIFT.get((task, seed), 0.0) for language, value in scores.items()}
            kind, rate = ("retrieval", None) if target == "tatoeba" else ("target", 1e-3)
            runs[task, target, seed] = Run(intermediate=task, test={target: test}, seed=seed, kind=kind, rate=rate)
    return runs


def sweep(folder: Path, runs: Runs, **spec: object) -> Scores:
    """Write runs as a sweep over the whole of WORLD and load it."""
    full = {"intermediates": ["none", "nli", "qa"], "targets": ["xnli", "panx", "tatoeba"], "seeds": list(SEEDS)}
    return load([write_sweep(folder, runs.values(), **{**full, "retrieval": ["tatoeba"], **spec})])


def test_the_whole_matrix_worked_by_hand(tmp_path: Path, runs: Runs) -> None:
    ranking = ranked(sweep(tmp_path, runs))
    gains = {cell: estimate.mean for cell, estimate in ranking.gains.items()}
    lift = 4 / 3  # of nli, in points, the mean of 0, 1 and 3
    assert gains == pytest.approx(
        {
            ("nli", "xnli"): 11 + lift,
            ("nli", "panx"): 0.5 + lift,
            ("nli", "tatoeba"): 30 + lift,
            ("nli", MEAN_ALL): 41.5 / 3 + lift,
            ("nli", MEAN_TRAINED): 11.5 / 2 + lift,
            ("qa", "xnli"): 2,
            ("qa", "panx"): 7,
            ("qa", "tatoeba"): 2,
            ("qa", MEAN_ALL): 11 / 3,
            ("qa", MEAN_TRAINED): 4.5,
        }
    )
    assert ranking.gains["nli", "xnli"].sd == pytest.approx((7 / 3) ** 0.5)  # of 0, 1, 3: without the seeds' own part
    assert ranking.gains["nli", MEAN_ALL].sd == pytest.approx((7 / 3) ** 0.5)
    assert ranking.gains["qa", "xnli"].sd == pytest.approx(0, abs=1e-6)
    assert ranking.reference_scores["none", "xnli"].mean == pytest.approx(55)
    assert ranking.reference_scores["none", "xnli"].sd == pytest.approx(10)
    assert ranking.reference_scores["none", MEAN_ALL].mean == pytest.approx((55 + 55 + 30) / 3)
    assert ranking.cell_counts == {"finished": 27}
    assert not any(estimate.is_partial for estimate in ranking.gains.values())


def test_retrieval_has_its_own_mean_and_can_turn_the_order(tmp_path: Path, runs: Runs) -> None:
    for seed in SEEDS:  # without retrieval qa is now ahead
        runs["nli", "xnli", seed] = replace(runs["nli", "xnli", seed], test=runs["qa", "xnli", seed].test)
    ranking = ranked(sweep(tmp_path, runs))
    assert ranking.contests[MEAN_ALL].order == ("nli", "qa")
    assert ranking.contests[MEAN_TRAINED].order == ("qa", "nli")
    assert ranking.intermediates == ("nli", "qa")


def test_without_retrieval_targets_there_is_one_mean(tmp_path: Path, runs: Runs) -> None:
    trained = {key: run for key, run in runs.items() if key[1] != "tatoeba"}
    assert list(ranked(sweep(tmp_path, trained, targets=["xnli", "panx"], retrieval=[])).contests) == [MEAN_ALL]


@pytest.mark.parametrize("name", ["bucc", "tatoeba", "mewslix", "mewsli-x", "lareqa", "BUCC"])
def test_retrieval_targets_of_a_file_are_known_by_name(tmp_path: Path, name: str) -> None:
    rows = [(task, target, 0, "de", "acc", 0.5) for task in ("none", "nli") for target in (name, "xnli")]
    assert ranked(write_file(tmp_path, rows)).contests[MEAN_TRAINED].column.targets == ("xnli",)


@pytest.mark.parametrize("status", ["stopped", "degenerate", "failed"])
def test_runs_that_did_not_finish_are_shown_and_never_averaged(tmp_path: Path, runs: Runs, status: str) -> None:
    complete = ranked(sweep(tmp_path, runs))
    runs["nli", "xnli", 2] = replace(runs["nli", "xnli", 2], status=status, reason="why")
    ranking = ranked(sweep(tmp_path, runs))
    cell, mean = ranking.gains["nli", "xnli"], ranking.gains["nli", MEAN_ALL]
    assert cell.mean == pytest.approx(11.5)  # of 11 and 12
    assert (cell.seeds, cell.of_seeds, cell.is_partial) == (2, 3, True)
    assert [(hole.seed, hole.status, hole.reason) for hole in cell.holes] == [(2, status, "why")]
    assert (mean.seeds, mean.of_seeds) == (2, 3)  # seed 2 lacks a target, and is not averaged over the other two
    assert ranking.cell_counts == {"finished": 26, status: 1}
    assert ranking.gains["qa", "xnli"] == complete.gains["qa", "xnli"]


@pytest.mark.parametrize("status", ["stopped", "degenerate", "failed", None])
def test_a_cell_without_any_finished_run_has_a_word_and_no_mean(tmp_path: Path, runs: Runs, status: str | None) -> None:
    for seed in SEEDS:
        if status:
            runs["nli", "xnli", seed] = replace(runs["nli", "xnli", seed], status=status)
        else:
            del runs["nli", "xnli", seed]
    ranking = ranked(sweep(tmp_path, runs))
    cell, mean = ranking.gains["nli", "xnli"], ranking.gains["nli", MEAN_ALL]
    assert (cell.mean, cell.sd, cell.hole_status) == (None, None, status or "missing")
    assert (mean.mean, mean.parts, mean.of_parts) == (None, 2, 3)
    assert ranking.contests[MEAN_ALL].order == ("qa",)
    assert ranking.intermediates == ("qa", "nli")  # last, but there


def test_without_its_baseline_a_cell_is_unpaired(tmp_path: Path, runs: Runs) -> None:
    del runs["none", "xnli", 1]
    ranking = ranked(sweep(tmp_path, runs))
    assert [(hole.seed, hole.status) for hole in ranking.gains["qa", "xnli"].holes] == [(1, "unpaired")]
    assert ranking.gains["qa", "xnli"].mean == pytest.approx(2)
    assert ranking.cell_counts == {"finished": 26, "missing": 1}


def test_missing_languages_make_a_cell_partial_and_leave_both_sides(tmp_path: Path, runs: Runs) -> None:
    run = runs["nli", "xnli", 0]
    runs["nli", "xnli", 0] = replace(run, test={"xnli": {"en": run.test["xnli"]["en"]}})
    estimate = ranked(sweep(tmp_path, runs)).gains["nli", "xnli"]
    assert estimate.mean == pytest.approx((10 + 12 + 14) / 3)  # at seed 0 English against English
    assert (estimate.parts, estimate.of_parts, estimate.is_partial) == (1, 2, True)


def test_an_intermediate_run_that_failed_explains_its_missing_cells(tmp_path: Path, runs: Runs) -> None:
    for target in ("xnli", "panx", "tatoeba"):
        del runs["nli", target, 0]
    runs["nli", "", 0] = Run(intermediate="nli", test={}, kind="intermediate", status="failed")
    hole = ranked(sweep(tmp_path, runs)).gains["nli", "xnli"].holes[0]
    assert (hole.status, hole.reason) == ("missing", "its intermediate run: failed")


def test_a_chain_from_a_degenerate_intermediate_run_is_named(tmp_path: Path, runs: Runs) -> None:
    stage = Run(intermediate="nli", test={}, kind="intermediate", status="degenerate", reason="constant", seed=1)
    ranking = ranked(sweep(tmp_path, {**runs, ("nli", "", 1): stage}))
    assert ranking.degenerate_intermediates == (("nli", 1, "constant"),)
    scores = sweep(tmp_path, {**runs, ("a", "", 1): stage, ("b", "", 1): replace(stage, status="finished", rate=1.0)})
    assert ranked(scores).degenerate_intermediates == ()


def test_floors_are_never_ranked_nor_scores(tmp_path: Path, runs: Runs) -> None:
    for seed in SEEDS:
        runs["random-encoder", "xnli", seed] = Run(
            intermediate="random-encoder", test={"xnli": {"en": 0.1, "de": 0.1}}, seed=seed
        )
        runs["nli", "xnli", seed] = replace(runs["nli", "xnli", seed], majority=0.99)
    ranking = ranked(sweep(tmp_path, runs))
    assert ranking.intermediates == ("nli", "qa")
    assert ranking.transfer.floors == ("majority", "random-encoder")
    assert ranking.reference_scores["random-encoder", "xnli"].mean == pytest.approx(10)
    assert ranking.reference_scores["majority", "xnli"].mean == pytest.approx(99)
    assert ranking.reference_scores["majority", "panx"].mean is None
    assert ranking.gains["nli", "xnli"].mean == pytest.approx(11 + 4 / 3)
    assert ranking.cell_counts == {"finished": 27}


def same(one: Ranking, other: Ranking) -> bool:
    fields = attrgetter("gains", "reference_scores", "intermediates", "cell_counts", "run_counts")
    return bool(fields(one) == fields(other))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(seed=st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(tmp_path: Path, runs: Runs, seed: int) -> None:
    scores = sweep(tmp_path, runs)
    mixed = replace(scores, target_rows=scores.target_rows.sample(fraction=1, shuffle=True, seed=seed))
    assert same(ranked(scores), ranked(mixed))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(
    cell=st.sampled_from(sorted((*cell, seed) for cell in WORLD for seed in SEEDS)),
    status=st.sampled_from(["stopped", "degenerate", "failed"]),
    score=st.floats(0, 1),
    dev=st.lists(st.floats(0, 1), min_size=1, max_size=10),
)
def test_another_run_that_did_not_finish_never_changes_a_mean(
    tmp_path_factory: pytest.TempPathFactory,
    runs: Runs,
    cell: tuple[str, str, int],
    status: str,
    score: float,
    dev: list[float],
) -> None:
    task, target, seed = cell
    test = {target: {"en": score, "de": score} if target != "tatoeba" else {"de": score}}
    more = Run(intermediate=task, test=test, seed=seed, rate=0.5, dev=dev, status=status)
    folders = [tmp_path_factory.mktemp("sweep") for _ in range(2)]
    before, after = (
        ranked(write_sweep(folder, sweep_runs))
        for folder, sweep_runs in zip(folders, (runs.values(), [*runs.values(), more]), strict=True)
    )
    assert (after.gains, after.reference_scores) == (before.gains, before.reference_scores)
    assert after.cell_counts == before.cell_counts
    assert after.run_counts == {"finished": 27, status: 1}


@pytest.mark.parametrize("by", ["target", "language", "family"])
def test_a_sweep_in_which_nothing_was_scored_has_no_mean_and_says_why(tmp_path: Path, runs: Runs, by: str) -> None:
    failed = {key: replace(run, status="failed", reason="disk") for key, run in runs.items()}
    ranking = ranked(sweep(tmp_path, failed), by)
    assert all(estimate.mean is None for estimate in (*ranking.gains.values(), *ranking.reference_scores.values()))
    assert ranking.cell_counts == {"finished": 0, "failed": 27}
    assert ranking.contests[MEAN_ALL].leader is None
    for text in (
        ranking_report.as_text(ranking, 100),
        ranking_report.as_markdown(ranking),
        ranking_report.as_latex(ranking),
        ranking_export.as_json(ranking),
    ):
        assert "failed" in text
