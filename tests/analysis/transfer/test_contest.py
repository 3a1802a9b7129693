"""The leader, the tasks not separated from it, and the unbiased gain of the winner."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from analysis.page import headline
from analysis.tables import ranking_legend, ranking_sentences, standings
from analysis.transfer.columns import MEAN_ALL, MEAN_TRAINED
from analysis.transfer.ranking import Ranking
from tests.analysis.sweep_files import Run, ranked, write_sweep

Lifts = Mapping[str, tuple[float, ...]]  # intermediate -> gain in points by seed
SPOTS = {"xnli": 0.5, "panx": 0.6, "tatoeba": 0.3}


def rank_lifts(folder: Path, lifts: Lifts, **spec: object) -> Ranking:
    """The ranking of a sweep in which every target gains `lifts`."""
    runs = [
        Run(
            intermediate=task,
            seed=seed,
            test={target: {"en": score + 0.03 * seed + lift / 100}},
            kind="retrieval" if target == "tatoeba" else "target",
            rate=None if target == "tatoeba" else 1e-3,
        )
        for task, gains in {"none": (0.0,) * 5, **lifts}.items()
        for target, score in SPOTS.items()
        for seed, lift in enumerate(gains)
    ]
    return ranked(write_sweep(folder, runs, **spec))


CLEAR = {
    "good": (10.0, 10.2, 9.8, 10.1, 9.9),
    "same": (9.9, 10.3, 10.2, 9.8, 9.7),
    "bad": (-5.0, -5.1, -4.9, -5.2, -4.8),
}


def test_a_clear_order_is_told_and_a_tie_is_not(tmp_path: Path) -> None:
    ranking = rank_lifts(tmp_path, CLEAR)
    contest = ranking.contests[MEAN_ALL]
    assert contest.order == ("good", "same", "bad") and contest.leader == "good"
    assert contest.letters["good"] == contest.letters["same"] != contest.letters["bad"]
    assert contest.find_rivals("good") == ("same",) and contest.find_rivals("bad") == ()
    assert contest.p_best["bad"] < 0.01 and contest.p_best["good"] + contest.p_best["same"] > 0.99
    assert contest.ranks["bad"].mean == 3
    assert ranking.gains["good", MEAN_ALL].p_above == pytest.approx(1, abs=0.01)
    assert ranking.gains["bad", MEAN_ALL].p_above == pytest.approx(0, abs=0.01)
    assert ranking.gains["good", "xnli"].is_significant and ranking.gains["bad", MEAN_ALL].is_significant
    text = " ".join(ranking_sentences.write_answer(ranking))
    assert "Best by the mean over 3 targets: good, +10.0 points" in text
    assert "Not distinguishable from good: same." in text


def test_the_honest_gain_is_read_where_the_winner_was_not_chosen(tmp_path: Path) -> None:
    ranking = rank_lifts(tmp_path, {"a": (6.0, 0.0, 0.0), "b": (0.0, 5.0, 0.0), "c": (1.0, 1.0, 1.0)})
    honest = ranking.contests[MEAN_ALL].winner_estimate
    assert honest is not None
    assert (honest.name, honest.naive) == ("a", pytest.approx(2))
    # without seed 0 b leads (read there: 0), without seed 1 a (0), without seed 2 a (0)
    assert [(seed, name) for seed, name, _ in honest.folds] == [(0, "b"), (1, "a"), (2, "a")]
    assert honest.honest == pytest.approx(0, abs=1e-9)
    text = " ".join(ranking_sentences.write_answer(ranking)).replace("-0.0", "+0.0")
    assert "chosen without one seed and measured on that seed: +0.0" in text


def test_a_control_is_in_the_order_and_never_leads(tmp_path: Path) -> None:
    ranking = rank_lifts(tmp_path, CLEAR, controls=["good"])
    contest = ranking.contests[MEAN_ALL]
    assert contest.order[0] == "good" and contest.leader == "same"
    assert "good" not in contest.p_best and contest.p_best["same"] == pytest.approx(1, abs=0.01)
    assert contest.winner_estimate is not None and contest.winner_estimate.name == "same"


def test_a_task_with_one_lucky_seed_does_not_lead_those_with_enough(tmp_path: Path) -> None:
    contest = rank_lifts(tmp_path, {**CLEAR, "lucky": (30.0,)}).contests[MEAN_ALL]
    assert contest.order[0] == "lucky" and contest.leader == "good"


def test_seeds_that_all_agree_are_no_certainty(tmp_path: Path) -> None:
    copies = {name: (lifts[0],) * 5 for name, lifts in CLEAR.items()}
    ranking = rank_lifts(tmp_path, copies)
    contest = ranking.contests[MEAN_ALL]
    assert contest.leader == "good" and contest.p_best == {} and contest.unvarying == ("good", "same", "bad")
    assert contest.find_rivals("good") == ("same", "bad")
    for estimate in ranking.gains.values():
        assert (estimate.p, estimate.p_holm, estimate.p_above) == (None, None, None)
        assert not estimate.excludes_zero and estimate.is_same_with_every_seed
    assert "nothing can be tested" in " ".join(ranking_sentences.write_answer(ranking))
    assert "9 cells with the same gain at every seed" in " ".join(ranking_legend.explain_marks(ranking))
    assert "nothing can be tested" in str(headline.build_section(ranking).blocks[0])


def test_one_task_whose_seeds_agree_may_lead_without_a_probability(tmp_path: Path) -> None:
    contest = rank_lifts(tmp_path, {**CLEAR, "copy": (20.0,) * 5}).contests[MEAN_ALL]
    assert contest.leader == "copy" and "copy" not in contest.p_best
    assert contest.p_best["good"] + contest.p_best["same"] > 0.99


def test_two_seeds_give_no_interval_no_probability_and_no_groups(tmp_path: Path) -> None:
    ranking = rank_lifts(tmp_path, {name: lifts[:2] for name, lifts in CLEAR.items()}, seeds=[0, 1])
    for estimate in ranking.gains.values():
        assert (estimate.interval, estimate.p, estimate.p_holm, estimate.p_above) == (None, None, None, None)
    contest = ranking.contests[MEAN_ALL]
    assert (contest.p_best, contest.letters, contest.winner_estimate) == ({}, {}, None)
    assert all(rank.interval is None for rank in contest.ranks.values())
    text = " ".join(ranking_sentences.write_answer(ranking))
    assert "With 2 seeds there is no interval (it takes 3): this may be chance." in text


def test_retrieval_has_its_own_contest(tmp_path: Path) -> None:
    assert rank_lifts(tmp_path, CLEAR, retrieval=["tatoeba"]).contests[MEAN_TRAINED].column.targets == ("xnli", "panx")


def test_costs_are_of_the_run_that_was_used_and_of_the_search(tmp_path: Path) -> None:
    runs = []
    for seed in range(3):
        for rate, seconds, status in ((1e-3, 3600.0, "finished"), (2e-3, 1800.0, "stopped")):
            more = {"stage": f"nli-{seed}-{rate}", "extra": {"seconds": seconds * (1 + seed)}, "status": status}
            runs.append(Run(intermediate="nli", kind="intermediate", test={}, seed=seed, rate=rate, **more))
        for task in ("none", "nli"):
            score = {"xnli": {"en": 0.5 + 0.05 * (task == "nli")}}
            runs.append(Run(intermediate=task, test=score, seed=seed, parent=f"{task}-{seed}-0.001"))
    ranking = ranked(write_sweep(tmp_path, runs, intermediates=["none", "nli"]))
    assert ranking.costs["nli"].run == pytest.approx(2)  # hours: 1, 2 and 3
    assert ranking.costs["nli"].search == pytest.approx(3)
    assert ranking.pareto_front == ("nli",)
    heads = standings.build_headings(ranking)
    fields = standings.build_rows(ranking)[0].fields
    assert heads[-2:] == [("", "cost, h"), ("points", "per h")]
    assert [(field.number, field.below) for field in fields[-2:]] == [("2.0", "3.0"), ("+2.5", "")]


def test_chains_of_one_phase_share_its_cost_and_its_end(tmp_path: Path) -> None:
    runs = [Run(intermediate="none", test={"xnli": {"en": 0.5}, "udpos": {"en": 0.5}})]
    phase = {"intermediate": "nli", "kind": "intermediate", "test": {}, "stage": "nli", "extra": {"seconds": 60.0}}
    runs.append(Run(**phase, status="degenerate", reason="chance level"))
    runs.append(Run(intermediate="nli:salt", test={"xnli": {"en": 0.6}}, parent="nli"))
    ranking = ranked(write_sweep(tmp_path, runs, intermediates=["none", "nli:salt"], targets=["xnli", "udpos"]))
    assert ranking.costs["nli:salt"].run == pytest.approx(1 / 60)
    assert ranking.degenerate_intermediates == (("nli:salt", 0, "chance level"),)
    assert ranking.transfer.holes["nli:salt", "udpos", 0].reason == "its intermediate run: degenerate"


def test_costs_of_unlike_devices_are_told_apart(tmp_path: Path) -> None:
    runs = [Run(intermediate="none", test={"xnli": {"en": 0.5}})]
    for task, device in (("nli", "NVIDIA A100"), ("pos", "NVIDIA T4 x 0.5"), ("ner", None)):
        spent = {"seconds": 60.0, "device": device}
        runs.append(Run(intermediate=task, kind="intermediate", test={}, stage=task, extra=spent))
        runs.append(Run(intermediate=task, test={"xnli": {"en": 0.6}}, parent=task))
    unlike = ranked(write_sweep(tmp_path / "unlike", runs, intermediates=["none", "nli", "pos", "ner"]))
    warning = "The runs were on unlike devices (NVIDIA A100, NVIDIA T4 x 0.5): their costs do not compare."
    assert unlike.devices == ("NVIDIA A100", "NVIDIA T4 x 0.5") and warning in ranking_legend.explain_marks(unlike)
    alike = ranked(write_sweep(tmp_path / "alike", [*runs[:3], *runs[5:]], intermediates=["none", "nli", "ner"]))
    assert alike.devices == ("NVIDIA A100",) and not any(
        "unlike" in line for line in ranking_legend.explain_marks(alike)
    )


def test_costs_stand_in_the_same_order_every_time(tmp_path: Path) -> None:
    tasks = [f"task-{i}" for i in range(9)]
    runs = [Run(intermediate="none", test={"xnli": {"en": 0.5}})]
    for task in tasks:
        runs.append(Run(intermediate=task, kind="intermediate", test={}, stage=task, extra={"seconds": 60.0}))
        runs.append(Run(intermediate=task, test={"xnli": {"en": 0.6}}, parent=task))
    folder = write_sweep(tmp_path, runs, intermediates=["none", *reversed(tasks)])
    for _ in range(5):
        assert list(ranked(folder).costs) == tasks
