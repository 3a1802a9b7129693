import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.questions.arms import INTERMEDIATE_RUNS, collect_strata
from analysis.questions.judging import ALL_TARGETS, gain_of_oracle, gain_of_taken, judge_dev_selection
from analysis.questions.stopping import ALL_STRATA, find_survivors
from analysis.scores.load import load
from analysis.selection import main
from analysis.statistics.decisions import RANK_CORRELATION, REGRET
from analysis.statistics.interval import compute_interval
from analysis.tables.numbers import summarise_seeds
from analysis.transfer.array import build_transfer
from spaces.errors import UsageError

RISING = [0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.68, 0.72, 0.74, 0.76]
EARLY = [0.3, 0.5, 0.6, 0.64, 0.66, 0.68, 0.69, 0.69, 0.69, 0.69]  # leads until the seventh tenth
POOR = [0.3] * 10


def scores(english: float, first: float, second: float) -> dict[str, Any]:
    return {"xnli": {"en": english, "de": first, "fr": second}}


@pytest.fixture
def runs(run_of: type) -> list[Any]:
    """Two tasks, one seed, three rates: English dev (the best tenth) is 0.76, 0.69 and 0.3 everywhere."""
    runs = []
    for task, gain in (("none", 0.0), ("mnli", 0.1)):
        for rate, curve, others in ((1e-3, RISING, 0.5), (2e-3, EARLY, 0.54), (3e-3, POOR, 0.2)):
            # The English dev of mnli is lower, though it is better elsewhere.
            dev = [value - gain for value in curve]
            runs.append(run_of(intermediate=task, test=scores(0.7, others + gain, others), rate=rate, dev=dev))
    return runs


@pytest.fixture
def judge(write_sweep: Callable[..., Path], tmp_path: Path) -> Callable[..., Any]:
    def judge(runs: list[Any], **spec: Any) -> Any:
        return judge_dev_selection(build_transfer(load([write_sweep(tmp_path, runs, **spec)])))

    return judge


def test_rates_by_hand(judge: Callable[..., Any], runs: list[Any]) -> None:
    rates = judge(runs).rates
    every = rates.regrets[ALL_TARGETS]
    assert (len(every.decisions), every.correct_count) == (2, 0)
    # 0.001 is taken in both cells, 0.002 is better by 4 points, the mean of the three by 41.3 less 54.
    assert every.average_by_seed(REGRET) == pytest.approx((4,))
    assert [each.random_regret for each in every.decisions] == pytest.approx([12 + 2 / 3] * 2)
    assert every.average_by_seed(RANK_CORRELATION) == pytest.approx((0.5,))
    assert (rates.single_run_cells, rates.partial_cells, rates.censored_runs) == (0, 0, 0)


def test_tasks_by_hand(judge: Callable[..., Any], runs: list[Any]) -> None:
    tasks = judge(runs).tasks
    (decision,) = tasks.regrets[ALL_TARGETS].decisions
    assert decision.alternatives == ("none", "mnli")
    assert decision.criterion == pytest.approx([76, 66])
    assert decision.utility == pytest.approx([50, 55])  # of the runs at 0.001, which English dev chose
    assert (gain_of_taken(decision), gain_of_oracle(decision)) == pytest.approx((0, 5))
    assert tasks.english_test_regrets[ALL_TARGETS].decisions[0].correlation is None  # both have 70


def test_early_stopping_by_hand(judge: Callable[..., Any], runs: list[Any]) -> None:
    stopping = judge(runs).stopping
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


def test_stopped_runs_are_censored(judge: Callable[..., Any], run_of: type, runs: list[Any]) -> None:
    stopped = run_of(intermediate="mnli", test={"xnli": {}}, rate=4e-3, dev=RISING[:3], status="stopped")
    judgement = judge([*runs, stopped])
    assert judgement.rates.censored_runs == 1
    assert len(judgement.rates.regrets[ALL_TARGETS].decisions) == 2  # among those that finished
    assert judgement.stopping.censored_strata == 1
    assert [replay.stratum.intermediate for replay in judgement.stopping.replays] == ["none"]


def test_a_run_that_lacks_a_language_is_compared_with_nothing(
    judge: Callable[..., Any], run_of: type, runs: list[Any]
) -> None:
    del runs[-1]
    short = run_of(intermediate="mnli", test={"xnli": {"en": 0.9, "de": 0.9}}, rate=3e-3, dev=POOR)
    judgement = judge([*runs, short])
    assert (judgement.rates.partial_cells, len(judgement.rates.regrets[ALL_TARGETS].decisions)) == (1, 1)


def test_a_task_whose_chosen_run_lacks_a_language_is_no_option(
    judge: Callable[..., Any], run_of: type, runs: list[Any]
) -> None:
    short = run_of(intermediate="qqp", test={"xnli": {"en": 0.9, "de": 0.9}}, rate=1e-3, dev=RISING)
    tasks = judge([*runs, short]).tasks
    assert tasks.regrets[ALL_TARGETS].decisions[0].alternatives == ("none", "mnli")
    assert tasks.missing_counts == {"xnli": 1}


def test_a_control_is_no_candidate(judge: Callable[..., Any], runs: list[Any], run_of: type) -> None:
    control = run_of(intermediate="random", test=scores(0.9, 0.9, 0.9), dev=RISING)
    assert judge([*runs, control], controls=["random"]).tasks.candidates == ("none", "mnli")


def test_retrieval_has_no_english_dev_to_choose_by(judge: Callable[..., Any], runs: list[Any], run_of: type) -> None:
    retrieval = [
        run_of(intermediate=task, test={"bucc": {"de": 0.5}}, kind="retrieval", rate=None) for task in ("none", "mnli")
    ]
    judgement = judge([*runs, *retrieval], retrieval=["bucc"])
    assert judgement.tasks.targets_without_dev == ("bucc",)
    assert set(judgement.tasks.regrets) == {"xnli", ALL_TARGETS}
    assert {each.stratum.target for each in judgement.stopping.replays} == {"xnli"}


