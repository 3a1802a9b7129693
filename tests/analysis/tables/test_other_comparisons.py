"""The answer under other comparisons: one line each, and one sentence on those in which the verdict stands."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.rank import main
from analysis.scores.load import load
from analysis.tables.other_comparisons import describe_other_comparisons, list_other_comparisons
from analysis.transfer.array import build_transfer
from analysis.transfer.columns import MEAN_ALL
from analysis.transfer.ranking import Ranking, rank_tasks
from tests.analysis.sweep_files import Capture, Run, printed, write_sweep

TARGETS = ("xnli", "pawsx", "tydiqa")
SEEDS = (0, 1, 2)
GAINS = {"none": 0.0, "mnli": 8.0, "qqp": 6.0, "sham": 1.0, "none~x2": 7.9}
NOISE = {("mnli", 1): 0.2, ("qqp", 0): 0.3, ("sham", 1): 0.2, ("none~x2", 2): 0.3}


def write(folder: Path, gains: dict[str, float]) -> Path:
    runs = [
        Run(
            intermediate=chain,
            test={target: {"en": score, "de": score}},
            seed=seed,
            extra={"benchmark": "xtreme", "model": "xlmr"},
        )
        for chain, gain in gains.items()
        for target in TARGETS
        for seed in SEEDS
        for score in [0.4 + 0.02 * seed + (gain + NOISE.get((chain, seed), 0.0)) / 100]
    ]
    return write_sweep(folder, runs, benchmark="xtreme", controls=["sham"])


def rank(folder: Path) -> Ranking:
    return rank_tasks(build_transfer(load([folder])), np.random.default_rng(0), draws=500, errors="plain")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("compared"), GAINS)


def test_each_comparison_is_a_line_with_its_gain(folder: Path) -> None:
    ranking = rank(folder)
    assert ranking.contests[MEAN_ALL].leader == "mnli"
    by_name = {each.name: each for each in list_other_comparisons(ranking)}
    assert list(by_name) == [
        "without same-data cells",
        "against sham",
        "against none~x2",
        "for other targets like these 3",
    ]
    assert by_name["against sham"].gain.value == pytest.approx(7.0) and by_name["against sham"].is_gain
    longer = by_name["against none~x2"]
    assert longer.gain.value == pytest.approx(0.1 + 0.2 / 3 - 0.1) and not longer.is_gain
    assert longer.remark == "itself +8.0"
    assert by_name["without same-data cells"].remark == "2 targets"


def test_the_sentence_names_where_a_gain_is_not_shown(folder: Path) -> None:
    [line] = describe_other_comparisons(rank(folder))
    assert line.startswith("That mnli is better than no intermediate training holds in 3 of 4 other comparisons.")
    assert "It is not shown against none~x2 (+0.1 [" in line


def test_the_gain_of_another_task_proves_nothing_for_the_best_one(tmp_path: Path) -> None:
    """mnli gains on the target whose rows it trained on, and nowhere else; there qqp is better."""
    gains = {"none": (0.0, 0.0, 0.0), "mnli": (30.0, -1.0, -1.0), "qqp": (0.0, 4.0, 4.0)}
    runs = [
        Run(
            intermediate=chain,
            test={target: {"en": 0.4 + 0.02 * seed + (by_target[t] + NOISE.get((chain, seed), 0.0)) / 100}},
            seed=seed,
            extra={"benchmark": "xtreme", "model": "xlmr"},
        )
        for chain, by_target in gains.items()
        for t, target in enumerate(TARGETS)
        for seed in SEEDS
    ]
    ranking = rank(write_sweep(tmp_path, runs, benchmark="xtreme"))
    without = list_other_comparisons(ranking)[0]
    assert (ranking.contests[MEAN_ALL].leader, without.best) == ("mnli", "qqp")
    assert without.gain.low is not None and without.gain.low > 0 and not without.is_gain
    [line] = describe_other_comparisons(ranking)
    assert line.startswith("That mnli is better than no intermediate training holds in 0 of 2 other comparisons.")
    assert "It is not shown without same-data cells (-0.9 [" in line
    assert line.endswith("Another task is best without same-data cells (qqp).")


def test_without_a_gain_the_sentence_names_where_there_is_one(tmp_path: Path) -> None:
    """The baseline is better than all; the sham is worse than the best task."""
    folder = write(tmp_path, {"none": 0.0, "mnli": -1.0, "qqp": -3.0, "sham": -9.0})
    [line] = describe_other_comparisons(rank(folder))
    assert line.startswith("No gain is shown in 2 of 3 other comparisons, either. There is one against sham (+8.0 [")


def test_the_table_the_document_and_the_summary_say_the_same(folder: Path, capsys: Capture) -> None:
    flat = printed(capsys, main, folder, "--errors", "plain")
    assert "Other comparisons: the best task by the mean over 3 targets, its gain in points" in flat
    assert "against none~x2 mnli +0.1" in flat and "(itself +8.0)" in flat
    assert "holds in 3 of 4 other comparisons" in printed(capsys, main, folder, "--summary", "--errors", "plain")
    main([str(folder), "--format", "json", "--errors", "plain"])
    lines = json.loads(capsys.readouterr().out)["other_comparisons"]
    assert [each["comparison"] for each in lines][1:3] == ["against sham", "against none~x2"]
    assert lines[1]["best"] == "mnli" and lines[1]["gain"] == pytest.approx(7.0)


def test_a_ranking_without_a_best_task_has_no_comparison(tmp_path: Path) -> None:
    runs = [Run(intermediate="none", test={target: {"en": 0.4}}) for target in TARGETS]
    runs.append(Run(intermediate="mnli", test={"xnli": {"en": 0.5}}))
    ranking = rank(write_sweep(tmp_path, runs))
    assert list_other_comparisons(ranking) == () and describe_other_comparisons(ranking) == []
