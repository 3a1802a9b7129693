import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.published import main
from analysis.questions.published_claims import ClaimResult, judge_claims
from analysis.questions.published_comparison import GROUP_OF_TARGET, decompose_published_gain
from analysis.statistics.interval import compute_intervals
from analysis.statistics.significance import ALPHA, adjust_p_values
from analysis.tables.published_claims import format_verdict
from analysis.transfer.against import measure_against
from spaces.benchmark import BENCHMARKS
from spaces.published import AVERAGED_TARGETS, BASELINE, RETRIEVAL_TARGETS, X_STILTS
from spaces.published_claims import BEST_TASKS, CLAIMS, TRAINED_TARGETS
from spaces.task import ANSWERING, RETRIEVAL
from spaces.xtreme import TARGETS as XTREME
from tests.analysis.sweep_files import Capture, printed, printed_rows, read_transfer, write_file

Gains = Mapping[str, Mapping[str, float]]  # chain -> target -> points; a target that is not named gains 0
ALL = dict.fromkeys(AVERAGED_TARGETS, 0.0)
# What the paper reports, in kind: retrieval gains most, then TyDiQA, and XNLI nothing.
PAPER = {"tydiqa": 10.0, "xquad": 2.0, "bucc": 15.0, "tatoeba": 15.0}
ABOVE = ("average", "retrieval", "retrieval most", "sentence pairs", "tydiqa", "answering", "best tasks")
NONE_CLAIMS = ("xnli", "mix", "masked words", "translations")


def write_world(
    folder: Path,
    gains: Gains,
    *,
    targets: tuple[str, ...] = AVERAGED_TARGETS,
    seeds: int = 4,
    noise: float = 0.05,
    benchmark: str | None = "xtreme",
) -> Path:
    """Write scores of 50 points plus the gain and the seed's noise, in points, in one language."""
    rng, rows = np.random.default_rng(7), []
    for chain, by_target in (("none", {}), *gains.items()):
        for target in targets:
            for seed, error in enumerate(noise * rng.standard_normal(seeds)):
                value = (50 + by_target.get(target, 0.0) + error) / 100
                for metric in XTREME[target].official_metrics:
                    place = (chain, target, seed, "en", metric, value)
                    rows += [(*place, split, benchmark) for split in ("dev", "test")]
    return write_file(folder, rows, "split", "benchmark")


def judge(path: Path) -> dict[str, ClaimResult]:
    return {each.claim.name: each for each in judge_claims(read_transfer(path))}


def add(gains: Mapping[str, float], more: float) -> dict[str, float]:
    return {target: gains.get(target, 0.0) + more for target in AVERAGED_TARGETS}


def paper_world() -> dict[str, Mapping[str, float]]:
    """Return the gains of a world in which every claim holds."""
    good = {**add(PAPER, 1.0), "xnli": 0.0}
    return {
        **dict.fromkeys(("mnli", "squad", "hellaswag"), good),
        **dict.fromkeys(("qqp", "csqa"), PAPER),
        "multitask": good,
        "mnli+mlm": good,
        "mnli@sw": good,
    }


def test_every_claim_holds_where_the_paper_is_right(tmp_path: Path) -> None:
    results = judge(write_world(tmp_path, paper_world()))
    assert {name: each.verdict for name, each in results.items()} == {
        **dict.fromkeys(ABOVE, "as published"),
        **dict.fromkeys(NONE_CLAIMS, "none shown"),
    }


def test_every_claim_is_opposite_where_the_paper_is_wrong(tmp_path: Path) -> None:
    bad = {**add({}, -6.0), "xnli": 3.0, "bucc": -20.0, "tatoeba": -20.0, "xquad": -12.0, "mlqa": -12.0}
    world: Gains = {
        **dict.fromkeys(("mnli", "squad", "hellaswag"), bad),
        **dict.fromkeys(("qqp", "csqa"), add(bad, 1.0)),
        "multitask": add(bad, -1.0),
        "mnli+mlm": add(bad, 2.0),
        "mnli@sw": add(bad, 2.0),
    }
    assert {each.verdict for each in judge(write_world(tmp_path, world)).values()} == {"opposite"}


