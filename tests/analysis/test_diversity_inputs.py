"""The question about diverse mixes on inputs with gaps: odd chains, few seeds, unequal sizes and controls are named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.diversity import main
from analysis.questions.evenness import measure_evenness
from analysis.questions.task_mixes import compare_mixes
from tests.analysis.mix_scores import scores
from tests.analysis.sweep_files import Capture, Run, printed, read_transfer, refused, write_file, write_sweep


def test_what_is_no_plain_mix_is_named(capsys: Capture, tmp_path: Path) -> None:
    odd = ("my task", "mnli~freelb", "mnli~x2", "mnli:salt", "mnli+mlm", "mnli@en+mnli@qma", "mnli+", "~~:")
    rows = scores() + [(name, *row[1:]) for name in odd for row in scores(()) if row[0] == "none"]
    flat = printed(capsys, main, write_file(tmp_path, rows, "benchmark"))
    missing = flat.partition("Not compared as mixes:")[2]
    assert all(name in missing for name in odd)


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_give_numbers_and_say_that_they_may_be_chance(capsys: Capture, tmp_path: Path, seeds: int) -> None:
    flat = printed(capsys, main, write_file(tmp_path, scores(seeds=seeds, weakest=3.0), "benchmark"))
    assert "More diverse mixes: a test takes 3 seeds and more mixes, so the changes may be chance." in flat
    assert "one more kind" in flat
    assert "[" not in flat.partition("The mixes")[0].replace("[+", "[")  # no interval


def test_one_target_has_no_measure_over_targets(capsys: Capture, tmp_path: Path) -> None:
    file = write_file(tmp_path, scores(), "benchmark")
    one = printed(capsys, main, file, "--target", "xnli")
    assert "% of targets that lose" not in one and "by target" not in one
    said = refused(capsys, main, file, "--target", "xnl")
    assert said.startswith("diversity.py: --target: unknown target 'xnl': did you mean xnli?")


def test_minimal_columns_and_chains_that_lack_a_seed(capsys: Capture, tmp_path: Path) -> None:
    rows = [row[:6] for row in scores(weakest=3.0) if row[:3] != ("mnli+squad2", "panx", 1)]
    flat = printed(capsys, main, write_file(tmp_path, rows))
    assert "More diverse mixes are more robust" in flat
    assert "because they lack a seed, target or language that others have: mnli+squad2" in flat
    # Nothing says which benchmark it is, so nothing says what the mix of all tasks holds.
    assert "multitask, multitask~proportional, multitask~temperature, multitask~uniform (a mix of all tasks" in flat


def test_files_without_mixes_are_one_line(capsys: Capture, tmp_path: Path) -> None:
    rows = [("my task" if row[0] == "mnli" else row[0], *row[1:]) for row in scores(("mnli",))]
    assert "fewer than two chains are mixes" in refused(capsys, main, write_file(tmp_path, rows, "benchmark"))


def sweep(folder: Path, spent: dict[str, int], **spec: Any) -> Path:
    runs = []
    for chain in ("none", *spent):
        for seed in range(3):
            test = {"xnli": {"en": 0.8, "qna": 0.5 + seed / 100, "qma": 0.4}}
            runs.append(Run(intermediate=chain, test=test, seed=seed))
            if chain != "none":
                extra = {"steps": spent[chain]}
                runs.append(Run(intermediate=chain, test={}, seed=seed, kind="intermediate", extra=extra))
    return write_sweep(folder, runs, **spec)


@pytest.mark.parametrize(
    ("steps", "spec", "said"),
    [
        ({"mnli": 200, "squad": 200, "mnli+squad": 200}, {"steps": 200, "examples": 5000}, None),
        ({"mnli": 200, "squad": 200, "mnli+squad": 200}, {"examples": 5000}, None),
        (
            {"mnli": 200, "squad": 200, "mnli+squad": 200},
            {"steps": 200},
            "SIZE IS NOT HELD FIXED: the chains are not known to have equal numbers of distinct examples.",
        ),
        (
            {"mnli": 400, "squad": 300, "mnli+squad": 600},
            {"examples": 5000},
            "steps go from 300 (squad) to 600 (mnli+squad).",
        ),
    ],
)
def test_where_size_is_not_held_fixed_that_comes_first(
    tmp_path: Path, capsys: Capture, steps: dict[str, int], spec: dict[str, Any], said: str | None
) -> None:
    flat = printed(capsys, main, sweep(tmp_path, steps, budget=spec))
    assert flat.startswith("SIZE IS NOT HELD FIXED") == (said is not None)
    assert said is None or said in flat


def test_the_sweep_says_which_tasks_are_in_the_mix_of_all(tmp_path: Path) -> None:
    folder = sweep(tmp_path, {"mnli": 1, "squad": 1, "multitask": 1}, mixture={"multitask": ["mnli", "squad"]})
    comparison = compare_mixes(measure_evenness(read_transfer(folder)), np.random.default_rng(0))
    assert [mix.tasks for mix in comparison.mixes] == [("mnli",), ("squad",), ("mnli", "squad")]


def test_controls_are_no_mixes(tmp_path: Path) -> None:
    folder = sweep(tmp_path, {"mnli": 1, "squad": 1, "random": 1}, controls=["random"])
    comparison = compare_mixes(measure_evenness(read_transfer(folder)), np.random.default_rng(0))
    assert comparison.left_out == {"random": "a control"}
