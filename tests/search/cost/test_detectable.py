"""What a plan says that it can find."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.cost.cost import TrainingWork, estimate_work
from search.cost.detectable import build_ranking_tests, contrast_error, describe_detectable, list_tests
from search.cost.observed_spread import GainSpread, find_spread, measure_spread
from search.request.request import SweepRequest
from spaces.benchmark import BENCHMARKS
from spaces.detectable_effect import detectable_in_spreads
from tests.analysis.sweep_files import Run, write_sweep
from tests.search.asked import request_of

SPREAD = GainSpread(cell=2.0, mean=1.0, source="hand")


def asked(folder: Path, *flags: str) -> SweepRequest:
    return request_of("--results", folder, *flags)


def lines_of(request: SweepRequest, spread: GainSpread | None = SPREAD) -> str:
    return "\n".join(describe_detectable(request, estimate_work(request), spread))


def test_a_plan_of_few_tasks_needs_what_students_t_needs() -> None:
    cell, mean = build_ranking_tests(tasks=3, references=3, targets=2, seeds=4, baseline=4)
    assert cell.effect == pytest.approx(detectable_in_spreads(4, tests=6))
    assert mean.effect == pytest.approx(detectable_in_spreads(4, tests=3))


def test_many_tasks_and_more_seeds_of_the_baseline_find_smaller_gains() -> None:
    few = build_ranking_tests(5, 5, 9, 3, 3)[0].effect
    many = build_ranking_tests(11, 10, 9, 3, 3)[0].effect
    assert many < few / 3
    assert build_ranking_tests(11, 10, 9, 3, 6)[0].effect == pytest.approx(many * np.sqrt(0.75))


def test_a_contrast_of_one_pair_is_a_gain_and_chains_narrow_it() -> None:
    assert contrast_error(1, 1, 4) == pytest.approx(1 / 2)
    assert contrast_error(9, 1, 4) == pytest.approx(np.sqrt((1 + 1 / 9) / 2) / 2)


def test_a_ranking_says_the_gain_of_a_cell_and_of_a_mean(tmp_path: Path) -> None:
    request = asked(tmp_path, "--intermediates", "mnli,squad", "--targets", "xnli,udpos")
    said = lines_of(request)
    [cell, mean] = list_tests(request)
    assert f"4 tests of 2 tasks on 2 targets, errors of each gain alone: {cell.effect:.1f} s = " in said
    assert f"= {2 * cell.effect:.1f} points where s is 2.0" in said and f"= {mean.effect:.1f} points" in said
    assert "points: by hand" in said
    assert "in points: unknown" in lines_of(request, None)


@pytest.mark.parametrize(
    ("chains", "about"),
    [
        ("mnli,mnli~fgm,mnli~x2", "methods against plain training: the mean over 1 pairs"),
        ("mnli,mnli@qna,mnli@qmb", "training in the evaluation language instead of English: the mean over 2 languages"),
        ("mnli,qqp,squad,mnli+qqp,mnli+squad,qqp+squad", "diversity: 2 mixes of several kinds against 1 of few"),
    ],
)
def test_a_question_says_its_deciding_contrast(tmp_path: Path, chains: str, about: str) -> None:
    request = asked(tmp_path, "--intermediates", chains, "--targets", "xnli,udpos")
    [test] = list_tests(request)
    assert test.about.startswith(about) and test.effect > 0


def test_probes_have_their_own_lines(tmp_path: Path) -> None:
    chains = "mnli,qqp,squad,ccg,hellaswag"
    said = lines_of(asked(tmp_path, "--intermediates", chains, "--probes", "similarity,alignment"))
    assert "alignment: the mean rise of" in said and "similarity and gain: a rank correlation of" in said


def test_one_seed_finds_nothing(tmp_path: Path) -> None:
    assert "detectable effects: none, as a test takes 3 seeds and these are 1" in lines_of(
        asked(tmp_path, "--seeds", "0")
    )


def test_the_share_of_the_phases_is_that_of_the_steps(tmp_path: Path) -> None:
    request = asked(tmp_path, "--intermediates", "mnli", "--targets", "xnli,udpos", "--steps", "120")
    said = lines_of(request)  # xnli takes 120 steps, udpos 30
    assert "a phase has 120 of 195 steps of a chain on average (62%)" in said
    assert "50% before xnli-en to 80% before udpos-en" in said
    short = {id_: TrainingWork(1, 1) if "intermediate" in id_ else work for id_, work in estimate_work(request).items()}
    assert "so small a share can hardly move a target" in "\n".join(describe_detectable(request, short, None))


def write_scores(results: Path, gains: dict[str, list[float]], *, name: str) -> Path:
    """A sweep of chain `mnli` with these gains by seed; a worse rate must not count."""
    runs = []
    for target, by_seed in gains.items():
        for seed, gain in enumerate(by_seed):
            runs.append(Run(intermediate="none", test={target: {"en": 0.5, "qna": 0.5}}, seed=seed))
            score = 0.5 + gain / 100
            runs.append(Run(intermediate="mnli", test={target: {"en": score, "qna": score}}, seed=seed))
            worse = {target: {"en": 0.9 - seed / 10, "qna": 0.9}}
            runs.append(Run(intermediate="mnli", test=worse, seed=seed, rate=2e-3, dev=(0.1,)))
    folder = write_sweep(results, runs, name=name, test_limit=None)
    record = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    record["stages"] = dict.fromkeys(record["stages"], "a.stratum")
    (folder / "sweep.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def test_the_spread_is_that_of_the_runs_that_english_dev_chose(tmp_path: Path) -> None:
    folder = write_scores(tmp_path, {"xnli": [1.0, 3.0, 5.0], "udpos": [4.0, 4.0, 4.0], "panx": [0, 4, 2]}, name="old")
    spread = measure_spread(sorted((folder.parent / "stages").glob("*/scores.parquet")), "")
    assert spread is not None and spread.cell == pytest.approx(2.0)
    assert spread.mean == pytest.approx(np.std([5 / 3, 11 / 3, 11 / 3], ddof=1))


def test_the_sweep_is_named_and_an_assumption_is_called_one(tmp_path: Path) -> None:
    request = asked(tmp_path, "--intermediates", "mnli", "--targets", "xnli")
    assert find_spread(request) is None
    assert measure_spread([], "") is None
    write_scores(tmp_path, {"xnli": [1.0, 3.0, 5.0]}, name="old")
    found = find_spread(request)
    assert found is not None and found.source == "the spread in sweep old" and found.cell == pytest.approx(2.0)
    other = replace(request, spec={**request.spec, "model": "another"}, benchmark=BENCHMARKS["xtreme"])
    assumed = find_spread(other)
    assert assumed is not None and assumed.cell == 1.0 and "an assumption, not a measurement" in assumed.source