def test_a_world_without_effects_shows_nothing(tmp_path: Path) -> None:
    results = judge(write_world(tmp_path, dict.fromkeys(paper_world(), ALL), noise=1.0))
    assert {results[name].verdict for name in ABOVE} == {"not shown"}
    assert {results[name].verdict for name in NONE_CLAIMS} == {"none shown"}


def test_differences_by_hand(tmp_path: Path) -> None:
    world: Gains = {
        "mnli": {"xnli": 9.0, "tatoeba": 4.0},  # XNLI's own rows
        "qqp": {"xnli": 1.0, "tatoeba": 2.0, "tydiqa": 3.0},
        "csqa": {"xnli": 2.0, "bucc": 6.0},
        "squad": {"xquad": 8.0, "udpos": 1.4},
    }
    results = judge(write_world(tmp_path, world, noise=0))
    found = {name: each.contrast.difference for name, each in results.items() if each.contrast.chains}
    assert found["retrieval"] == pytest.approx(np.full(4, (4 + 2 + 6 + 0) / 8))
    assert found["sentence pairs"] == pytest.approx(np.full(4, (4 + 2) / 4))
    assert found["xnli"] == pytest.approx(np.full(4, (1 + 2 + 0) / 3))  # without mnli
    assert found["tydiqa"] == pytest.approx(np.full(4, 3 / 4))
    # Trained targets: mnli without XNLI, squad without XQuAD and MLQA.
    trained = (0 + (1 + 3) / 7 + 2 / 7 + 1.4 / 5) / 4
    assert found["retrieval most"] == pytest.approx(np.full(4, (4 + 2 + 6 + 0) / 8 - trained))
    # Chains that are compared with one another keep all targets.
    assert found["best tasks"] == pytest.approx(np.full(4, ((13 + 9.4) / 2 - (6 + 8) / 2) / 9))
    assert results["xnli"].contrast.left_out == {"mnli": "trains on the targets' own rows"}
    assert results["retrieval most"].contrast.same_data_cells == 3


def test_a_mix_is_compared_with_the_task_that_the_other_seeds_choose(tmp_path: Path) -> None:
    scores = {"none": (50, 50, 50), "mnli": (60, 50, 60), "squad": (52, 56, 52), "multitask": (57, 57, 57)}
    rows = [
        (chain, target, seed, "en", "accuracy" if target == "tatoeba" else "f1", value / 100, "test")
        for chain, values in scores.items()
        for target in ("udpos", "tatoeba")
        for seed, value in enumerate(values)
    ]
    results = judge(write_file(tmp_path, rows, "split"))
    contrast = results["mix"].contrast
    # Without seed 0: mnli 55, squad 54. Without seed 1: mnli. Without seed 2: mnli 55, squad 54.
    assert contrast.difference == pytest.approx([57 - 60, 57 - 50, 57 - 60])
    assert contrast.opponents == ("mnli",)
    # The choices share seeds: the variance of the mean is 1 + n / (n - 1) times that of independent differences.
    plain = np.ptp(compute_intervals(contrast.difference))
    assert np.ptp(results["mix"].interval) == pytest.approx(plain * np.sqrt(1 + 3 / 2))
    assert results["mix"].mean == pytest.approx(1 / 3)
    average = results["average"]
    assert np.ptp(average.interval) == pytest.approx(np.ptp(compute_intervals(average.contrast.difference)))


def test_controls_baselines_and_methods_are_no_tasks(tmp_path: Path) -> None:
    others = ("random", "sham", "none~x2", "mnli~freelb", "mnli~x2", "mnli:salt", "random+mlm", "made-up")
    path = write_world(tmp_path, {"mnli": PAPER, "qqp": PAPER, **dict.fromkeys(others, add({}, -40.0))})
    transfer = read_transfer(path)
    controls = transfer.loaded_scores.controls | {"random", "sham"}
    transfer = replace(transfer, loaded_scores=replace(transfer.loaded_scores, controls=controls))
    for each in judge_claims(transfer):
        assert set(each.contrast.chains) <= {"mnli", "qqp"}, each.claim.name
        assert each.claim.name == "best tasks" or not each.contrast.opponents


