"""The error from the test items: by hand, against a bootstrap, and together with the error from the seeds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.draws import draw_means
from analysis.statistics.item_errors import (
    ItemParts,
    compute_influences,
    compute_ratios,
    estimate_covariance,
    seed_covariance,
    sum_by_cluster,
    total_covariance,
)
from analysis.statistics.moments import Array

ALL = np.ones((1, 1), dtype=bool)


def make_parts(
    numerator: object, denominator: object = 1.0, bounds: object = None, clusters: object = None
) -> ItemParts:
    """[chains, seeds, rows]; one language unless `bounds` says otherwise, and every row a cluster of its own."""
    above = np.asarray(numerator, dtype=np.float64)
    rows = above.shape[-1]
    return ItemParts(
        above,
        np.broadcast_to(np.asarray(denominator, dtype=np.float64), above.shape).copy(),
        (0, rows) if bounds is None else tuple(bounds),  # type: ignore[arg-type]
        np.arange(rows) if clusters is None else np.asarray(clusters),
    )


def gains_of(parts: ItemParts, languages: int = 1) -> Array:
    chains, seeds, _ = parts.numerator.shape
    influences, weights = compute_influences(parts), np.full((chains - 1, seeds, languages), 1 / languages)
    return sum_by_cluster(parts, influences[1:] - influences[:1], weights)


@pytest.mark.parametrize(
    ("items", "accuracy", "points"), [(5010, 0.8, 0.57), (2000, 0.87, 0.75), (1000, 0.6, 1.55), (500, 0.8, 1.79)]
)
def test_accuracy_has_the_binomial_error(items: int, accuracy: float, points: float) -> None:
    right = np.arange(items) < round(items * accuracy)
    influences = compute_influences(make_parts(right[None, None]))
    error = 100 * math.sqrt(total_covariance(influences, ALL)[0, 0])
    assert error == pytest.approx(100 * math.sqrt(accuracy * (1 - accuracy) / items), rel=1e-9)
    assert error == pytest.approx(points, abs=0.005)


def test_a_ratio_by_hand() -> None:
    # F1 of three sentences: (2 + 0 + 4) / (4 + 2 + 4) = 0.6; each moves it by (numerator - 0.6 denominator) / 10.
    parts = make_parts([[[2, 0, 4]]], [[[4, 2, 4]]])
    assert compute_ratios(parts).tolist() == [[[0.6]]]
    assert compute_influences(parts)[0, 0].tolist() == pytest.approx([-0.04, -0.12, 0.16])
    assert total_covariance(compute_influences(parts), ALL)[0, 0] == pytest.approx(0.0016 + 0.0144 + 0.0256)


def test_what_has_no_chunk_scores_nothing_and_moves_nothing() -> None:
    parts = make_parts([[[0.0, 0.0]]], 0.0)
    assert compute_ratios(parts).tolist() == [[[0.0]]] and compute_influences(parts).tolist() == [[[0.0, 0.0]]]


def test_a_gain_is_paired_by_item() -> None:
    # Two chains that are right on the same items: however many items there are, other ones change nothing.
    same = [[[1, 0, 1, 1]], [[1, 0, 1, 1]]]
    assert total_covariance(gains_of(make_parts(same)), ALL).tolist() == [[0.0]]
    # One item of four goes from wrong to right: gain 1/4, variance p (1 - p) / n of a share of 1/4.
    one = [[[1, 0, 1, 1]], [[1, 1, 1, 1]]]
    assert total_covariance(gains_of(make_parts(one)), ALL)[0, 0] == pytest.approx(0.25 * 0.75 / 4)


def test_translations_of_one_item_move_together() -> None:
    numerator = [[[0, 0, 0, 0] * 2], [[1, 0, 1, 1] * 2]]
    separate = make_parts(numerator, bounds=(0, 4, 8))
    parallel = make_parts(numerator, bounds=(0, 4, 8), clusters=[0, 1, 2, 3] * 2)
    single = total_covariance(gains_of(make_parts([[[0] * 4], [[1, 0, 1, 1]]])), ALL)[0, 0]
    assert total_covariance(gains_of(separate, 2), ALL)[0, 0] == pytest.approx(single / 2)  # twice as many items
    assert total_covariance(gains_of(parallel, 2), ALL)[0, 0] == pytest.approx(single)  # no more than in one language


def test_languages_may_hold_different_items() -> None:
    # Item 0 is in both languages, 1 and 2 in one each (as in MLQA).
    parts = make_parts([[[0, 0, 0, 0]], [[1, 0, 0, 1]]], bounds=(0, 2, 4), clusters=[0, 1, 0, 2])
    # Either language has a gain of 1/2; its rows move it by (1 - 1/2) / 2 and (0 - 1/2) / 2, and the mean by half that.
    assert gains_of(parts, 2)[0, 0].tolist() == pytest.approx([0.125 - 0.125, -0.125, 0.125])


def test_hypotheses_of_one_premise_move_together() -> None:
    # One language, five items: two premises with two hypotheses each, and one with one; rows of a premise lie apart.
    parts = make_parts([[[0] * 5], [[1, 1, 0, 1, 0]]], clusters=[0, 1, 2, 0, 1])
    # The gain is 3/5: a right item moves it by (1 - 3/5) / 5 = 0.08, a wrong one by -0.12. Kept once, cluster 0 would
    # have 0.08 instead of 2 * 0.08, and cluster 1 -0.12 instead of 0.08 - 0.12.
    sums = gains_of(parts)
    assert sums[0, 0].tolist() == pytest.approx([0.16, -0.04, -0.12])
    squares = 0.16**2 + 0.04**2 + 0.12**2
    assert total_covariance(sums, ALL)[0, 0] == pytest.approx(squares)
    assert estimate_covariance(sums, ALL)[0, 0] == pytest.approx(3 / 2 * squares)


def test_premises_are_joined_over_languages() -> None:
    # Cluster 0 holds two rows of the first language and one of the second. Gains are 1/2 and 0.
    parts = make_parts([[[0] * 6], [[1, 1, 0, 0, 0, 0]]], bounds=(0, 4, 6), clusters=[0, 0, 1, 1, 0, 2])
    assert gains_of(parts, 2)[0, 0].tolist() == pytest.approx([2 * 0.125 / 2, -2 * 0.125 / 2, 0.0])


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_equal_items_of_a_cluster_multiply_the_variance_by_their_number(seed: int, size: int) -> None:
    """`size` copies of each item change no score: as independent items they would divide the variance by `size`."""
    rng = np.random.default_rng(seed)
    items = 12
    right = (rng.random((3, 2, items)) < 0.6).astype(float)
    seed_mask = np.ones((2, 2), dtype=bool)
    single = estimate_covariance(gains_of(make_parts(right)), seed_mask)
    order = rng.permutation(items * size)
    copies = np.repeat(right, size, axis=-1)[..., order]
    together = gains_of(make_parts(copies, clusters=np.repeat(np.arange(items), size)[order]))
    assert estimate_covariance(together, seed_mask) == pytest.approx(single, abs=1e-12)
    apart = total_covariance(gains_of(make_parts(copies)), seed_mask)
    assert total_covariance(together, seed_mask) == pytest.approx(size * apart, abs=1e-12)


def test_one_cluster_has_no_spread() -> None:
    together = gains_of(make_parts([[[0, 0]], [[1, 0]]], clusters=[0, 0]))
    assert together.shape[-1] == 1
    with pytest.raises(ValueError, match="at least 2"):
        estimate_covariance(together, ALL)
    assert estimate_covariance(np.zeros((1, 1, 0)), ALL).tolist() == [[0.0]]  # a column without items


@pytest.mark.parametrize("size", [1, 3])
def test_the_variance_is_right_on_average_with_few_clusters(size: int) -> None:
    """Over all samples of 3 clusters of one size the mean estimate is the variance of the mean, exactly."""
    population = np.arange(4.0) ** 2
    samples = np.stack(np.meshgrid(*[population] * 3)).reshape(3, -1).T  # with replacement
    estimates = [
        estimate_covariance(
            compute_cluster_sums(make_parts(np.repeat(sample, size)[None, None], clusters=np.repeat([0, 1, 2], size))),
            ALL,
        )[0, 0]
        for sample in samples
    ]
    assert np.mean(estimates) == pytest.approx(population.var() / 3)


def compute_cluster_sums(parts: ItemParts) -> Array:
    return sum_by_cluster(parts, compute_influences(parts), np.ones((1, 1, 1)))


def test_a_language_that_does_not_count_moves_nothing() -> None:
    numerator = np.array([[[0.0, 0, 0, 0]], [[1, 0, np.nan, np.nan]]])
    parts = make_parts(numerator, np.where(np.isnan(numerator), np.nan, 1), bounds=(0, 2, 4))
    assert np.isnan(compute_ratios(parts)[1, 0, 1])
    influences = compute_influences(parts)[1:]
    # Items 2 and 3 are in the other language only: they are not among those that are drawn.
    assert sum_by_cluster(parts, influences, np.array([[[1.0, 0.0]]]))[0, 0].tolist() == [0.25, -0.25]


@given(st.integers(0, 2**32 - 1))
def test_influences_cancel_within_a_language(seed: int) -> None:
    rng = np.random.default_rng(seed)
    below = rng.integers(0, 5, (2, 2, 9)).astype(float)
    parts = make_parts(below * rng.random((2, 2, 9)), below, bounds=(0, 4, 9))
    influences = compute_influences(parts)
    assert np.allclose(influences[..., :4].sum(axis=-1), 0) and np.allclose(influences[..., 4:].sum(axis=-1), 0)


def test_it_is_the_variance_of_a_bootstrap_over_items() -> None:
    """Items are drawn with replacement, once for both languages and all chains; the gains' covariance is compared."""
    rng = np.random.default_rng(1)
    items, count = 400, 20_000
    below = rng.integers(1, 6, (1, 1, items))  # chunks of a sentence: of all chains and languages alike
    skill = rng.normal(size=items)

    def drawn_right(level: float) -> Array:
        chance = 1 / (1 + np.exp(-(skill + level)))
        return np.stack([rng.binomial(below[0, 0], chance) for _ in range(2)])  # languages x items

    levels = (0.0, 0.4, 0.8)
    right = np.stack([drawn_right(level) for level in levels])  # chains x languages x items
    parts = make_parts(
        right.reshape(3, 1, -1), np.tile(below, 2), bounds=(0, items, 2 * items), clusters=np.tile(np.arange(items), 2)
    )
    expected = total_covariance(gains_of(parts, 2), np.ones((2, 1), dtype=bool))

    times = rng.multinomial(items, np.full(items, 1 / items), count)
    scores = (times @ right.reshape(-1, items).T).reshape(count, 3, 2) / (times @ below[0, 0])[:, None, None]
    gains = scores[:, 1:] - scores[:, :1]
    bootstrap = np.cov(gains.mean(axis=2).T)
    assert expected == pytest.approx(bootstrap, rel=0.05)


