"""Distinct rows: what two tasks of a mix have in common is trained on once.

ANLI+ contains MultiNLI, and SQuAD 2.0 the questions of SQuAD 1.1. Where a mix has a budget of distinct examples, a row
that another task of the mix has given would otherwise count twice.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from trainables.features.feature_table import FeatureTable


def select_distinct_examples(
    table: FeatureTable, order: NDArray[np.int64], count: int, taken: AbstractSet[bytes]
) -> NDArray[np.int64]:
    """Return the first `count` examples of `order` without those whose inputs are in `taken`; at least one example."""
    if not taken:
        return order[: max(1, count)]
    distinct = (example for example, inputs in iterate_inputs(table, order) if inputs not in taken)
    chosen = list(islice(distinct, max(1, count)))
    return np.array(chosen, np.int64) if chosen else order[:1]


def iterate_inputs(table: FeatureTable, examples: NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
    """Yield each example with its inputs: the sub-tokens of its first feature, if it has one."""
    names, firsts = np.unique(table.examples, return_index=True)
    first_feature = dict(zip(names.tolist(), firsts.tolist(), strict=True))
    for example in examples.tolist():
        if example in first_feature:
            yield example, b"|".join(row.tobytes() for row in table[first_feature[example]].rows)
