"""Task scores and multi-task weights: the small arithmetic that decides what a score means."""

import pytest

from spaces.benchmark import BENCHMARKS
from spaces.task import Recipe, Task
from trainables.training.evaluation import compute_task_score
from trainables.training.mixing import compute_sampling_shares


def test_the_task_score_is_the_mean_of_the_official_metrics() -> None:
    span = Task(name="t", kind="span", about="", official_metrics=("f1", "exact_match"), recipe=Recipe(steps=10))
    assert compute_task_score(span, {"f1": 0.8, "exact_match": 0.4, "beside": 0.0}) == pytest.approx(0.6)


def test_mixing_weights_are_those_of_the_published_sampler() -> None:
    # p ~ min(N, cap)^(1/T) with cap 2^17 and T = 2, over the nine tasks of the paper.
    sizes = [1_104_934, 392_702, 363_846, 130_319, 87_599, 39_905, 38_015, 25_588, 9_741]
    shares = [round(share, 3) for share in compute_sampling_shares(sizes, {"sampler": {"cap": 2**17, "exponent": 0.5}})]
    assert shares == [0.151, 0.151, 0.151, 0.151, 0.124, 0.083, 0.081, 0.067, 0.041]


def test_the_mixture_holds_every_task_but_the_control() -> None:
    names = {row.name for row in BENCHMARKS["miniature"].multitask_tasks()}
    assert len(names) == 9 and "random" not in names