def test_the_part_of_each_seed_is_told_from_the_shared_one() -> None:
    # An item that moves all seeds alike, and one that moves two seeds against each other.
    influences = np.array([[[0.3, -0.3, 0.2, -0.2], [0.3, -0.3, -0.2, 0.2]]])
    seed_mask = np.ones((1, 2), dtype=bool)
    assert total_covariance(influences, seed_mask)[0, 0] == pytest.approx(2 * 0.09)  # the second cancels in the mean
    # Its variance at one seed is 2 * 0.04 * 2 (with n - 1), of the mean of two half of that.
    assert seed_covariance(influences, seed_mask)[0, 0] == pytest.approx(2 * 0.04)
    assert estimate_covariance(influences, seed_mask)[0, 0] == pytest.approx(4 / 3 * (2 * 0.09 - 2 * 0.04))


def test_a_seed_that_is_not_there_is_in_no_mean() -> None:
    rng = np.random.default_rng(2)
    influences = rng.normal(size=(2, 3, 50))
    seed_mask = np.array([[True, True, False], [True, True, True]])
    holes = np.where(seed_mask[:, :, None], influences, np.nan)
    assert estimate_covariance(holes, seed_mask)[0, 0] == pytest.approx(
        estimate_covariance(influences[:1, :2], ALL.repeat(2, axis=1))[0, 0]
    )
    single = np.array([[True, False, False], [False, True, False]])  # no seed in common, and one each
    assert estimate_covariance(influences, single) == pytest.approx(50 / 49 * total_covariance(influences, single))


