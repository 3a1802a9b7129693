"""How a phase divides steps and rows among its ingredients."""

import numpy as np
import pytest

from spaces.task import Recipe, Task
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature
from trainables.training.mixing import build_training_parts, describe_shortage


def task(name: str, kind: str = "pair") -> Task:
    return Task(name=name, kind=kind, about="", official_metrics=("accuracy",), recipe=Recipe(steps=1))  # type: ignore[arg-type]


def table(examples: int, windows: int = 1) -> FeatureTable:
    """So many examples, each in several features."""
    row = np.arange(3, dtype=np.int32)
    label = np.array(0, dtype=np.int32)
    features = [
        Feature(example=i, rows=(row,), types=None, target=label) for i in range(examples) for _ in range(windows)
    ]
    return build_table([features], per_position=False)


def test_one_task_has_all_steps_and_rows() -> None:
    (part,) = build_training_parts([(task("a"), table(5))], {})
    assert part.weight == 1.0 and part.subset is None


def test_masked_words_have_their_share_whatever_the_sizes() -> None:
    words = task("mlm", "mlm")
    recipe = {"masked": {"share": 0.25, "smoothing": 0.5}}
    a, en, sw = build_training_parts([(task("a"), table(50)), (words, table(9)), (words, table(4))], recipe)
    assert a.weight == pytest.approx(0.75)
    assert (en.weight, sw.weight) == pytest.approx((0.15, 0.10))


def test_masked_words_alone_have_all_steps() -> None:
    recipe = {"masked": {"share": 1.0, "smoothing": 0.0}}
    parts = build_training_parts([(task("mlm", "mlm"), table(9)), (task("mlm", "mlm"), table(4))], recipe)
    assert [part.weight for part in parts] == [0.5, 0.5]


@pytest.mark.parametrize("windows", [1, 3])
def test_examples_are_divided_and_no_text_comes_in_two_languages(windows: int) -> None:
    nli = task("nli")
    recipe = {"sampler": {"cap": None, "exponent": 0.5}, "examples": 20}
    several = [(nli, table(40, windows)), (nli, table(40, windows)), (task("b"), table(10, windows))]
    parts = build_training_parts(several, recipe)
    chosen = [set(part.table.examples[part.subset].tolist()) for part in parts]
    assert [len(rows) for rows in chosen] == [8, 8, 4]  # sizes 40, 40, 10, so 1 : 1 : 1/2
    assert not chosen[0] & chosen[1]
    for part, rows in zip(parts, chosen, strict=True):
        assert part.subset is not None and len(part.subset) == windows * len(rows)


def test_a_task_of_few_texts_is_short_of_them_in_however_many_languages() -> None:
    nli, recipe = task("nli"), {"sampler": {"cap": None, "exponent": 0.5}, "examples": 30}
    parts = build_training_parts([(nli, table(40))] * 3, recipe)
    assert describe_shortage(parts, recipe) is None
    parts = build_training_parts([(nli, table(21)), (nli, table(21)), (nli, table(21))], recipe)
    assert "trained on 21 of the 30 requested examples" in str(describe_shortage(parts, recipe))
    assert describe_shortage(build_training_parts([(nli, table(21))], {}), {}) is None
