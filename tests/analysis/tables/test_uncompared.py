"""Tasks with too few seeds are named as not compared, and nothing is said to be better than they are."""

from pathlib import Path

import pytest

from analysis import rank, report
from tests.analysis.sweep_files import Capture, Run, write_sweep

SEEDS = range(3)
NOISE = (0.0, 0.002, -0.001)


def write_chains(folder: Path, seeds_of: dict[str, range], gain: float = 0.1) -> Path:
    """Write a sweep in which every task gains ten points over none, those that come later a tenth less each."""
    runs = [
        Run(
            intermediate=name,
            test={"xnli": {"en": 0.5 + (gain * (1 - 0.1 * place) if place else 0.0) + NOISE[seed] * (place + 1)}},
            seed=seed,
            dev=(0.5,),
        )
        for place, (name, seeds) in enumerate({"none": SEEDS, **seeds_of}.items())
        for seed in seeds
    ]
    return write_sweep(folder, runs, targets=["xnli"])


@pytest.mark.parametrize(
    ("seeds_of", "said", "unsaid"),
    [
        ({"nli": SEEDS, "qa": range(1)}, "Not compared, with fewer than 3 seeds: qa.", "every other task"),
        (
            {"nli": SEEDS, "tags": SEEDS, "qa": range(2)},
            "Better than every other task with 3 seeds or more. Not compared, with fewer than 3 seeds: qa.",
            "Not distinguishable",
        ),
        ({"nli": SEEDS, "tags": SEEDS}, "Better than every other task.", "Not compared"),
    ],
)
def test_a_task_with_too_few_seeds_is_not_beaten(
    tmp_path: Path, capsys: Capture, seeds_of: dict[str, range], said: str, unsaid: str
) -> None:
    assert rank.main([str(write_chains(tmp_path, seeds_of))]) == 0
    answer = " ".join(capsys.readouterr().out.split())
    assert said in answer and unsaid not in answer


@pytest.mark.parametrize(("gain", "verdict"), [(0.1, "better than"), (0.0, "not distinguishable from")])
def test_the_page_names_them_whatever_its_verdict(tmp_path: Path, capsys: Capture, gain: float, verdict: str) -> None:
    sweep, page = write_chains(tmp_path, {"nli": SEEDS, "qa": range(1)}, gain), tmp_path / "report.html"
    assert report.main([str(sweep), "-o", str(page)]) == 0
    capsys.readouterr()
    text = page.read_text(encoding="utf-8")
    assert f"{verdict} no intermediate training" in text and "Not compared, with fewer than 3 seeds: qa." in text