def test_intermediate_runs_are_strata_too(
    write_sweep: Callable[..., Path], tmp_path: Path, runs: list[Any], run_of: type
) -> None:
    upstream = [
        run_of(intermediate="mnli", test={}, kind="intermediate", rate=rate, dev=dev, stage=f"up-{rate:g}")
        for rate, dev in ((1e-3, RISING), (2e-3, EARLY))
    ]
    transfer = build_transfer(load([write_sweep(tmp_path, [*runs, *upstream])]))
    first = collect_strata(transfer)[0]
    assert (first.target, first.intermediate, first.rates) == (INTERMEDIATE_RUNS, "mnli", (1e-3, 2e-3))
    assert first.dev == pytest.approx([76, 69])
    assert np.isnan(first.zero_shot).all()
    assert judge_dev_selection(transfer).stopping.leader_regrets[4][INTERMEDIATE_RUNS].average_by_seed(
        REGRET
    ) == pytest.approx((7,))


def test_runs_under_another_parent_do_not_compete(
    write_sweep: Callable[..., Path], tmp_path: Path, run_of: type
) -> None:
    """A sweep that was extended holds runs from the old winner of mnli and from the new one."""
    common = {"intermediate": "mnli", "test": scores(0.7, 0.5, 0.5), "dev": RISING}
    upstream = [
        run_of(intermediate="mnli", test={}, kind="intermediate", rate=rate, dev=(dev,), stage=f"up-{rate:g}")
        for rate, dev in ((1e-3, 0.5), (2e-3, 0.9))
    ]
    runs = [
        *upstream,
        run_of(**common, rate=1e-3, parent="up-0.001", stage="old"),
        run_of(**common, rate=2e-3, parent="up-0.002", stage="new"),
        run_of(intermediate="none", test=scores(0.7, 0.5, 0.5)),
    ]
    strata = collect_strata(build_transfer(load([write_sweep(tmp_path, runs)])))
    assert [each.rates for each in strata if (each.intermediate, each.target) == ("mnli", "xnli")] == [(2e-3,)]


def test_test_scores_cannot_change_what_is_taken(judge: Callable[..., Any], run_of: type, runs: list[Any]) -> None:
    before = [each.chosen_index for each in judge(runs).rates.regrets[ALL_TARGETS].decisions]
    for run in runs:
        for language in run.test["xnli"]:
            run.test["xnli"][language] = 0.99 if run.rate == 3e-3 else 0.01
    after = judge(runs).rates.regrets[ALL_TARGETS]
    assert [each.chosen_index for each in after.decisions] == before == [0, 0]
    assert after.average_by_seed(REGRET) == pytest.approx((98,))


def test_without_dev_there_is_nothing_to_judge(
    capsys: pytest.CaptureFixture[str], write_file: Callable[..., Path]
) -> None:
    rows = [(task, "xnli", 0, "de", "accuracy", 0.5) for task in ("none", "mnli")]
    file = write_file(rows)
    with pytest.raises(UsageError, match="no English dev scores"):
        judge_dev_selection(build_transfer(load([file])))
    assert main([str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("selection.py: ") and len(captured.err.splitlines()) == 1


def test_what_is_printed(
    capsys: pytest.CaptureFixture[str], write_sweep: Callable[..., Path], tmp_path: Path, runs: list[Any], run_of: type
) -> None:
    stopped = run_of(intermediate="mnli", test={"xnli": {}}, rate=4e-3, dev=RISING[:3], status="stopped")
    folder = write_sweep(tmp_path, [*runs, stopped])
    assert main([str(folder)]) == 0
    out = capsys.readouterr().out
    flat = " ".join(out.split())
    assert out.startswith("Learning rates: English dev chose the best one for the other languages in 0 of 2 cells.")
    lost = "lost 4.0 points on average against the best choice by test; a random choice would have lost 12.7."
    assert f"Choosing by English dev {lost}" in flat
    assert "Strata left out because of a stopped or failed run: 1." in flat
    assert "0.001 for 0.002, seed 0" in flat
    assert max(map(len, out.splitlines())) <= 118

    assert main([str(folder), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    lost = [row for row in rows if (row["row"], row["column"]) == (ALL_TARGETS, "lost to the oracle")]
    assert [float(row["value"]) for row in lost] == pytest.approx([4, 5])

    assert main([str(folder), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["question"] == "Is English dev a good judge?"


def test_only_stopped_arms_tell_nothing(
    capsys: pytest.CaptureFixture[str], write_sweep: Callable[..., Path], tmp_path: Path, run_of: type
) -> None:
    runs = [run_of(intermediate=task, test=scores(0.7, 0.5, 0.5), dev=RISING) for task in ("none", "mnli")]
    runs += [
        run_of(intermediate=task, test={"xnli": {}}, rate=2e-3, dev=POOR[:3], status="stopped")
        for task in ("none", "mnli")
    ]
    assert main([str(write_sweep(tmp_path, runs))]) == 0
    flat = " ".join(capsys.readouterr().out.split())
    assert "No cell has two finished runs with English dev and test scores." in flat
    assert "its cost is unknown (strata with a stopped or failed run: 2, with one run: 0" in flat


def test_intervals_stay_where_the_values_can_be() -> None:
    values = [1.0, 0.9, 0.4]
    low, high = compute_interval(values) or (0, 0)
    assert high > 1
    number = summarise_seeds(values, bounds=(-1, 1))
    assert (number.low, number.high) == (pytest.approx(low), 1)
