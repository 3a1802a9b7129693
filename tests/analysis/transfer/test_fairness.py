"""Fair comparisons: without same-data cells, against other chains, and against a baseline tuned as often."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from analysis.rank import main
from analysis.scores.load import load
from analysis.tables import fairness_sentences
from analysis.transfer.against import measure_against
from analysis.transfer.array import Transfer, build_transfer
from analysis.transfer.columns import MEAN_ALL, MEAN_TRAINED
from analysis.transfer.matched_tuning import has_several_rates
from analysis.transfer.ranking import Ranking, rank_tasks
from analysis.transfer.same_data import find_same_data
from tests.analysis.sweep_files import Capture, Run, printed, refused, write_file, write_sweep

TARGETS = ("xnli", "pawsx", "xquad", "tydiqa")
# Gains in points: mnli is ahead by its cell on xnli alone; qqp is ahead where no task has seen the rows.
GAINS = {
    "none": (0, 0, 0, 0),
    "mnli": (20, 1, 0, 0),
    "squad": (0, 0, 8, 1),
    "qqp": (1, 4, 0, 3),
    "sham": (1, 1, 1, 1),
    "none~x2": (2, 2, 2, 2),
}
SEEDS = (0, 1, 2)
NOISE = {("mnli", 1): 0.1, ("squad", 2): 0.2, ("qqp", 0): 0.3, ("sham", 1): 0.2, ("none~x2", 2): 0.1}


def value_of(chain: str, target: str, seed: int) -> float:
    """A score as a share; seeds differ by what all chains have in common, and a little more."""
    gain = GAINS[chain][TARGETS.index(target)] + NOISE.get((chain, seed), 0.0)
    return 0.4 + 0.02 * seed + gain / 100


def list_runs(chains: Iterable[str] = GAINS) -> list[Run]:
    return [
        Run(
            intermediate=chain,
            test={target: {"en": value_of(chain, target, seed)}},
            seed=seed,
            extra={"benchmark": "xtreme", "model": "xlmr"},
        )
        for chain in chains
        for target in TARGETS
        for seed in SEEDS
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of XTREME in which two tasks have seen the rows of a target."""
    return write_sweep(tmp_path_factory.mktemp("fair"), list_runs(), benchmark="xtreme", controls=["sham"])


def rank(transfer: Transfer) -> Ranking:
    return rank_tasks(transfer, np.random.default_rng(0), draws=1000, errors="plain")


@pytest.fixture(scope="module")
def ranking(folder: Path) -> Ranking:
    return rank(build_transfer(load([folder])))


def test_a_known_benchmark_tells_its_same_data_cells(ranking: Ranking) -> None:
    assert ranking.same_data == {("mnli", "xnli"), ("squad", "xquad"), ("sham", "xnli")}


def test_the_ranking_without_same_data_cells_worked_by_hand(ranking: Ranking) -> None:
    [without] = ranking.without_same_data
    assert ranking.contests[MEAN_ALL].leader == "mnli"
    assert without.common == ("pawsx", "tydiqa")  # no ranked task has seen their rows; the sham is not ranked
    assert without.contest is not None
    assert without.contest.leader == "qqp"
    noise = 0.1  # of three seeds with 0.3 at one of them
    assert without.gains["qqp"].mean == pytest.approx(3.5 + noise)
    assert without.unseen["mnli"] == ("pawsx", "xquad", "tydiqa")
    assert without.unseen_gains["mnli"].mean == pytest.approx(1 / 3 + 0.1 / 3)
    assert without.unseen_gains["squad"].mean == pytest.approx(1 / 3 + 0.2 / 3)
    assert without.unseen["qqp"] == TARGETS
    assert without.unseen_gains["qqp"].mean == pytest.approx(ranking.gains["qqp", MEAN_ALL].mean)


def test_a_best_task_that_changes_is_said(ranking: Ranking) -> None:
    line = fairness_sentences.describe_fairness(ranking)[0]
    assert line.startswith("Without cells that train twice on the same rows (mnli -> xnli; squad -> xquad), over the 2")
    assert "best qqp, +3.6" in line
    assert "The best task changes: with them it is mnli, here +0.5" in line


def test_same_data_cells_are_marked_in_the_matrix_and_explained(folder: Path, capsys: Capture) -> None:
    text = printed(capsys, main, folder, "--errors", "plain")
    assert "‡ The chain trains on the target's own training rows" in text
    assert "mnli, sham -> xnli; squad -> xquad" in text.replace("sham, mnli", "mnli, sham")
    assert text.count("‡") == 1 + 3  # the legend and the cells
    assert "‡" not in printed(capsys, main, folder, "--by", "language").split("‡ The chain")[0]


