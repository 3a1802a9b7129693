"""`rank.py --summary`: one screen with an honest answer, every task, and what is missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.rank import main
from analysis.scores.load import load
from analysis.tables import ranking_sentences, reference_sentences
from analysis.tables.ranking_summary import MAX_LINES, as_summary
from analysis.transfer.columns import MEAN_ALL
from spaces.benchmark import BENCHMARKS
from spaces.encoders import PROFILES
from spaces.named_spaces import SPACES
from spaces.space import resolve_axes
from tests.analysis.sweep_files import Capture, Run, ranked, refused, write_sweep

MINIATURE = BENCHMARKS["miniature"]
FULL = resolve_axes(SPACES["full"].build(MINIATURE), MINIATURE, PROFILES["miniature"])
PATHS = "runs/full-miniature"
Scores = Callable[[str, str, int], float | None]  # task, target, seed -> score; None for a failed run


def write(
    folder: Path, tasks: tuple[str, ...], targets: tuple[str, ...], seeds: int, score: Scores, **spec: Any
) -> Path:
    """Write a sweep in which every target is scored in two languages."""
    runs = []
    for task in tasks:
        for target in targets:
            for seed in range(seeds):
                value = score(task, target, seed)
                test = {target: {"en": value or 0.5, "qna": value or 0.5}}
                status = "finished" if value is not None else "failed"
                runs.append(Run(intermediate=task, test=test, seed=seed, status=status))
    return write_sweep(folder, runs, **spec)


def summarise(folder: Path, width: int = 100) -> list[str]:
    return as_summary(ranked(folder), width, PATHS).splitlines()


def flat(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def full_space(task: str, target: str, seed: int) -> float | None:
    """Gains of 0 to 2 points that differ by seed; one task fails twice on one target."""
    if (task, target) == ("squad", "udpos") and seed < 2:
        return None
    place = (task == "none") or len(task) % 5
    return 0.5 if task == "none" else 0.5 + 0.004 * place + 0.01 * (seed - 1) * (1 + place % 3)


def test_the_full_space_fits_a_screen(tmp_path: Path) -> None:
    tasks = FULL.intermediates
    folder = write(
        tmp_path,
        tasks,
        FULL.targets,
        len(FULL.seeds),
        full_space,
        controls=["random", "sham"],
        retrieval=["bucc", "tatoeba"],
    )
    lines = summarise(folder)
    assert len(lines) <= MAX_LINES == 30
    assert max(map(len, lines)) <= 100
    text = flat(lines)
    assert "Best by the mean over 9 targets: " in text
    assert "not distinguishable from no intermediate training." in text
    assert all(sum(f" {task} " in f"{line} " for line in lines[3:]) >= 1 for task in tasks[1:])
    (others,) = (line for line in lines if line.startswith("No candidates: "))
    assert all(f" {each} " in others for each in ("random (control)", "sham (control)", "none~x6 (baseline)"))
    assert not any(line.split()[1:2] in (["random"], ["sham"], ["none~x6"]) for line in lines)
    assert f"Missing: 2 of {len(tasks) * 27} scores (2 failed): squad -> udpos: seed 0, 1 failed" in lines
    assert lines[-2:] == [
        f"The whole ranking: python analysis/rank.py {PATHS}",
        f"A page with figures: python analysis/report.py {PATHS}",
    ]
    assert any("squad " in line and "~ 1 of 3 seeds" in line for line in lines)


def test_numbers_are_those_of_the_whole_ranking(tmp_path: Path) -> None:
    ranking = ranked(write(tmp_path, ("none", "mnli", "squad"), ("xnli", "panx"), 3, full_space))
    contest = ranking.contests[MEAN_ALL]
    rows = {row.split()[1]: row.split() for row in as_summary(ranking, 100, PATHS).splitlines() if row[:1].isdigit()}
    assert [*rows] == [*contest.order]
    for rank, name in enumerate(contest.order, start=1):
        gain = ranking.gains[name, MEAN_ALL]
        assert gain.mean is not None and gain.interval is not None
        low, high = gain.interval
        numbers = [f"{gain.mean:+.1f}", f"{low:+.1f}", "to", f"{high:+.1f}", f"{contest.p_best[name]:.2f}"]
        assert rows[name] == [str(rank), name, *numbers]


def test_a_clear_winner_is_better_than_the_baseline_and_its_rivals_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = {(task, seed): rng.normal(0, 0.002) for task in "abcde" for seed in range(3)}
    folder = write(
        tmp_path,
        ("none", *"abcde"),
        ("xnli", "panx"),
        3,
        lambda task, _, seed: 0.5 if task == "none" else 0.6 + noise[task, seed],
    )
    ranking = ranked(folder)
    leader, *others = ranking.contests[MEAN_ALL].order
    text = flat(as_summary(ranking, 100, PATHS).splitlines())
    assert f"Best by the mean over 2 targets: {leader}, +1" in text
    rivals = f"Not distinguishable from it: {', '.join(others[:3])} and 1 more."
    assert f"): better than no intermediate training. {rivals}" in text


def test_no_gain_is_not_sold_as_one(tmp_path: Path) -> None:
    folder = write(
        tmp_path, ("none", "a"), ("xnli", "panx"), 3, lambda task, _, seed: 0.5 - (0.02 + 0.001 * seed) * (task == "a")
    )
    text = flat(summarise(folder))
    assert "No intermediate task gains by the mean over 2 targets. The best is a, -2.1 points" in text
    assert "): worse than no intermediate training." in text


@pytest.mark.parametrize(("seeds", "words"), [(1, "1 seed"), (2, "2 seeds")])
def test_few_seeds_may_be_chance(tmp_path: Path, seeds: int, words: str) -> None:
    folder = write(
        tmp_path, ("none", "a"), ("xnli",), seeds, lambda task, _, seed: 0.5 + 0.02 * (task == "a") + 0.01 * seed
    )
    text = flat(summarise(folder))
    assert f"a, +2.0 points. With {words} there is no interval (it takes 3): this may be chance." in text
    assert "distinguishable" not in text and "better" not in text


def test_without_a_baseline_there_is_no_answer(tmp_path: Path) -> None:
    folder = write(tmp_path, ("none", "a"), ("xnli", "panx"), 3, lambda task, *_: None if task == "none" else 0.6)
    lines = summarise(folder)
    text = flat(lines)
    assert "No answer by the mean over 2 targets: the baseline `none` has no score" in text
    assert "Missing: 6 of 12 scores (6 failed): none -> all 2 targets: seed 0, 1, 2 failed" in lines
    assert any(line.split()[:2] == ["-", "a"] for line in lines)


def test_without_a_complete_seed_there_is_no_answer(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        ("none", "a"),
        ("xnli", "panx"),
        3,
        lambda task, target, _: None if (task, target) == ("a", "panx") else 0.6,
    )
    text = flat(summarise(folder))
    assert "No answer by the mean over 2 targets: no intermediate task has a gain on all 2 targets at any seed." in text
    assert "- a - - - 1 of 2 targets" in text


def test_a_control_that_gains_and_a_floor_that_is_not_beaten_are_said(tmp_path: Path) -> None:
    scores = {"none": 0.5, "a": 0.52, "shuffled": 0.6, "random-encoder": 0.55}
    folder = write(
        tmp_path,
        tuple(scores),
        ("xnli",),
        3,
        lambda task, _, seed: scores[task] * (1 + 0.001 * seed**2),
        controls=["shuffled"],
    )
    text = flat(summarise(folder))
    assert "Control shuffled GAINS, even after Holm's correction: xnli, mean. A control should not;" in text
    assert "The baseline `none` is not above the floor random-encoder: xnli, mean." in text
    assert "Best by the mean over 1 target: a, " in text  # a control is no candidate
    higher = write(
        tmp_path, ("none", "a", "random-encoder"), ("xnli",), 3, lambda task, *_: 0.4 if "random" in task else 0.5
    )
    assert reference_sentences.describe_floors(ranked(higher)) == []


def test_more_tasks_than_lines_are_counted(tmp_path: Path) -> None:
    tasks = tuple(f"t{place}" for place in range(40))
    folder = write(
        tmp_path, ("none", *tasks), ("xnli",), 3, lambda task, _, seed: 0.5 + 0.001 * len(task) + 0.001 * seed
    )
    lines = summarise(folder)
    assert len(lines) == MAX_LINES
    shown = sum(line[:2].strip().isdigit() for line in lines)
    assert f"   and {40 - shown} more" in lines


@pytest.mark.parametrize("width", [80, 100, 200])
def test_what_is_missing_is_one_line(tmp_path: Path, width: int) -> None:
    targets = tuple(f"t{place}" for place in range(12))
    folder = write(
        tmp_path,
        ("none", "a"),
        targets,
        12,
        lambda task, target, seed: None if task == "a" and target == f"t{seed}" else 0.5,
    )
    (line,) = (line for line in summarise(folder, width) if line.startswith("Missing: 12 of 288 scores (12 failed)"))
    assert len(line) <= width and line.endswith(" ...") and "a -> t0: seed 0 failed" in line


@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_a_gain_without_spread_is_no_certainty(tmp_path: Path, spread: float) -> None:
    """Seeds that are copies of one run have none, and an interval of no width would exclude 0."""

    def score(task: str, target: str, seed: int) -> float:
        return 0.5 + (0.02 + spread * seed) * (task == "a")

    ranking = ranked(load([write(tmp_path, ("none", "a"), ("xnli",), 3, score)]))
    sentence = ranking_sentences.describe_leader(ranking, MEAN_ALL)
    assert ("they are no replicates" in sentence) is (spread == 0)
    assert spread > 0 or "better than" not in sentence


def test_the_command_repeats_paths_and_flags(tmp_path: Path, capsys: Capture) -> None:
    folder = write(
        tmp_path, ("none", "a"), ("xnli",), 3, lambda task, _, seed: 0.5 + 0.02 * (task == "a") + 0.01 * seed
    )
    assert main([str(folder), "--summary", "--metric", "xnli=accuracy", "--learning-rate", "1e-3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    flags = f"{folder} --metric xnli=accuracy --learning-rate 0.001"
    assert lines[-2:] == [
        f"The whole ranking: python analysis/rank.py {flags}",
        f"A page with figures: python analysis/report.py {flags}",
    ]
    said = "rank.py: --summary is plain text: leave out --summary or --format json.\n"
    assert refused(capsys, main, folder, "--summary", "--format", "json") == said