def test_mixes_twins_and_languages_are_found_by_what_their_names_mean(tmp_path: Path) -> None:
    chains = ("mnli", "squad", "mnli+squad", "mlm+mnli", "squad@en+mlm", "mnli@de+mnli@sw", "ocnli", "mnli+ocnli@zh")
    results = judge(write_world(tmp_path, dict.fromkeys((*chains, "squad~x2", "squad+mlm~x2"), ALL)))
    assert results["mix"].contrast.chains == ("mnli+squad",)
    assert set(results["masked words"].contrast.chains) == {"mlm+mnli", "squad@en+mlm", "squad+mlm~x2"}
    assert set(results["masked words"].contrast.opponents) == {"mnli", "squad", "squad~x2"}
    assert results["translations"].contrast.chains == ("mnli@de+mnli@sw",)
    assert set(results["average"].contrast.chains) == {"mnli", "squad"}


def test_the_mix_of_all_tasks_stands_alone_where_it_is_there(tmp_path: Path) -> None:
    world = dict.fromkeys(("mnli", "squad", "mnli+squad", "multitask", "multitask~freelb", "multitask~x2"), ALL)
    for benchmark in ("xtreme", None):  # scores that name none do not tell what was mixed
        path = write_world(tmp_path, world, benchmark=benchmark)
        assert judge(path)["mix"].contrast.chains == ("multitask",)


def test_scores_that_name_no_benchmark_have_the_same_data_cells_of_xtreme(tmp_path: Path) -> None:
    results = judge(write_world(tmp_path, {"mnli": ALL, "qqp": ALL}, benchmark=None))
    assert results["xnli"].contrast.chains == ("qqp",)


def test_what_the_scores_lack_is_said(tmp_path: Path) -> None:
    results = judge(write_world(tmp_path, {"squad": ALL}, targets=("xnli", "udpos")))
    assert {name: each.reason for name, each in results.items() if each.reason} == {
        "average": "no target bucc or tatoeba",
        "retrieval": "no target bucc or tatoeba",
        "retrieval most": "no target bucc or tatoeba",
        "sentence pairs": "no target bucc or tatoeba",
        "tydiqa": "no target tydiqa",
        "answering": "no target xquad or mlqa or tydiqa",
        "best tasks": "no target bucc or tatoeba",
        "mix": "no target bucc or tatoeba",
        "masked words": "no chain with and without +mlm",
        "translations": "no mnli@sw, say, beside mnli",
    }
    few = judge(write_world(tmp_path, {"squad": ALL}, seeds=2))
    assert few["average"].reason == "complete at 2 seeds, and a test takes 3"
    assert few["mix"].reason == "no mix of tasks that are chains too"
    equal = judge(write_world(tmp_path, {"mnli": PAPER}, noise=0))
    assert equal["average"].reason == "the same difference at every seed"
    assert equal["xnli"].reason == "every chain trains on the targets' own rows"


def test_a_synthetic_world_tests_no_claim(tmp_path: Path, capsys: Capture) -> None:
    path = write_world(tmp_path, paper_world(), benchmark="miniature")
    assert {each.verdict for each in judge(path).values()} == {"not tested"}
    flat = printed(capsys, main, path)
    assert (
        "0 of 11 claims of Phang et al. 2020 are tested here: miniature is a synthetic world, and nothing in it" in flat
    )


def test_a_claim_of_no_gain_is_never_confirmed(tmp_path: Path) -> None:
    result = judge(write_world(tmp_path, {"qqp": ALL, "csqa": ALL}, noise=2.0))["xnli"]
    high = float(compute_intervals(result.contrast.difference)[1])
    assert result.verdict == "none shown" and result.excluded == pytest.approx(high) and high > 0.5
    assert format_verdict(result) == f"no gain shown; gain above {high:.1f} excluded"
    loss = judge(write_world(tmp_path, {"qqp": {"xnli": -3.0}, "csqa": {"xnli": -3.0}}))["xnli"]
    assert format_verdict(loss) == "as published: a loss"
    # An interval below 0 that Holm's p value does not follow.
    unsure = replace(loss, p_holm=0.2)
    assert format_verdict(unsure) == "no gain shown; gain at all excluded"


