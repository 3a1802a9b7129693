"""A race over seeds leaves chains with fewer seeds: they are shown as decided early, neither missing nor complete."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from analysis import report
from analysis.scores.load import load
from analysis.tables import ranking_export, ranking_report, ranking_sentences, standings
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.ranking import Ranking
from spaces.errors import UsageError
from tests.analysis.sweep_files import Run, ranked, write_sweep

SEEDS = 8
GAINS = {
    "none": (0.0,) * SEEDS,
    "good": (4.0, 4.2, 3.8, 4.1, 3.9, 4.3, 3.7, 4.0),
    "near": (3.9, 4.3, 3.7, 4.2, 3.8, 4.2, 3.8, 4.0),
    "bad": (-5.0, -5.2, -4.8),
}
DECIDED = {"bad": {"after": [0, 1, 2], "of": SEEDS}}
Gains = Mapping[str, tuple[float | None, ...]]


def raced(results: Path, gains: Gains = GAINS, decided: Any = DECIDED, name: str = "sweep", **spec: Any) -> Path:
    """Write a sweep with two targets after a race; the baseline moves by 3 points a seed."""
    runs = [
        Run(intermediate=chain, seed=seed, test={target: {"en": base + 0.03 * seed + gain / 100}})
        for chain, row in gains.items()
        for seed, gain in enumerate(row)
        if gain is not None
        for target, base in (("xnli", 0.5), ("panx", 0.6))
    ]
    folder = write_sweep(results, runs, name=name, **spec)
    record = json.loads((folder / "sweep.json").read_text())
    (folder / "sweep.json").write_text(json.dumps({**record, "decided": decided}))
    return folder


@pytest.fixture
def ranking(tmp_path: Path) -> Ranking:
    return ranked(raced(tmp_path))


def test_seeds_that_were_not_given_are_decided_and_not_missing(ranking: Ranking) -> None:
    assert ranking.cell_counts == {"finished": 54, "decided": 10}
    assert ranking.transfer.skipped_seeds == {"bad": frozenset(range(3, 8))}
    assert ranking_sentences.list_missing(ranking) == []
    assert "54 finished, 10 decided" in " ".join(ranking_sentences.describe_scores(ranking))
    line = " ".join(ranking_sentences.describe_order(ranking))
    assert "Decided early: bad after 3 of 8 seeds." in line and "good" not in line


def test_its_mean_is_over_its_own_seeds_paired_with_the_baselines(ranking: Ranking) -> None:
    for column in ("xnli", MEAN_ALL):
        estimate = ranking.gains["bad", column]
        assert (estimate.mean, estimate.seeds, estimate.of_seeds) == (pytest.approx(-5), 3, 8)
        assert (estimate.skipped_seed_count, estimate.is_partial) == (5, False)
        assert estimate.interval == (pytest.approx(-5.497, abs=1e-3), pytest.approx(-4.503, abs=1e-3))  # t of 2
    for other in (ranking.gains["good", "xnli"], ranking.reference_scores["none", "xnli"]):
        assert other.skipped_seed_count == 0


def test_it_keeps_its_place_and_is_no_candidate_for_the_winner(ranking: Ranking) -> None:
    contest = ranking.contests[MEAN_ALL]
    assert contest.order[2] == "bad" and contest.decided_early == ("bad",) and contest.decided_ahead == ()
    assert set(contest.candidates) == set(contest.p_best) == {"good", "near"}
    assert contest.letters == {"good": "a", "near": "a"}
    assert contest.winner_estimate is not None and contest.winner_estimate.left_out == ()
    assert len(contest.winner_estimate.folds) == SEEDS
    assert contest.ranks["bad"].mean == 3


def test_many_decided_chains_do_not_cost_the_winner_its_seeds(tmp_path: Path) -> None:
    several = {f"bad{i}": GAINS["bad"] for i in range(7)}
    gains = {"none": GAINS["none"], "good": GAINS["good"], **several}
    folder = raced(tmp_path, gains, dict.fromkeys(several, DECIDED["bad"]))
    ranking = ranked(folder)
    honest = ranking.contests[MEAN_ALL].winner_estimate
    assert honest is not None and len(honest.folds) == SEEDS and honest.left_out == ()
    answer = " ".join(ranking_sentences.write_answer(ranking))
    assert "Better than every other task that was not decided early." in answer
    order = " ".join(ranking_sentences.describe_order(ranking))
    assert "bad0, bad1, bad2, bad3, bad4, bad5, bad6 after 3 of 8 seeds" in order


def test_where_english_was_wrong_the_answer_says_so(tmp_path: Path) -> None:
    ranking = ranked(raced(tmp_path, {**GAINS, "bad": (9.0, 9.2, 8.8)}))
    contest = ranking.contests[MEAN_ALL]
    assert contest.order[0] == "bad" and contest.leader == "good" and contest.decided_ahead == ("bad",)
    text = " ".join(ranking_sentences.write_answer(ranking))
    assert "Best by the mean over 2 targets: good, +4.0 points" in text
    assert "Higher by the mean, but decided early on English dev: bad +9.0." in text


def test_the_mark_is_not_that_of_what_is_missing(tmp_path: Path) -> None:
    gains = {**GAINS, "near": (*GAINS["near"][:7], None)}
    ranking = ranked(raced(tmp_path, gains))
    assert standings.format_gain(ranking.gains["bad", MEAN_ALL], over_targets=True).marks == "**†"
    assert standings.format_gain(ranking.gains["near", MEAN_ALL], over_targets=True).marks == "**~"
    assert standings.format_gain(ranking.gains["bad", MEAN_ALL], over_targets=True).below.endswith(" 3/8")
    assert ranking_sentences.list_missing(ranking) == ["near -> all 2 targets: seed 7 missing"]
    for text in (ranking_report.as_text(ranking, 120), ranking_report.as_markdown(ranking)):
        assert "-5.0**†" in text and "† Decided early" in text
    assert r"$\dagger$" in ranking_report.as_latex(ranking)


def test_a_seed_that_it_was_given_and_lacks_is_a_hole(tmp_path: Path) -> None:
    ranking = ranked(raced(tmp_path, {**GAINS, "bad": (-5.0, None, -4.8)}))
    estimate = ranking.gains["bad", "xnli"]
    assert (estimate.seeds, estimate.skipped_seed_count, estimate.is_partial) == (2, 5, True)
    assert ranking_sentences.list_missing(ranking) == ["bad -> all 2 targets: seed 1 missing"]
    nowhere = ranked(raced(tmp_path, {**GAINS, "bad": ()}, name="nowhere", intermediates=list(GAINS)))
    assert nowhere.gains["bad", "xnli"].hole_status == "missing"  # that is why it has no mean; the race is not


def test_seeds_that_another_scheduler_trained_before_count(tmp_path: Path) -> None:
    ranking = ranked(raced(tmp_path, {**GAINS, "bad": (*GAINS["bad"], -5.1, -4.9)}))
    assert (ranking.gains["bad", MEAN_ALL].seeds, ranking.gains["bad", MEAN_ALL].skipped_seed_count) == (5, 3)
    complete = ranked(raced(tmp_path, {**GAINS, "bad": tuple(gain - 9 for gain in GAINS["good"])}, name="whole"))
    assert complete.transfer.skipped_seeds == {} and complete.contests[MEAN_ALL].decided_early == ()
    assert "ecided" not in ranking_report.as_text(complete, 120)


def test_a_floor_may_be_decided_too(tmp_path: Path) -> None:
    gains = {**GAINS, "random-encoder": (-20.0, -20.5, -19.5)}
    folder = raced(tmp_path, gains, {**DECIDED, "random-encoder": DECIDED["bad"]}, floors=["random-encoder"])
    ranking = ranked(folder)
    floor = ranking.reference_scores["random-encoder", MEAN_ALL]
    assert (floor.skipped_seed_count, floor.is_partial) == (5, False)
    line = " ".join(ranking_sentences.describe_order(ranking))
    assert "Decided early: bad, random-encoder after 3 of 8 seeds." in line
    assert ranking_export.build_records(ranking)[-1]["decided"]


def test_programs_get_it_too(ranking: Ranking) -> None:
    rows = {(r["intermediate"], r["column"]): r for r in csv.DictReader(io.StringIO(ranking_export.as_csv(ranking)))}
    bad = rows["bad", "xnli"]
    assert (bad["decided"], bad["partial"], bad["seeds"], bad["of_seeds"]) == ("true", "false", "3", "8")
    assert bad["holes"] == "3:decided 4:decided 5:decided 6:decided 7:decided"
    assert (rows["bad", MEAN_ALL]["decided"], rows["good", "xnli"]["decided"]) == ("true", "false")
    document = json.loads(ranking_export.as_json(ranking))
    assert document["decided"] == DECIDED
    assert document["estimates"][0]["decided"] is False


def test_the_page_says_it(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert report.main([str(raced(tmp_path)), "--output", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "early, after 3 of 8 seeds" in text and "Decided early: bad after 3 of 8 seeds" in text
    assert "−5.0**†" in text
    assert "some have no score" not in text


def test_two_sweeps_together_fill_what_one_did_not_give(tmp_path: Path) -> None:
    other = {**GAINS, "bad": (-5.0, -5.2, -4.8, -5.1, -4.9, -5.0, -5.2, -4.8)}
    both = ranked(load([raced(tmp_path), raced(tmp_path, other, {}, name="other")]))
    assert both.transfer.skipped_seeds == {} and both.gains["bad", MEAN_ALL].seeds == SEEDS


@pytest.mark.parametrize("decided", [["bad"], {"bad": [0, 1]}, {"bad": {"of": 8}}, {"bad": {"after": 3}}])
def test_a_record_of_another_kind_is_refused(tmp_path: Path, decided: Any) -> None:
    with pytest.raises(UsageError, match="is not a valid sweep record"):
        load([raced(tmp_path, decided=decided)])
