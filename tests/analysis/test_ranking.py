"""The promises that concern what enters a mean, and what is shown instead."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.scores.load import load
from analysis.scores.scores import Scores
from analysis.tables import ranking_export, ranking_report
from analysis.transfer.columns import MEAN_ALL, MEAN_TRAINED
from analysis.transfer.ranking import Ranking
from tests.analysis.ranked import ranked

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


@pytest.fixture
def runs(run_of: type) -> dict[tuple[str, str, int], object]:
    """The runs of a small sweep: three seeds, a retrieval target, two intermediate tasks."""
    made = {}
    for (task, target), scores in WORLD.items():
        for seed in SEEDS:
            # The seeds differ by what all intermediates share, which pairing must take out.
            moved = {language: value + 0.1 * seed + LIFT.get((task, seed), 0.0) for language, value in scores.items()}
            kind, rate = ("retrieval", None) if target == "tatoeba" else ("target", 1e-3)
            made[task, target, seed] = run_of(intermediate=task, test={target: moved}, seed=seed, kind=kind, rate=rate)
    return made


@pytest.fixture
def read(write_sweep: Callable[..., Path], tmp_path: Path) -> Callable[..., Scores]:
    """Writes runs as a sweep over the whole of WORLD and loads it."""

    def write(runs: dict[tuple[str, str, int], object], **spec: object) -> Scores:
        whole = {"intermediates": ["none", "nli", "qa"], "targets": ["xnli", "panx", "tatoeba"], "seeds": list(SEEDS)}
        return load([write_sweep(tmp_path, runs.values(), **{**whole, "retrieval": ["tatoeba"], **spec})])

    return write


Read = Callable[..., Scores]
Runs = dict[tuple[str, str, int], object]


def test_the_whole_matrix_worked_by_hand(read: Read, runs: Runs) -> None:
    found = ranked(read(runs))
    gains = {cell: one.mean for cell, one in found.gains.items()}
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
    assert found.gains["nli", "xnli"].sd == pytest.approx((7 / 3) ** 0.5)  # of 0, 1 and 3: the seeds' own part is gone
    assert found.gains["nli", MEAN_ALL].sd == pytest.approx((7 / 3) ** 0.5)
    assert found.gains["qa", "xnli"].sd == pytest.approx(0, abs=1e-6)
    assert found.reference_scores["none", "xnli"].mean == pytest.approx(55)
    assert found.reference_scores["none", "xnli"].sd == pytest.approx(10)
    assert found.reference_scores["none", MEAN_ALL].mean == pytest.approx((55 + 55 + 30) / 3)
    assert found.cell_counts == {"finished": 27}
    assert not any(one.is_partial for one in found.gains.values())


def test_retrieval_has_its_own_mean_and_can_turn_the_order(read: Read, runs: Runs) -> None:
    for seed in SEEDS:  # without retrieval qa is now ahead
        runs["nli", "xnli", seed] = replace(runs["nli", "xnli", seed], test=runs["qa", "xnli", seed].test)
    found = ranked(read(runs))
    assert found.contests[MEAN_ALL].order == ("nli", "qa")
    assert found.contests[MEAN_TRAINED].order == ("qa", "nli")
    assert found.intermediates == ("nli", "qa")


def test_without_retrieval_targets_there_is_one_mean(read: Read, runs: Runs) -> None:
    trained = {key: run for key, run in runs.items() if key[1] != "tatoeba"}
    assert list(ranked(read(trained, targets=["xnli", "panx"], retrieval=[])).contests) == [MEAN_ALL]


@pytest.mark.parametrize("name", ["bucc", "tatoeba", "mewslix", "mewsli-x", "lareqa", "BUCC"])
def test_retrieval_targets_of_a_file_are_known_by_name(write_file: Callable[..., Path], name: str) -> None:
    rows = [(task, target, 0, "de", "acc", 0.5) for task in ("none", "nli") for target in (name, "xnli")]
    assert ranked(load([write_file(rows)])).contests[MEAN_TRAINED].column.targets == ("xnli",)


@pytest.mark.parametrize("status", ["stopped", "degenerate", "failed"])
def test_runs_that_did_not_finish_are_shown_and_never_averaged(read: Read, runs: Runs, status: str) -> None:
    whole = ranked(read(runs))
    runs["nli", "xnli", 2] = replace(runs["nli", "xnli", 2], status=status, reason="why")
    found = ranked(read(runs))
    cell, mean = found.gains["nli", "xnli"], found.gains["nli", MEAN_ALL]
    assert cell.mean == pytest.approx(11.5)  # of 11 and 12
    assert (cell.seeds, cell.of_seeds, cell.is_partial) == (2, 3, True)
    assert [(hole.seed, hole.status, hole.reason) for hole in cell.holes] == [(2, status, "why")]
    assert (mean.seeds, mean.of_seeds) == (2, 3)  # seed 2 lacks a target, and is not averaged over the other two
    assert found.cell_counts == {"finished": 26, status: 1}
    assert found.gains["qa", "xnli"] == whole.gains["qa", "xnli"]


@pytest.mark.parametrize("status", ["stopped", "degenerate", "failed", None])
def test_a_cell_without_any_finished_run_has_a_word_and_no_mean(read: Read, runs: Runs, status: str | None) -> None:
    for seed in SEEDS:
        if status:
            runs["nli", "xnli", seed] = replace(runs["nli", "xnli", seed], status=status)
        else:
            del runs["nli", "xnli", seed]
    found = ranked(read(runs))
    cell, mean = found.gains["nli", "xnli"], found.gains["nli", MEAN_ALL]
    assert (cell.mean, cell.sd, cell.hole_status) == (None, None, status or "missing")
    assert (mean.mean, mean.parts, mean.of_parts) == (None, 2, 3)
    assert found.contests[MEAN_ALL].order == ("qa",)
    assert found.intermediates == ("qa", "nli")  # last, but there


def test_without_its_baseline_a_cell_is_unpaired(read: Read, runs: Runs) -> None:
    del runs["none", "xnli", 1]
    found = ranked(read(runs))
    assert [(hole.seed, hole.status) for hole in found.gains["qa", "xnli"].holes] == [(1, "unpaired")]
    assert found.gains["qa", "xnli"].mean == pytest.approx(2)
    assert found.cell_counts == {"finished": 26, "missing": 1}


def test_missing_languages_make_a_cell_partial_and_leave_both_sides(read: Read, runs: Runs) -> None:
    run = runs["nli", "xnli", 0]
    runs["nli", "xnli", 0] = replace(run, test={"xnli": {"en": run.test["xnli"]["en"]}})
    one = ranked(read(runs)).gains["nli", "xnli"]
    assert one.mean == pytest.approx((10 + 12 + 14) / 3)  # at seed 0 English against English
    assert (one.parts, one.of_parts, one.is_partial) == (1, 2, True)


def test_an_intermediate_run_that_failed_explains_its_missing_cells(read: Read, runs: Runs, run_of: type) -> None:
    for target in ("xnli", "panx", "tatoeba"):
        del runs["nli", target, 0]
    runs["nli", "", 0] = run_of(intermediate="nli", test={}, kind="intermediate", status="failed")
    hole = ranked(read(runs)).gains["nli", "xnli"].holes[0]
    assert (hole.status, hole.reason) == ("missing", "its intermediate run: failed")


def test_a_chain_from_a_degenerate_intermediate_run_is_named(read: Read, runs: Runs, run_of: type) -> None:
    stage = run_of(intermediate="nli", test={}, kind="intermediate", status="degenerate", reason="constant", seed=1)
    found = ranked(read({**runs, ("nli", "", 1): stage}))
    assert found.degenerate_intermediates == (("nli", 1, "constant"),)
    assert (
        ranked(
            read({**runs, ("a", "", 1): stage, ("b", "", 1): replace(stage, status="finished", rate=1.0)})
        ).degenerate_intermediates
        == ()
    )


def test_floors_are_never_ranked_nor_scores(read: Read, runs: Runs, run_of: type) -> None:
    for seed in SEEDS:
        runs["random-encoder", "xnli", seed] = run_of(
            intermediate="random-encoder", test={"xnli": {"en": 0.1, "de": 0.1}}, seed=seed
        )
        runs["nli", "xnli", seed] = replace(runs["nli", "xnli", seed], majority=0.99)
    found = ranked(read(runs))
    assert found.intermediates == ("nli", "qa")
    assert found.transfer.floors == ("majority", "random-encoder")
    assert found.reference_scores["random-encoder", "xnli"].mean == pytest.approx(10)
    assert found.reference_scores["majority", "xnli"].mean == pytest.approx(99)
    assert found.reference_scores["majority", "panx"].mean is None
    assert found.gains["nli", "xnli"].mean == pytest.approx(11 + 4 / 3)
    assert found.cell_counts == {"finished": 27}


def same(one: Ranking, other: Ranking) -> bool:
    return (one.gains, one.reference_scores, one.intermediates, one.cell_counts, one.run_counts) == (
        other.gains,
        other.reference_scores,
        other.intermediates,
        other.cell_counts,
        other.run_counts,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(read: Read, runs: Runs, seed: int) -> None:
    scores = read(runs)
    mixed = replace(scores, target_rows=scores.target_rows.sample(fraction=1, shuffle=True, seed=seed))
    assert same(ranked(scores), ranked(mixed))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(
    cell=st.sampled_from(sorted((*cell, seed) for cell in WORLD for seed in SEEDS)),
    status=st.sampled_from(["stopped", "degenerate", "failed"]),
    score=st.floats(0, 1),
    dev=st.lists(st.floats(0, 1), min_size=1, max_size=10),
)
def test_another_run_that_did_not_finish_never_changes_a_mean(
    tmp_path_factory: pytest.TempPathFactory,
    write_sweep: Callable[..., Path],
    run_of: type,
    runs: Runs,
    cell: tuple[str, str, int],
    status: str,
    score: float,
    dev: list[float],
) -> None:
    task, target, seed = cell
    test = {target: {"en": score, "de": score} if target != "tatoeba" else {"de": score}}
    more = run_of(intermediate=task, test=test, seed=seed, rate=0.5, dev=dev, status=status)
    folders = [tmp_path_factory.mktemp("sweep") for _ in range(2)]
    before, after = (
        ranked(load([write_sweep(folder, made)]))
        for folder, made in zip(folders, (runs.values(), [*runs.values(), more]), strict=True)
    )
    assert (after.gains, after.reference_scores, after.cell_counts) == (
        before.gains,
        before.reference_scores,
        before.cell_counts,
    )
    assert after.run_counts == {"finished": 27, status: 1}


@pytest.mark.parametrize("by", ["target", "language", "family"])
def test_a_sweep_in_which_nothing_was_scored_has_no_mean_and_says_why(read: Read, runs: Runs, by: str) -> None:
    found = ranked(read({key: replace(run, status="failed", reason="disk") for key, run in runs.items()}), by)
    assert all(one.mean is None for one in (*found.gains.values(), *found.reference_scores.values()))
    assert found.cell_counts == {"finished": 0, "failed": 27}
    assert found.contests[MEAN_ALL].leader is None
    for text in (
        ranking_report.as_text(found, 100),
        ranking_report.as_markdown(found),
        ranking_report.as_latex(found),
        ranking_export.as_json(found),
    ):
        assert "failed" in text
