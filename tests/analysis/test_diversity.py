"""The question about diverse mixes: effects of kinds are found; good tasks, size and noise are not taken for them."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.diversity import main
from analysis.questions.mix_contrasts import (
    LOWER_IS_BETTER,
    ONE_MORE_KIND,
    ROBUSTNESS_MEASURES,
    TWICE_AS_MANY_TASKS,
    TaskMix,
    compute_contrasts,
    name_kinds_contrast,
)
from analysis.statistics.moments import Array
from spaces.chain import MULTITASK
from tests.analysis.mix_scores import EVEN, NAMES, TASKS, compare, scores, tasks_of
from tests.analysis.sweep_files import Capture, printed, write_file


def test_what_kinds_bring_to_the_weakest_languages_is_found(tmp_path: Path) -> None:
    comparison = compare(tmp_path, scores(weakest=3.0))
    p = comparison.adjust_p_values(ONE_MORE_KIND)
    assert set(p) == set(ROBUSTNESS_MEASURES) and max(p.values()) < 0.05
    effects = {name: one.effect.value for name, one in comparison.contrasts[ONE_MORE_KIND].items() if one}
    assert effects["worst"] > 2 and effects["quarter"] > 2 and effects["others"] > 1
    assert effects["spread"] < -1 and effects["gap"] < -1  # less is better
    several = comparison.contrasts[name_kinds_contrast(2)]["quarter"]
    assert several is not None and several.effect.value == pytest.approx(3.0, abs=0.5)
    assert min(comparison.adjust_p_values(TWICE_AS_MANY_TASKS).values()) > 0.05
    assert comparison.contrasts_by_target.keys() == {"xnli", "panx"}


def test_a_good_task_in_more_mixes_of_several_kinds_is_no_diversity(tmp_path: Path) -> None:
    names = (
        *TASKS,
        "mnli+squad",
        "mnli+ccg",
        "mnli+hellaswag",
        "squad+hellaswag",
        "anli+qqp",
        "squad2+squad",
        "cosmosqa+csqa",
    )
    comparison = compare(tmp_path, scores(names, tasks={"mnli": 8.0}))
    contrast = comparison.contrasts[ONE_MORE_KIND]["others"]
    assert contrast is not None and abs(contrast.effect.value) < 0.5
    gains = {mix.chain: comparison.changes["others"][row].mean() for row, mix in enumerate(comparison.mixes)}
    plain = [
        np.mean([gains[mix.chain] for mix in comparison.mixes if len(mix.tasks) == 2 and mix.has_several_kinds == sort])
        for sort in (True, False)
    ]
    assert plain[0] - plain[1] > 2.5  # what a comparison of the two sorts would take for diversity


def test_mixes_of_near_duplicates_are_named_and_left_out_once(capsys: Capture, tmp_path: Path) -> None:
    """Near-duplicates lose four points: they stand in mixes of one kind, so that looks like an effect of kinds."""
    repetitive = [name for name in NAMES if {"anli", "mnli"} <= set(tasks_of(name)) or "squad2+squad" in name]
    rows = [(*row[:5], row[5] - 0.04 * (row[0] in repetitive and row[0] != MULTITASK), row[6]) for row in scores()]
    comparison = compare(tmp_path, rows)
    assert set(comparison.repetitive_mixes) == set(repetitive)
    pairs = {mix.chain: mix.near_duplicates for mix in comparison.mixes}
    assert pairs["anli+mnli+qqp"] == ("anli+mnli",) and pairs["mnli+squad2"] == ()
    assert pairs[MULTITASK] == ("anli+mnli", "squad2+squad")
    every, distinct = comparison.contrasts[ONE_MORE_KIND]["others"], comparison.distinct_contrasts["others"]
    assert every is not None and every.effect.value > 1
    assert distinct is not None and abs(distinct.effect.value) < 0.5
    flat = printed(capsys, main, write_file(tmp_path, rows, "benchmark"))
    assert "near-duplicates, tasks with much the same rows (anli+mnli, squad2+squad, anli+mnli+qqp" in flat


def test_the_space_tells_kinds_from_tasks_of_any_worth(tmp_path: Path) -> None:
    comparison = compare(tmp_path, scores(tasks={"mnli": 8.0, "ccg": -6.0, "squad": 4.0}))
    contrast = comparison.contrasts[ONE_MORE_KIND]["others"]
    assert contrast is not None and abs(contrast.effect.value) < 0.3


def test_where_all_languages_gain_alike_more_robust_is_not_more_even(capsys: Capture, tmp_path: Path) -> None:
    rows = scores(everywhere=3.0)
    alike = [row for row in rows if row[3] != "en"]
    flat = printed(capsys, main, write_file(tmp_path, alike, "benchmark"))
    assert "More diverse mixes are more robust by worst language, worst quarter (" in flat
    assert "but not shown to be more or less even: the mean moves in the same way." in flat


def test_what_size_brings_is_no_diversity(tmp_path: Path) -> None:
    """Three points more at every other size: no slope in its logarithm takes that up."""
    rows = [
        (*row[:5], row[5] + 0.03 * (row[0] != "none" and len(tasks_of(row[0])) in (2, 4)), row[6]) for row in scores()
    ]
    rows = [row for row in rows if row[0] != "anli+mnli"]  # so that sizes and kinds do not balance
    contrast = compare(tmp_path, rows).contrasts[ONE_MORE_KIND]["others"]
    assert contrast is not None and abs(contrast.effect.value) < 0.3


@pytest.mark.parametrize(("points", "word"), [(3.0, "more"), (-3.0, "less")])
def test_the_verdict_knows_for_which_measures_less_is_better(
    capsys: Capture, tmp_path: Path, points: float, word: str
) -> None:
    flat = printed(capsys, main, write_file(tmp_path, scores(weakest=points), "benchmark"))
    assert f"More diverse mixes are {word} robust by worst language, worst quarter, spread (sd), gap to en (" in flat


def test_samplers_are_compared_by_seed_with_the_default_one(tmp_path: Path) -> None:
    even = [(*row[:5], EVEN[row[3]] + row[2] / 50, row[6]) for row in scores()]
    gains = [(0.02 + row[2] / 100) * (row[0] == "multitask~uniform") + 0.01 * ("multi" in row[0]) for row in even]
    rows = [(*row[:5], row[5] + gain, row[6]) for row, gain in zip(even, gains, strict=True)]
    comparison = compare(tmp_path, rows)
    assert comparison.sampler_changes.keys() == {"multitask~temperature", "multitask~proportional", "multitask~uniform"}
    assert comparison.sampler_changes["multitask~uniform"]["others"] == pytest.approx([2, 3, 4])
    assert comparison.sampler_changes["multitask~proportional"]["others"] == pytest.approx([0, 0, 0])
    assert comparison.changes["lowest"][0] == pytest.approx([0, 0, 0])


def test_counts_of_targets_by_hand(tmp_path: Path) -> None:
    rows = [
        (*row[:5], EVEN[row[3]] + 0.01 * (row[0] == "mnli") * (1 if row[1] == "xnli" else -2), row[6])
        for row in scores()
    ]
    comparison = compare(tmp_path, rows)
    place = [mix.chain for mix in comparison.mixes].index("mnli")
    assert comparison.changes["lowest"][place] == pytest.approx([-2] * 3)
    assert comparison.changes["losing"][place] == pytest.approx([50] * 3)
    assert comparison.changes["others"][place] == pytest.approx([-0.5] * 3)


def test_effective_numbers_of_kinds() -> None:
    def kinds(*names: str) -> float:
        return TaskMix(chain="", tasks=names, kinds=tuple(TASKS[name] for name in names)).effective_kinds

    assert kinds("mnli", "qqp") == pytest.approx(1)
    assert kinds("mnli", "squad") == pytest.approx(2)
    assert kinds("mnli", "squad", "ccg", "csqa") == pytest.approx(4)
    assert 1 < kinds("mnli", "qqp", "anli", "squad") == pytest.approx(3**-0.75 * 4)


def null_worlds(
    rng: np.random.Generator, count: int, measures: Iterable[Any] = ROBUSTNESS_MEASURES
) -> Iterable[tuple[list[TaskMix], dict[Any, Array]]]:
    chains = [name for name in NAMES if "~" not in name]
    mixes = [
        TaskMix(chain=name, tasks=tasks_of(name), kinds=tuple(TASKS[one] for one in tasks_of(name))) for name in chains
    ]
    shares = np.array([[(task in mix.tasks) / len(mix.tasks) for task in TASKS] for mix in mixes])
    for _ in range(count):
        truth = shares @ rng.normal(0, 4, len(TASKS)) + rng.normal(0, 1, len(mixes))
        yield mixes, {name: truth[:, None] + rng.normal(0, 1, (len(mixes), 3)) for name in measures}


def test_nothing_is_found_where_kinds_bring_nothing() -> None:
    """Five in a hundred null worlds may have a finding; tests/bench/questions_mixes.py measures it on thousands."""
    rng = np.random.default_rng(3)
    hits = []
    for mixes, changes in null_worlds(rng, 150, ["worst"]):
        line = compute_contrasts(mixes, changes, rng, labellings=99)[ONE_MORE_KIND]
        hits.append([contrast.p < 0.05 for contrast in line.values() if contrast is not None])
    assert np.shape(hits) == (150, 1) and np.mean(hits) < 0.08


def test_p_needs_both_the_interval_and_the_labels() -> None:
    rng = np.random.default_rng(0)
    mixes, changes = next(iter(null_worlds(rng, 1)))
    kinds = np.array([[mix.effective_kinds] for mix in mixes])
    planted = {name: values + 9 * kinds for name, values in changes.items()}
    contrast = compute_contrasts(mixes, planted, rng)[ONE_MORE_KIND]["worst"]
    assert contrast is not None and contrast.relabelled_p is not None
    assert contrast.p == max(contrast.effect.p, contrast.relabelled_p) < 0.01
    assert replace(contrast, relabelled_p=0.5).p == 0.5
    assert set(LOWER_IS_BETTER) == {"spread", "gap", "losing"}