def test_p_values_are_adjusted_over_the_claims_that_are_tested(tmp_path: Path) -> None:
    results = judge(write_world(tmp_path, paper_world(), targets=("xnli", "pawsx", "bucc"), noise=1.0))
    tested = [each for each in results.values() if each.p is not None]
    assert len(tested) == 9
    expected = adjust_p_values([each.p or 0.0 for each in tested])
    assert [each.p_holm for each in tested] == pytest.approx(expected.tolist())
    assert any((each.p or 0) < ALPHA < (each.p_holm or 0) for each in tested)  # the correction decides


def test_another_baseline_changes_no_claim(tmp_path: Path) -> None:
    transfer = read_transfer(write_world(tmp_path, paper_world()))
    other = judge_claims(measure_against(transfer, "qqp"))
    for plain, against in zip(judge_claims(transfer), other, strict=True):
        assert set(plain.contrast.chains) == set(against.contrast.chains)
        assert plain.contrast.difference == pytest.approx(against.contrast.difference)


def test_a_chain_without_a_target_is_left_out_and_named(tmp_path: Path) -> None:
    path = write_world(tmp_path, {"qqp": PAPER, "csqa": PAPER, "squad": PAPER})
    transfer = read_transfer(path)
    scores = transfer.scores.copy()
    scores[transfer.chains.index("csqa"), transfer.targets.index("bucc")] = np.nan
    results = {each.claim.name: each.contrast for each in judge_claims(replace(transfer, scores=scores))}
    assert results["retrieval"].left_out == {"csqa": "lacks scores"}
    assert results["tydiqa"].left_out == {}


def test_what_is_printed_in_every_format(tmp_path: Path, capsys: Capture) -> None:
    path = write_world(tmp_path, paper_world(), targets=("xnli", "udpos", "bucc", "tatoeba", "tydiqa"))
    flat = printed(capsys, main, path, width=118)
    assert "Against the paper: 11 of 11 claims of Phang et al. 2020 are tested here: 7 as published (average," in flat
    assert "Here average, best tasks and mix are measured on 5, 2 of them retrieval, which is another quantity." in flat
    assert "Not in the claim `xnli`: mnli (trains on the targets' own rows)." in flat
    assert "Cells of claims left out, because the chain trains on the target's own rows: average (1)" in flat
    rows = printed_rows(capsys, main, path)
    retrieval = [row for row in rows if row["row"] == "Retrieval gains" and row["column"] == "difference"]
    assert float(retrieval[0]["value"]) == pytest.approx(15.6, abs=0.1) and float(retrieval[0]["low"]) > 15
    for form in ("markdown", "latex"):
        assert main([str(path), "--format", form]) == 0
        assert "no gain shown; gain above" in capsys.readouterr().out
    assert main([str(path), "--format", "json"]) == 0
    verdicts = [each for each in json.loads(capsys.readouterr().out)["records"] if each["column"] == "verdict"]
    assert len(verdicts) == len(CLAIMS)


def test_the_table_of_claims_agrees_with_the_benchmark_and_the_rows() -> None:
    lines = decompose_published_gain()
    gains = {name: line.gain or np.nan for name, line in lines.items()}
    assert f"{gains[RETRIEVAL]:+.1f}" in CLAIMS["retrieval"].source
    assert f"{gains[RETRIEVAL]:+.1f} against +2.5, 63%" in CLAIMS["retrieval most"].source
    assert f"{gains['xnli']:+.1f}" in CLAIMS["xnli"].source and f"{gains['tydiqa']:+.1f}" in CLAIMS["tydiqa"].source
    assert f"{(X_STILTS.mean or 0) - (BASELINE.mean or 0):+.1f} over nine" in CLAIMS["average"].source
    assert CLAIMS["answering"].targets == tuple(t for t in TRAINED_TARGETS if GROUP_OF_TARGET[t] == ANSWERING)
    assert {*CLAIMS["answering"].targets, *CLAIMS["answering"].other_targets} == set(TRAINED_TARGETS)
    assert set(CLAIMS["average"].targets) == set(AVERAGED_TARGETS) > set(RETRIEVAL_TARGETS)
    assert set(BEST_TASKS) <= BENCHMARKS["xtreme"].intermediates.keys()
    assert all(each.source and each.sentence for each in CLAIMS.values())