def simulated(
    rng: np.random.Generator, *, worlds: int, seeds: int, items: int, seed_sd: float, item_sd: float, own_sd: float
) -> tuple[Array, Array, Array]:
    """Worlds whose true gain is 0: the gains [worlds, seeds], and the estimated and total item variance of their mean.

    A gain at a seed and an item is the sum of an effect of the seed, one of the item, and one of both.
    """
    gains = np.empty((worlds, seeds))
    estimated, total = np.empty(worlds), np.empty(worlds)
    seed_mask = np.ones((1, seeds), dtype=bool)
    for world in range(worlds):
        effects = rng.normal(0, item_sd, items) + rng.normal(0, own_sd, (seeds, items))
        gain = rng.normal(0, seed_sd, (seeds, 1)) + effects
        gains[world] = gain.mean(axis=1)
        influences = (gain - gain.mean(axis=1, keepdims=True))[None] / items
        estimated[world] = estimate_covariance(influences, seed_mask)[0, 0]
        total[world] = total_covariance(influences, seed_mask)[0, 0]
    return gains, estimated, total


def test_more_seeds_do_not_shrink_the_error_of_the_items() -> None:
    rng = np.random.default_rng(3)
    items, item_sd = 200, 0.5
    errors = {}
    for seeds in (3, 30):
        gains, variances, _ = simulated(
            rng, worlds=800, seeds=seeds, items=items, seed_sd=0.03, item_sd=item_sd, own_sd=0.5
        )
        errors[seeds] = variances.mean()
        # The means vary by the variance over seeds plus the variance over items.
        expected = gains.var(axis=1, ddof=1).mean() / seeds + variances.mean()
        assert gains.mean(axis=1).var() == pytest.approx(expected, rel=0.12)
    assert errors[3] == pytest.approx(item_sd**2 / items, rel=0.05)
    assert errors[30] == pytest.approx(errors[3], rel=0.05)


def test_intervals_over_seeds_alone_miss_other_items_and_those_with_items_hold() -> None:
    rng = np.random.default_rng(4)
    worlds, items = 400, 200
    gains, estimated, total = simulated(rng, worlds=worlds, seeds=3, items=items, seed_sd=0.02, item_sd=0.6, own_sd=0.4)

    def coverage(variances: Array | None) -> float:
        covariance = None if variances is None else variances[:, None, None]
        low, high = np.quantile(draw_means(gains[:, None], rng, 4_000, covariance)[..., 0], [0.025, 0.975], axis=0)
        return float(((low <= 0) & (high >= 0)).mean())

    assert coverage(None) < 0.9  # they do not cover other items
    assert 0.92 <= coverage(estimated) <= 0.985
    assert coverage(total) >= coverage(estimated)
