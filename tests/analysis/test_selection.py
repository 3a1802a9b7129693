import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.questions.arms import INTERMEDIATE_RUNS, collect_strata
from analysis.questions.judging import ALL_TARGETS, gain_of_oracle, gain_of_taken, judge_dev_selection
from analysis.questions.stopping import ALL_STRATA, find_survivors
from analysis.selection import main
from analysis.statistics.decisions import RANK_CORRELATION, REGRET
from analysis.statistics.interval import compute_interval
from analysis.tables.numbers import summarise_seeds
from spaces.errors import UsageError
from tests.analysis.sweep_files import (
    Capture,
    Run,
    printed,
    printed_rows,
    read_transfer,
    refused,
    write_file,
    write_sweep,
)

RISING = [0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.68, 0.72, 0.74, 0.76]
EARLY = [0.3, 0.5, 0.6, 0.64, 0.66, 0.68, 0.69, 0.69, 0.69, 0.69]  # leads until the seventh tenth
POOR = [0.3] * 10


def scores(english: float, first: float, second: float) -> dict[str, Any]:
    return {"xnli": {"en": english, "de": first, "fr": second}}


@pytest.fixture
def runs() -> list[Any]:
    """Two tasks, one seed, three rates: English dev (the best tenth) is 0.76, 0.69 and 0.3 everywhere."""
    runs = []
    for task, gain in (("none", 0.0), ("mnli", 0.1)):
        for rate, curve, others in ((1e-3, RISING, 0.5), (2e-3, EARLY, 0.54), (3e-3, POOR, 0.2)):
            # The English dev of mnli is lower, though it is better elsewhere.
            dev = [value - gain for value in curve]
            runs.append(Run(intermediate=task, test=scores(0.7, others + gain, others), rate=rate, dev=dev))
    return runs


def judge(folder: Path, runs: list[Any], **spec: Any) -> Any:
    return judge_dev_selection(read_transfer(write_sweep(folder, runs, **spec)))


def test_rates_by_hand(tmp_path: Path, runs: list[Any]) -> None:
    rates = judge(tmp_path, runs).rates
    every = rates.regrets[ALL_TARGETS]
    assert (len(every.decisions), every.correct_count) == (2, 0)
    # 0.001 is taken in both cells, 0.002 is better by 4 points, the mean of the three by 41.3 less 54.
    assert every.average_by_seed(REGRET) == pytest.approx((4,))
    assert [each.random_regret for each in every.decisions] == pytest.approx([12 + 2 / 3] * 2)
    assert every.average_by_seed(RANK_CORRELATION) == pytest.approx((0.5,))
    assert (rates.single_run_cells, rates.partial_cells, rates.censored_runs) == (0, 0, 0)


def test_tasks_by_hand(tmp_path: Path, runs: list[Any]) -> None:
    tasks = judge(tmp_path, runs).tasks
    (decision,) = tasks.regrets[ALL_TARGETS].decisions
    assert decision.alternatives == ("none", "mnli")
    assert decision.criterion == pytest.approx([76, 66])
    assert decision.utility == pytest.approx([50, 55])  # of the runs at 0.001, which English dev chose
    assert (gain_of_taken(decision), gain_of_oracle(decision)) == pytest.approx((0, 5))
    assert tasks.english_test_regrets[ALL_TARGETS].decisions[0].correlation is None  # both have 70


def test_early_stopping_by_hand(tmp_path: Path, runs: list[Any]) -> None:
    stopping = judge(tmp_path, runs).stopping
    right = {tenth: stopping.leader_regrets[tenth][ALL_STRATA].correct_count for tenth in stopping.leader_regrets}
    assert right == {4: 0, 5: 0, 6: 0, 7: 0, 8: 2, 9: 2}
    assert stopping.leader_regrets[4]["xnli"].average_by_seed(REGRET) == pytest.approx((7,))
    # At 4 tenths the poor run stops, at 7 the one that would have been best.
    assert [replay.dev_lost for replay in stopping.replays] == pytest.approx([7, 7])
    assert [replay.zero_shot_lost for replay in stopping.replays] == pytest.approx([-4, -4])
    assert [replay.trained_share for replay in stopping.replays] == pytest.approx([(3 * 4 + 2 * 3 + 3) / 30] * 2)


