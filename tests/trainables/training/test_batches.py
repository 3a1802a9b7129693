"""Which part and which features each step trains."""

from collections import Counter

import numpy as np

from spaces.benchmark import BENCHMARKS
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature
from trainables.training.batches import Batches, TrainingPart


def features(count: int, first: int) -> FeatureTable:
    rows = [
        Feature(example=first + i, rows=(np.zeros(1 + i % 5, np.int32),), types=None, target=np.array(0, np.int32))
        for i in range(count)
    ]
    return build_table([rows], per_position=False)


def test_each_part_of_a_mixture_goes_through_its_own_examples() -> None:
    tables, task = [features(12, 0), features(20, 100)], BENCHMARKS["miniature"].intermediates["mnli"]
    weighed = zip(tables, (1.0, 2.0), strict=True)
    parts = [TrainingPart(task=task, table=table, weight=weight) for table, weight in weighed]
    batches = Batches(parts, steps=60, batch_size=4, bucket=2, seed=3)
    seen: list[Counter[int]] = [Counter(), Counter()]
    for step in range(60):
        part, chosen = batches.batch_at(step)
        assert len(chosen) == 4
        seen[part] += Counter(feature.example for feature in chosen)
    for table, counts in zip(tables, seen, strict=True):
        assert set(counts) == {feature.example for feature in table}
        assert max(counts.values()) - min(counts.values()) <= 1  # as many epochs of each
    again = Batches(parts, steps=60, batch_size=4, bucket=2, seed=3)
    part, chosen = again.batch_at(41)
    number, again = batches.batch_at(41)
    assert (part, [one.example for one in chosen]) == (number, [one.example for one in again])
