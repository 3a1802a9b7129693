"""Floors, chance, task scores, multi-task weights: the small arithmetic that decides what a score means."""

from collections.abc import Sequence

import numpy as np
import pytest

from spaces.benchmark import BENCHMARKS
from spaces.task import Recipe, Task
from trainables.features.examples import ChoiceExample, Example, PairExample, SpanExample, TaggingExample
from trainables.features.feature_table import build_table
from trainables.features.features import IGNORED
from trainables.training.evaluation import EvalSet, compute_task_score, score_majority_baseline
from trainables.training.mixing import compute_sampling_shares


def task(kind: str, labels: tuple[str, ...] = ("a", "b")) -> Task:
    return Task(
        name="t", kind=kind, about="", labels=labels, official_metrics=("f1", "exact_match"), recipe=Recipe(steps=10)
    )  # type: ignore[arg-type]


def evaluated(row: Task, examples: Sequence[Example]) -> EvalSet:
    return EvalSet(task=row, language="en", examples=examples, features=build_table([], per_position=False))


def test_the_task_score_is_the_mean_of_the_official_metrics() -> None:
    assert compute_task_score(task("span"), {"f1": 0.8, "exact_match": 0.4, "beside": 0.0}) == pytest.approx(0.6)


def test_the_majority_label_is_that_of_the_training_set() -> None:
    test = evaluated(task("pair"), [PairExample("", "", label) for label in (0, 1, 1, 1)])
    assert score_majority_baseline(test.task, np.array([1, 0, 1]), test) == {"accuracy": 0.75}
    assert score_majority_baseline(test.task, np.array([0, 1, 1, 0]), test) == {
        "accuracy": 0.25
    }  # equally common: the first one
    words = evaluated(task("tagging", ("NOUN", "VERB")), [TaggingExample(("w", "v"), (0, 1))])
    baseline = score_majority_baseline(words.task, np.array([IGNORED, IGNORED, 0, IGNORED]), words)
    assert baseline is not None and baseline["accuracy"] == 0.5


def test_spans_have_no_majority_answer() -> None:
    test = evaluated(task("span"), [SpanExample("i", "q", "c", ("c",), (0,))])
    assert score_majority_baseline(test.task, np.array([[1, 2]]), test) is None


def test_choices_count_their_places() -> None:
    test = evaluated(task("choice"), [ChoiceExample("", "q", ("a", "b"), 0), ChoiceExample("", "q", ("a", "b"), 1)])
    assert score_majority_baseline(test.task, np.array([0]), test) == {"accuracy": 0.5}


def test_mixing_weights_are_those_of_the_published_sampler() -> None:
    # p ~ min(N, cap)^(1/T) with cap 2^17 and T = 2, over the nine tasks of the paper.
    sizes = [1_104_934, 392_702, 363_846, 130_319, 87_599, 39_905, 38_015, 25_588, 9_741]
    shares = [round(share, 3) for share in compute_sampling_shares(sizes, {"sampler": {"cap": 2**17, "exponent": 0.5}})]
    assert shares == [0.151, 0.151, 0.151, 0.151, 0.124, 0.083, 0.081, 0.067, 0.041]


def test_the_mixture_holds_every_task_but_the_control() -> None:
    names = {row.name for row in BENCHMARKS["miniature"].multitask_tasks()}
    assert len(names) == 9 and "random" not in names