def test_halving_keeps_equals_and_never_stops_the_leader_of_a_rung() -> None:
    same = np.full((3, 10), 50.0)
    assert find_survivors(same) == [0, 1, 2]
    rng = np.random.default_rng(0)
    for _ in range(50):
        curves = rng.uniform(size=(4, 10))
        left = find_survivors(curves)
        first, second = (np.max(curves[:, :rung], axis=1) for rung in (4, 7))
        two = np.argsort(first)[2:]
        assert left == [two[np.argmax(second[two])]]


def test_stopped_runs_are_censored(tmp_path: Path, runs: list[Any]) -> None:
    stopped = Run(intermediate="mnli", test={"xnli": {}}, rate=4e-3, dev=RISING[:3], status="stopped")
    judgement = judge(tmp_path, [*runs, stopped])
    assert judgement.rates.censored_runs == 1
    assert len(judgement.rates.regrets[ALL_TARGETS].decisions) == 2  # among those that finished
    assert judgement.stopping.censored_strata == 1
    assert [replay.stratum.intermediate for replay in judgement.stopping.replays] == ["none"]


def test_a_run_that_lacks_a_language_is_compared_with_nothing(tmp_path: Path, runs: list[Any]) -> None:
    del runs[-1]
    short = Run(intermediate="mnli", test={"xnli": {"en": 0.9, "de": 0.9}}, rate=3e-3, dev=POOR)
    judgement = judge(tmp_path, [*runs, short])
    assert (judgement.rates.partial_cells, len(judgement.rates.regrets[ALL_TARGETS].decisions)) == (1, 1)


def test_a_task_whose_chosen_run_lacks_a_language_is_no_option(tmp_path: Path, runs: list[Any]) -> None:
    short = Run(intermediate="qqp", test={"xnli": {"en": 0.9, "de": 0.9}}, rate=1e-3, dev=RISING)
    tasks = judge(tmp_path, [*runs, short]).tasks
    assert tasks.regrets[ALL_TARGETS].decisions[0].alternatives == ("none", "mnli")
    assert tasks.missing_counts == {"xnli": 1}


def test_a_control_is_no_candidate(tmp_path: Path, runs: list[Any]) -> None:
    control = Run(intermediate="random", test=scores(0.9, 0.9, 0.9), dev=RISING)
    assert judge(tmp_path, [*runs, control], controls=["random"]).tasks.candidates == ("none", "mnli")


def test_retrieval_has_no_english_dev_to_choose_by(tmp_path: Path, runs: list[Any]) -> None:
    retrieval = [
        Run(intermediate=task, test={"bucc": {"de": 0.5}}, kind="retrieval", rate=None) for task in ("none", "mnli")
    ]
    judgement = judge(tmp_path, [*runs, *retrieval], retrieval=["bucc"])
    assert judgement.tasks.targets_without_dev == ("bucc",)
    assert set(judgement.tasks.regrets) == {"xnli", ALL_TARGETS}
    assert {each.stratum.target for each in judgement.stopping.replays} == {"xnli"}


def test_intermediate_runs_are_strata_too(tmp_path: Path, runs: list[Any]) -> None:
    upstream = [
        Run(intermediate="mnli", test={}, kind="intermediate", rate=rate, dev=dev, stage=f"up-{rate:g}")
        for rate, dev in ((1e-3, RISING), (2e-3, EARLY))
    ]
    transfer = read_transfer(write_sweep(tmp_path, [*runs, *upstream]))
    first = collect_strata(transfer)[0]
    assert (first.target, first.intermediate, first.rates) == (INTERMEDIATE_RUNS, "mnli", (1e-3, 2e-3))
    assert first.dev == pytest.approx([76, 69])
    assert np.isnan(first.zero_shot).all()
    regrets = judge_dev_selection(transfer).stopping.leader_regrets[4][INTERMEDIATE_RUNS]
    assert regrets.average_by_seed(REGRET) == pytest.approx((7,))


