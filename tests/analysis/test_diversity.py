from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.diversity import main
from analysis.questions.evenness import measure_evenness
from analysis.questions.mix_contrasts import (
    LOWER_IS_BETTER,
    ONE_MORE_KIND,
    ROBUSTNESS_MEASURES,
    TWICE_AS_MANY_TASKS,
    TaskMix,
    compute_contrasts,
    name_kinds_contrast,
)
from analysis.questions.task_mixes import MixComparison, compare_mixes
from analysis.statistics.moments import Array
from spaces.benchmark import BENCHMARKS
from spaces.chain import MULTITASK, parse_chain
from spaces.space_chains import list_diversity_chains
from tests.analysis.sweep_files import Capture, Run, printed, read_transfer, refused, write_file, write_sweep

MINIATURE = BENCHMARKS["miniature"]
TASKS = {task.name: task.kind for task in MINIATURE.multitask_tasks()}
NAMES = list_diversity_chains(MINIATURE)
EVEN = {"en": 0.7, "qna": 0.6, "qnb": 0.6, "qma": 0.5, "qfa": 0.5}
Rows = list[tuple[Any, ...]]


def tasks_of(chain: str) -> tuple[str, ...]:
    phase = chain.partition("~")[0]
    return tuple(TASKS) if phase == MULTITASK else parse_chain(phase).tasks


def scores(
    chains: Iterable[str] = NAMES,
    *,
    seeds: int = 3,
    targets: tuple[str, ...] = ("xnli", "panx"),
    weakest: float = 0.0,
    everywhere: float = 0.0,
    tasks: dict[str, float] | None = None,
) -> Rows:
    """Points per kind beyond the first in the two weakest languages, and in all but English; points per task."""
    rng = np.random.default_rng(1)
    rows: Rows = []
    for chain in ("none", *chains):
        names = () if chain == "none" else tasks_of(chain)
        kinds = max(1, len({TASKS[name] for name in names})) - 1
        for target in targets:
            for seed in range(seeds):
                for language, score in EVEN.items():
                    gain = np.mean([(tasks or {}).get(name, 0.0) for name in names]) if names else 0.0
                    gain += kinds * (weakest * (language in ("qma", "qfa")) + everywhere * (language != "en"))
                    value = score + (gain + rng.normal(0, 0.3)) / 100
                    rows.append((chain, target, seed, language, "accuracy", float(value), "miniature"))
    return rows


def compare(folder: Path, rows: Rows) -> MixComparison:
    even = measure_evenness(read_transfer(write_file(folder, rows, "benchmark")))
    return compare_mixes(even, np.random.default_rng(0))


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
