"""A row that two tasks of a mix have in common is trained on once."""

import numpy as np

from spaces.task import Recipe, Task
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature
from trainables.training.mixing import build_training_parts, describe_shortage

LABEL = np.array(0, dtype=np.int32)


def build_task(name: str) -> Task:
    return Task(name=name, kind="pair", about="", recipe=Recipe(steps=1))


def build_rows(texts: range) -> FeatureTable:
    features = [
        Feature(example=i, rows=(np.array([5, text], dtype=np.int32),), types=None, target=LABEL)
        for i, text in enumerate(texts)
    ]
    return build_table([features], per_position=False)


def read_texts(part_table: FeatureTable, subset: np.ndarray) -> set[int]:
    return {int(part_table[i].rows[0][1]) for i in subset.tolist()}


RECIPE = {"sampler": {"cap": None, "exponent": 0.0}, "examples": 40}


def test_no_text_is_in_two_tasks() -> None:
    whole, part, other = build_rows(range(50)), build_rows(range(10, 40)), build_rows(range(100, 130))
    parts = build_training_parts(
        [(build_task("anli"), whole), (build_task("mnli"), part), (build_task("qqp"), other)],
        RECIPE | {"examples": 45},
        seed=0,
    )
    chosen = [read_texts(each.table, each.indices) for each in parts]
    assert [len(texts) for texts in chosen] == [15, 15, 15]
    assert not chosen[0] & chosen[1]
    assert chosen[1] <= set(range(10, 40))


def test_texts_that_run_short_are_said() -> None:
    parts = build_training_parts(
        [(build_task("anli"), build_rows(range(20))), (build_task("mnli"), build_rows(range(20)))], RECIPE, seed=0
    )
    assert len(parts[0].indices) == 20 and len(parts[1].indices) == 1  # nothing is left, and a part needs a row
    assert "trained on 21 of the 40 requested examples" in str(describe_shortage(parts, RECIPE))


def test_without_a_budget_all_rows_are_trained_on() -> None:
    parts = build_training_parts(
        [(build_task("anli"), build_rows(range(20))), (build_task("mnli"), build_rows(range(20)))], {}, seed=0
    )
    assert [part.subset for part in parts] == [None, None]