def test_every_format_has_the_ranking_without_same_data_cells(folder: Path, capsys: Capture) -> None:
    assert "Another task is best without same-data cells (qqp)." in printed(capsys, main, folder, "--summary")
    assert main([str(folder), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    [without] = document["without_same_data"]
    assert without["order"][0] == "qqp"
    assert without["tasks"]["mnli"]["has_seen"] == ["xnli"]
    marked = {(each["intermediate"], each["column"]) for each in document["estimates"] if each["same_data"]}
    assert marked == {("mnli", "xnli"), ("squad", "xquad"), ("sham", "xnli")}


def test_with_one_target_left_there_is_no_ranking(tmp_path: Path) -> None:
    runs = [run for run in list_runs(("none", "mnli", "qqp")) if set(run.test) <= {"xnli", "pawsx"}]
    scores = load([write_sweep(tmp_path, runs, benchmark="xtreme")])
    [without] = rank(build_transfer(scores)).without_same_data
    assert without.contest is None
    assert set(without.unseen_gains) == {"mnli", "qqp"}
    [line] = fairness_sentences.describe_fairness(rank(build_transfer(scores)))
    assert "there is no ranking: 1 target is left" in line


def test_cells_of_a_file_are_named_by_the_user(tmp_path: Path, capsys: Capture) -> None:
    rows = [
        (chain, target, seed, "en", "accuracy", value_of(chain, target, seed))
        for chain in ("none", "mnli", "qqp")
        for target in TARGETS
        for seed in SEEDS
    ]
    file = write_file(tmp_path, rows)
    assert find_same_data(build_transfer(load([file]))) == frozenset()
    unnamed = printed(capsys, main, file)
    assert "If they are of XTREME" in unnamed and "add --same-data mnli:xnli" in unnamed
    named = printed(capsys, main, file, "--same-data", "mnli:xnli")
    assert "over the 3 targets whose rows no ranked task has seen: best qqp" in named
    assert "If they are of XTREME" not in named
    assert "did you mean mnli" in refused(capsys, main, file, "--same-data", "mnil:xnli")
    assert "unknown target 'xnil'" in refused(capsys, main, file, "--same-data", "mnli:xnil")


def test_gains_against_another_chain_are_differences_of_scores(ranking: Ranking) -> None:
    moved = rank(measure_against(ranking.transfer, "sham"))
    assert moved.baseline == "sham"
    assert "sham" not in moved.intermediates
    for name in ("mnli", "squad", "qqp"):
        expected = ranking.gains[name, MEAN_ALL].mean - ranking.gains["sham", MEAN_ALL].mean
        assert moved.gains[name, MEAN_ALL].mean == pytest.approx(expected)
    assert moved.gains["none", MEAN_ALL].mean == pytest.approx(-ranking.gains["sham", MEAN_ALL].mean)
    assert "none" not in moved.contests[MEAN_ALL].candidates
    assert moved.reference_scores["sham", MEAN_ALL].mean == pytest.approx(43 + 0.2 / 3)


def test_against_the_baseline_changes_nothing(ranking: Ranking) -> None:
    assert measure_against(ranking.transfer, "none") is ranking.transfer


def test_texts_name_the_chain_that_gains_are_measured_against(folder: Path, capsys: Capture) -> None:
    text = printed(capsys, main, folder, "--against", "sham", "--errors", "plain", "--planned", "mnli:xnli")
    assert "better than `sham`" in text
    assert "Planned comparison with `sham`" in text
    assert "gain over `sham` in points" in text
    assert "Gain: points above `sham`" in text
    assert "(baseline)" in text
    assert "over `none`" not in text and "no intermediate training" not in text
    summary = printed(capsys, main, folder, "--against", "sham", "--summary")
    assert "Gain over `sham`" in summary
    assert "--against sham" in summary  # in the commands for more


def test_an_unknown_chain_to_measure_against_is_refused(folder: Path, capsys: Capture) -> None:
    assert "--against: unknown chain 'shma': did you mean sham?" in refused(capsys, main, folder, "--against", "shma")


def test_seeds_that_only_the_former_baseline_has_are_left_out_with_a_note(tmp_path: Path) -> None:
    runs = list_runs(("none", "mnli", "qqp"))
    extra = [Run(intermediate="none", test={target: {"en": 0.4}}, seed=3) for target in TARGETS]
    chain_seeds = {"chain_seeds": {"none": [0, 1, 2, 3]}, "seeds": [0, 1, 2]}
    runs = [*runs, *(Run(**{**vars_of(run), "extra": runs[0].extra}) for run in extra)]
    transfer = build_transfer(load([write_sweep(tmp_path, runs, benchmark="xtreme", **chain_seeds)]))
    moved = measure_against(transfer, "mnli")
    assert (transfer.seeds, moved.seeds) == ((0, 1, 2, 3), (0, 1, 2))
    assert "Left out, because only `none` has them: seeds 3." in moved.loaded_scores.notes
    assert not any(hole.status == "unpaired" for each in rank(moved).gains.values() for hole in each.holes)


def vars_of(run: Run) -> dict[str, object]:
    return {name: getattr(run, name) for name in Run.__dataclass_fields__}


def test_a_longer_baseline_and_a_sham_get_a_sentence_with_the_gains_of_a_ranking_against_them(
    ranking: Ranking,
) -> None:
    by_name = {each.name: each for each in ranking.baseline_comparisons}
    assert list(by_name) == ["sham", "none~x2"]
    for name, comparison in by_name.items():
        estimate = rank(measure_against(ranking.transfer, name)).gains["mnli", MEAN_ALL]
        assert comparison.best == "mnli"
        assert comparison.gain.mean == pytest.approx(estimate.mean)
        assert comparison.gain.interval == pytest.approx(estimate.interval)
    lines = fairness_sentences.describe_fairness(ranking)
    assert any(line.startswith("Trained 2 times as long, the baseline itself gains +2.0") for line in lines)
    assert any(line.startswith("Against the sham (--against sham") for line in lines)


def test_other_baselines_are_no_candidates_and_are_called_so(folder: Path, ranking: Ranking, capsys: Capture) -> None:
    assert not {"none~x2", "sham"} & {*ranking.contests[MEAN_ALL].candidates}
    text = printed(capsys, main, folder)
    assert "(baseline)" in text and "(control)" in text
    assert "Control none~x2" not in text and "Control sham" not in text  # both may gain


def tuned_runs(dev: dict[int, float]) -> list[Run]:
    """`none` at four seeds and `mnli` at two, each at two rates, of which the second is worse on English dev."""
    runs = []
    for chain, seeds in (("none", (0, 1, 2, 3)), ("mnli", (0, 1))):
        for seed in seeds:
            score = {"none": {0: 0.40, 1: 0.42, 2: 0.50, 3: 0.44}, "mnli": {0: 0.60, 1: 0.70}}[chain][seed]
            for rate, loss in ((1e-3, 0.0), (2e-3, 0.2)):
                test = {"xnli": {"en": score - loss}}
                own = (dev.get(seed, 0.5) if chain == "none" else 0.5) - loss
                runs.append(Run(intermediate=chain, test=test, seed=seed, rate=rate, dev=[own]))
    return runs


def test_a_baseline_tuned_as_often_is_the_better_of_two_seeds_by_english_dev(tmp_path: Path) -> None:
    """Seeds 0 and 2, and 1 and 3 are pairs. By dev seeds 2 and 1 count, although seed 3 is better on the test."""
    sweep = write_sweep(
        tmp_path, tuned_runs({0: 0.5, 2: 0.6, 1: 0.7, 3: 0.6}), seeds=[0, 1], chain_seeds={"none": [0, 1, 2, 3]}
    )
    matched = rank(build_transfer(load([sweep]))).matched_tuning
    assert matched is not None
    assert matched.pairs == ((0, 2), (1, 3))
    task, values = matched.gains[MEAN_ALL]
    assert (task, values.tolist()) == ("mnli", pytest.approx([60 - 50, 70 - 42]))
    assert MEAN_TRAINED not in matched.gains


def test_without_twice_the_seeds_the_notes_say_how_to_get_them(tmp_path: Path, capsys: Capture) -> None:
    runs = [run for run in tuned_runs({}) if run.seed < 2]
    sweep = write_sweep(tmp_path, runs)
    assert rank(build_transfer(load([sweep]))).matched_tuning is None
    assert "give `none` twice the seeds: --seeds 0..1,none=2..3." in printed(capsys, main, sweep)
    assert "tuned as often" not in printed(capsys, main, sweep, "--summary")


def test_one_rate_for_each_target_is_no_tuning(tmp_path: Path) -> None:
    """A recipe has a rate for each target; only rates that competed in a cell are tuning."""
    runs = [
        Run(intermediate=chain, test={target: {"en": 0.5}}, rate=rate, dev=(0.5,))
        for chain in ("none", "mnli")
        for target, rate in (("xnli", 3e-5), ("pawsx", 2e-5))
    ]
    assert not has_several_rates(build_transfer(load([write_sweep(tmp_path / "a", runs)])))
    second = Run(intermediate="none", test={"xnli": {"en": 0.6}}, rate=1e-5, dev=(0.6,))
    assert has_several_rates(build_transfer(load([write_sweep(tmp_path / "b", [*runs, second])])))
