"""How a phase divides steps and rows among its ingredients."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from spaces.task import Recipe, Task
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature
from trainables.training.batches import TrainingPart
from trainables.training.mixing import build_training_parts, describe_shortage


def task(name: str, kind: str = "pair") -> Task:
    return Task(name=name, kind=kind, about="", official_metrics=("accuracy",), recipe=Recipe(steps=1))  # type: ignore[arg-type]


def table(examples: int, windows: int = 1, first: int = 0) -> FeatureTable:
    """So many examples from the text `first` on, each in several features."""
    label = np.array(0, dtype=np.int32)
    features = [
        Feature(example=i, rows=(np.array([1, first + i], dtype=np.int32),), types=None, target=label)
        for i in range(examples)
        for _ in range(windows)
    ]
    return build_table([features], per_position=False)


def test_one_task_has_all_steps_and_rows() -> None:
    (part,) = build_training_parts([(task("a"), table(5))], {}, seed=0)
    assert part.weight == 1.0 and part.subset is None


def test_masked_words_have_their_share_whatever_the_sizes() -> None:
    words = task("mlm", "mlm")
    recipe = {"masked": {"share": 0.25, "smoothing": 0.5}}
    a, en, sw = build_training_parts([(task("a"), table(50)), (words, table(9)), (words, table(4))], recipe, seed=0)
    assert a.weight == pytest.approx(0.75)
    assert (en.weight, sw.weight) == pytest.approx((0.15, 0.10))


def test_masked_words_alone_have_all_steps() -> None:
    recipe = {"masked": {"share": 1.0, "smoothing": 0.0}}
    parts = build_training_parts([(task("mlm", "mlm"), table(9)), (task("mlm", "mlm"), table(4))], recipe, seed=0)
    assert [part.weight for part in parts] == [0.5, 0.5]


@pytest.mark.parametrize("windows", [1, 3])
def test_examples_are_divided_and_no_text_comes_in_two_languages(windows: int) -> None:
    nli = task("nli")
    recipe = {"sampler": {"cap": None, "exponent": 0.5}, "examples": 20}
    several = [(nli, table(40, windows)), (nli, table(40, windows)), (task("b"), table(10, windows, 100))]
    parts = build_training_parts(several, recipe, seed=0)
    chosen = [set(part.table.examples[part.subset].tolist()) for part in parts]
    assert [len(rows) for rows in chosen] == [8, 8, 4]  # sizes 40, 40, 10, so 1 : 1 : 1/2
    assert not chosen[0] & chosen[1]
    for part, rows in zip(parts, chosen, strict=True):
        assert part.subset is not None and len(part.subset) == windows * len(rows)


def test_a_task_of_few_texts_is_short_of_them_in_however_many_languages() -> None:
    nli, recipe = task("nli"), {"sampler": {"cap": None, "exponent": 0.5}, "examples": 30}
    parts = build_training_parts([(nli, table(40))] * 3, recipe, seed=0)
    assert describe_shortage(parts, recipe) is None
    parts = build_training_parts([(nli, table(21)), (nli, table(21)), (nli, table(21))], recipe, seed=0)
    assert "trained on 21 of the 30 requested examples" in str(describe_shortage(parts, recipe))
    assert describe_shortage(build_training_parts([(nli, table(21))], {}, seed=0), {}) is None


CONTROL = dataclasses.replace(task("random"), is_control=True, labels=("a", "b", "c"))


def rows_of(part: TrainingPart) -> set[int]:
    return set(part.table.examples[part.indices].tolist())


def test_a_seed_chooses_the_rows_and_a_larger_limit_keeps_those_of_a_smaller_one() -> None:
    def chosen(seed: int, limit: int, **recipe: int) -> set[int]:
        (part,) = build_training_parts([(task("a"), table(50, windows=2))], recipe, seed=seed, limit=limit)
        assert len(part.indices) == 2 * part.example_count
        return rows_of(part)

    assert len(chosen(0, 20)) == 20 and chosen(0, 20) == chosen(0, 20) != chosen(1, 20)
    assert chosen(0, 5) < chosen(0, 20) < chosen(0, 40) and chosen(0, 60) == set(range(50))
    assert chosen(0, 20, examples=5) < chosen(0, 20, examples=10) < chosen(0, 20)
    assert chosen(0, 50, examples=10) != chosen(1, 50, examples=10)


def test_a_limit_counts_for_the_shares_and_keeps_translations_apart() -> None:
    nli, recipe = task("nli"), {"sampler": {"cap": None, "exponent": 1.0}, "examples": 8}
    tables = [(nli, table(40)), (nli, table(40)), (task("b"), table(10))]
    parts = build_training_parts(tables, recipe, seed=3, limit=10)
    assert [part.weight for part in parts] == pytest.approx([1 / 3] * 3)
    assert not rows_of(parts[0]) & rows_of(parts[1])


def test_a_seed_draws_the_labels_of_a_control_and_of_no_other_task() -> None:
    def labels(task: Task, seed: int) -> list[int]:
        (part,) = build_training_parts([(task, shared)], {}, seed=seed)
        assert part.targets.tolist() == part.table.targets.tolist()
        return part.table.targets.tolist()  # type: ignore[no-any-return]

    shared = table(300)
    assert labels(CONTROL, 0) == labels(CONTROL, 0) != labels(CONTROL, 1)
    assert min(Counter(labels(CONTROL, 0)).values()) > 70 and set(labels(CONTROL, 0)) == {0, 1, 2}
    plain = dataclasses.replace(CONTROL, is_control=False)
    assert labels(plain, 0) == labels(plain, 1) == shared.targets.tolist() == [0] * 300


def test_a_text_for_masked_words_counts_once_whatever_its_windows() -> None:
    words = table(4, windows=3)
    sham = dataclasses.replace(task("sham", "mlm"), is_control=True)
    (alone,) = build_training_parts([(sham, words)], {}, seed=0)
    assert alone.weight == 1.0 and alone.indices.tolist() == [0, 3, 6, 9]
    mixed = build_training_parts([(task("a"), table(5)), (task("mlm", "mlm"), words)], {"examples": 3}, seed=0)
    assert [part.example_count for part in mixed] == [3, 4]
    assert describe_shortage(mixed, {"examples": 3}) is None
