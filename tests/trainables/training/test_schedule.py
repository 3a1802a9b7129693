"""Time in tenths, the learning rate, and which examples each step sees."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.stage import TENTHS
from spaces.task import Recipe
from trainables.training.schedule import BatchOrder, compute_total_steps, end_of_tenth, rate_factor

lengths = st.lists(st.integers(1, 9), min_size=1, max_size=60).map(np.array)
sizes, runs, buckets = st.integers(1, 12), st.integers(1, 20), st.integers(1, 6)


def stream(order: BatchOrder) -> list[int]:
    """The examples of a run in the order of its batches."""
    return [index for number in range(order.batch_count) for index in order.batch_indices(number)]


@given(lengths=lengths, size=sizes, batches=runs)
def test_without_buckets_every_example_comes_once_per_epoch(lengths: np.ndarray, size: int, batches: int) -> None:
    seen, examples = stream(BatchOrder(lengths, size, batches, (0,))), len(lengths)
    for epoch in range(len(seen) // examples):
        assert sorted(seen[epoch * examples : (epoch + 1) * examples]) == list(range(examples))


@given(lengths=lengths, size=sizes, batches=runs, bucket=buckets)
def test_buckets_change_the_order_only(lengths: np.ndarray, size: int, batches: int, bucket: int) -> None:
    # Whatever the length of the run, it has the examples that the plain order has, each as often.
    plain = BatchOrder(lengths, size, batches, (0,))
    sorted_ = BatchOrder(lengths, size, batches, (0,), bucket=bucket)
    assert all(len(sorted_.batch_indices(number)) == size for number in range(batches))
    seen, expected, pool = stream(sorted_), stream(plain), sorted_.bucket * size
    assert Counter(seen) == Counter(expected)
    # So it is pool by pool: no example moves further than a pool.
    for start in range(0, batches * size, pool):
        assert sorted(seen[start : start + pool]) == sorted(expected[start : start + pool])


@given(lengths=lengths, size=sizes, batches=runs, bucket=buckets)
def test_batches_of_a_pool_are_neighbours_in_length(lengths: np.ndarray, size: int, batches: int, bucket: int) -> None:
    order = BatchOrder(lengths, size, batches, (0,), bucket=bucket)
    for first in range(0, batches, order.bucket):
        pool = [lengths[order.batch_indices(number)] for number in range(first, min(first + order.bucket, batches))]
        spans = sorted((batch.min(), batch.max()) for batch in pool)
        assert all(longest <= shortest for (_, longest), (shortest, _) in itertools.pairwise(spans))


@given(lengths=lengths, size=sizes, batches=runs, bucket=buckets, data=st.data())
def test_a_batch_needs_none_before_it(
    lengths: np.ndarray, size: int, batches: int, bucket: int, data: st.DataObject
) -> None:
    whole = BatchOrder(lengths, size, batches, (0,), bucket=bucket)
    for number in range(batches):
        whole.batch_indices(number)
    number = data.draw(st.integers(0, batches - 1))
    assert BatchOrder(lengths, size, batches, (0,), bucket=bucket).batch_indices(number) == whole.batch_indices(number)


def test_batches_of_a_pool_come_in_random_order() -> None:
    # Sorted batches in ascending order would be a curriculum. Sixteen batches are in order once in 16! times.
    order = BatchOrder(np.arange(64), 4, 16, (0,), bucket=16)
    shortest = [min(order.batch_indices(number)) for number in range(16)]
    assert sorted(shortest) == list(range(0, 64, 4)) != shortest


def test_a_pool_is_never_longer_than_an_epoch() -> None:
    # Else the copies of an example, as long as itself, would meet in one batch.
    order = BatchOrder(np.arange(10), 2, 50, (0,), bucket=1000)
    assert order.bucket == 5
    assert all(len(set(order.batch_indices(number))) == 2 for number in range(50))


def test_only_the_runs_own_batches_can_be_had() -> None:
    with pytest.raises(IndexError, match="there is no batch 3: this run has 3 batches"):
        BatchOrder(np.ones(4), 2, 3, (0,)).batch_indices(3)
    with pytest.raises(ValueError, match="there is no example"):
        BatchOrder(np.ones(0), 2, 3, (0,))


@given(steps=st.integers(TENTHS, 5000))
def test_tenths_cover_the_schedule(steps: int) -> None:
    ends = [end_of_tenth(tenth, steps) for tenth in range(TENTHS + 1)]
    assert ends[0] == 0 and ends[-1] == steps and all(a < b for a, b in itertools.pairwise(ends))


@given(steps=st.integers(10, 2000), warmup=st.floats(0.0, 0.5))
def test_the_rate_rises_to_its_peak_and_falls_to_nothing(steps: int, warmup: float) -> None:
    factors = [rate_factor(step, steps, warmup) for step in range(steps)]
    peak = factors.index(max(factors))
    assert max(factors) == pytest.approx(1.0) and min(factors) > 0
    assert all(a <= b for a, b in itertools.pairwise(factors[: peak + 1]))
    assert all(a > b for a, b in itertools.pairwise(factors[peak + 1 :]))


def test_warm_up_counts_steps_where_the_recipe_says_so() -> None:
    assert [rate_factor(step, 8, 0.5, 4) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert [rate_factor(step, 4, 0.5, 0) for step in range(4)] == [1.0, 1.0, 2 / 3, 1 / 3]  # none: it only falls
    # XTREME's 500 steps for TyDiQA are more than its 346: the rate rises to the end.
    assert rate_factor(345, 346, 0.1, 500) == 346 / 500


def test_epochs_become_steps() -> None:
    assert compute_total_steps(Recipe(epochs=2, batch_size=32), 1000) == 63
    assert compute_total_steps(Recipe(epochs=1, batch_size=32), 10) == TENTHS
    assert compute_total_steps(Recipe(steps=400), 10) == 400