def test_runs_under_another_parent_do_not_compete(tmp_path: Path) -> None:
    """A sweep that was extended holds runs from the old winner of mnli and from the new one."""
    common = {"intermediate": "mnli", "test": scores(0.7, 0.5, 0.5), "dev": RISING}
    upstream = [
        Run(intermediate="mnli", test={}, kind="intermediate", rate=rate, dev=(dev,), stage=f"up-{rate:g}")
        for rate, dev in ((1e-3, 0.5), (2e-3, 0.9))
    ]
    runs = [
        *upstream,
        Run(**common, rate=1e-3, parent="up-0.001", stage="old"),
        Run(**common, rate=2e-3, parent="up-0.002", stage="new"),
        Run(intermediate="none", test=scores(0.7, 0.5, 0.5)),
    ]
    strata = collect_strata(read_transfer(write_sweep(tmp_path, runs)))
    assert [each.rates for each in strata if (each.intermediate, each.target) == ("mnli", "xnli")] == [(2e-3,)]


def test_test_scores_cannot_change_what_is_taken(tmp_path: Path, runs: list[Any]) -> None:
    before = [each.chosen_index for each in judge(tmp_path, runs).rates.regrets[ALL_TARGETS].decisions]
    for run in runs:
        for language in run.test["xnli"]:
            run.test["xnli"][language] = 0.99 if run.rate == 3e-3 else 0.01
    after = judge(tmp_path, runs).rates.regrets[ALL_TARGETS]
    assert [each.chosen_index for each in after.decisions] == before == [0, 0]
    assert after.average_by_seed(REGRET) == pytest.approx((98,))


def test_without_dev_there_is_nothing_to_judge(capsys: Capture, tmp_path: Path) -> None:
    rows = [(task, "xnli", 0, "de", "accuracy", 0.5) for task in ("none", "mnli")]
    file = write_file(tmp_path, rows)
    with pytest.raises(UsageError, match="no English dev scores"):
        judge_dev_selection(read_transfer(file))
    assert refused(capsys, main, file).startswith("selection.py: ")


def test_what_is_printed(capsys: Capture, tmp_path: Path, runs: list[Any]) -> None:
    stopped = Run(intermediate="mnli", test={"xnli": {}}, rate=4e-3, dev=RISING[:3], status="stopped")
    folder = write_sweep(tmp_path, [*runs, stopped])
    flat = printed(capsys, main, folder, width=118)
    assert flat.startswith("Learning rates: English dev chose the best one for the other languages in 0 of 2 cells.")
    lost = "lost 4.0 points on average against the best choice by test; a random choice would have lost 12.7."
    assert f"Choosing by English dev {lost}" in flat
    assert "Strata left out because of a stopped or failed run: 1." in flat
    assert "0.001 for 0.002, seed 0" in flat
    rows = printed_rows(capsys, main, folder)
    lost = [row for row in rows if (row["row"], row["column"]) == (ALL_TARGETS, "lost to the oracle")]
    assert [float(row["value"]) for row in lost] == pytest.approx([4, 5])
    assert main([str(folder), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["question"] == "Is English dev a good judge?"


def test_only_stopped_arms_tell_nothing(capsys: Capture, tmp_path: Path) -> None:
    runs = [Run(intermediate=task, test=scores(0.7, 0.5, 0.5), dev=RISING) for task in ("none", "mnli")]
    stopped = {"test": {"xnli": {}}, "rate": 2e-3, "dev": POOR[:3], "status": "stopped"}
    runs += [Run(intermediate=task, **stopped) for task in ("none", "mnli")]
    flat = printed(capsys, main, write_sweep(tmp_path, runs))
    assert "No cell has two finished runs with English dev and test scores." in flat
    assert "its cost is unknown (strata with a stopped or failed run: 2, with one run: 0" in flat


def test_intervals_stay_where_the_values_can_be() -> None:
    values = [1.0, 0.9, 0.4]
    low, high = compute_interval(values) or (0, 0)
    assert high > 1
    number = summarise_seeds(values, bounds=(-1, 1))
    assert (number.low, number.high) == (pytest.approx(low), 1)
