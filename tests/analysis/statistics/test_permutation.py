"""Rank correlations within columns and the test that permutes candidates."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis.statistics.permutation import RankCorrelations, correlate_ranks


def related(predicted: np.ndarray, observed: np.ndarray, count: int = 10_000) -> RankCorrelations:
    return correlate_ranks(predicted, observed, np.random.default_rng(0), count)


def one_seed(rows: list[list[float]]) -> np.ndarray:
    """Candidates x columns, as candidates x columns x 1."""
    return np.array(rows, dtype=np.float64)[:, :, None]


def test_by_hand() -> None:
    observed = one_seed([[1, 3], [2, 2], [3, 1]])
    predicted = one_seed([[10, 10], [20, 20], [30, 30]])
    ranks = related(predicted, observed)
    assert ranks.correlations.ravel() == pytest.approx([1, -1])
    assert ranks.mean_by_seed() == pytest.approx([0])
    assert ranks.contrast(0) == pytest.approx([2])
    assert ranks.is_exact and len(ranks.permuted_means) == 6
    assert ranks.p_value() == 1  # 0 is as near to 0 as can be
    # The identity and its mirror set the columns 2 apart, the others 1 or less.
    assert ranks.contrast_p_value(0) == pytest.approx(2 / 6)


def test_every_relabelling_by_brute_force() -> None:
    rng = np.random.default_rng(1)
    predicted, observed = rng.normal(size=(2, 5, 3, 2))
    ranks = related(predicted, observed)
    by_hand = [
        [
            np.mean([spearmanr(predicted[list(order), t, seed], observed[:, t, seed])[0] for seed in range(2)])
            for t in range(3)
        ]
        for order in permutations(range(5))
    ]
    assert ranks.permuted_means == pytest.approx(np.array(by_hand))
    means = np.abs(np.mean(by_hand, axis=1))
    assert ranks.p_value() == pytest.approx((means >= means[0] - 1e-9).mean())
    contrasts = np.array(by_hand)[:, 1] - np.array(by_hand)[:, [0, 2]].mean(axis=1)
    assert ranks.contrast_p_value(1) == pytest.approx((np.abs(contrasts) >= abs(contrasts[0]) - 1e-9).mean())
    assert ranks.contrast_null_interval(1) == pytest.approx(np.quantile(contrasts, [0.025, 0.975]))


def test_strata_exchange_no_places() -> None:
    rng = np.random.default_rng(3)
    predicted, observed = rng.normal(size=(2, 5, 3, 2))
    observed[:3] += 9  # what differs between strata
    predicted[:3] += 9
    ranks = correlate_ranks(predicted, observed, rng, strata=["a", "a", "a", "b", "b"])
    by_hand = [
        np.mean([spearmanr(predicted[list(order), t, s], observed[:, t, s])[0] for t in range(3) for s in range(2)])
        for order in permutations(range(5))
        if set(order[:3]) == {0, 1, 2}
    ]
    assert np.sort(ranks.permuted_means.mean(axis=1)) == pytest.approx(np.sort(by_hand)) and len(by_hand) == 12
    distances = np.abs(np.array(by_hand) - np.mean(by_hand))
    assert ranks.p_value() == pytest.approx((distances >= distances[0] - 1e-9).mean())
    assert related(predicted, observed).p_value() < 0.2 <= ranks.p_value()


def test_drawn_relabellings_are_near_all_of_them() -> None:
    rng = np.random.default_rng(2)
    predicted, observed = rng.normal(size=(2, 6, 4, 1))
    every, drawn = related(predicted, observed), related(predicted, observed, 500)
    assert (every.is_exact, drawn.is_exact) == (True, False)
    assert len(drawn.permuted_means) == 501 and drawn.permuted_means[0] == pytest.approx(every.permuted_means[0])
    assert drawn.p_value() == pytest.approx(every.p_value(), abs=0.1)


def test_candidates_take_the_place_of_those_with_the_same_cells_only() -> None:
    """Three candidates have the first column, three others the second: 3! x 3! relabellings, not 6!."""
    predicted = np.full((6, 2, 1), np.nan)
    predicted[:3, 0, 0], predicted[3:, 1, 0] = (1, 2, 3), (1, 2, 3)
    observed = np.arange(12.0).reshape(6, 2, 1)
    ranks = related(predicted, observed)
    assert len(ranks.permuted_means) == 36
    assert ranks.mean_by_seed() == pytest.approx([1])
    assert ranks.p_value() == pytest.approx(2 / 36)


def test_holes_and_what_is_all_equal() -> None:
    observed = one_seed([[1, 1, 4, 9], [2, 2, 5, 9], [3, np.nan, 6, 9], [4, np.nan, np.nan, 9]])
    predicted = one_seed([[1, 1, 7, 1], [2, 2, 7, 2], [3, 3, 7, 3], [4, 4, 7, 4]])
    ranks = related(predicted, observed)
    assert ranks.correlations[0] == pytest.approx(1)
    assert np.isnan(ranks.correlations[1:]).all()  # two candidates; a predictor that is constant; scores that are
    assert ranks.column_mask.tolist() == [True, False, False, False]
    assert np.isnan(ranks.contrast(0)).all() and np.isnan(ranks.contrast_p_value(0))
    assert ranks.contrast_null_interval(0) is None
    nothing = related(np.full((3, 2, 1), np.nan), np.zeros((3, 2, 1)))
    assert np.isnan(nothing.mean_by_seed()).all() and np.isnan(nothing.p_value())


def test_a_seed_that_lacks_a_column_does_not_count() -> None:
    rng = np.random.default_rng(3)
    predicted, observed = rng.normal(size=(2, 4, 3, 2))
    observed[:, 2, 1] = np.nan
    ranks = related(predicted, observed)
    assert ranks.seed_mask.tolist() == [True, False]
    assert np.isfinite(ranks.mean_by_seed()).tolist() == [True, False]
    first = related(predicted[:, :, :1], observed[:, :, :1])
    assert ranks.mean_by_seed()[0] == pytest.approx(first.mean_by_seed()[0])


def test_a_hole_by_chance_moves_with_its_candidate_and_leaves_its_pair_out() -> None:
    rng = np.random.default_rng(5)
    predicted, observed = rng.normal(size=(2, 5, 2, 1))
    predicted[1, 0] = observed[1, 0] = observed[2, 1] = np.nan  # a run that failed, and a score that is missing
    ranks = correlate_ranks(predicted, observed, rng)
    assert len(ranks.permuted_means) == 120
    for order, drawn in zip(permutations(range(5)), ranks.permuted_means, strict=True):
        for column in range(2):
            pairs = np.stack([predicted[list(order), column, 0], observed[:, column, 0]])
            pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
            assert drawn[column] == pytest.approx(spearmanr(*pairs)[0])


def test_in_null_worlds_one_in_twenty_is_found() -> None:
    """What the columns of a candidate have in common makes no finding: candidates are the units."""
    rng = np.random.default_rng(4)
    findings, contrast_findings, cells = [], [], []
    for _ in range(400):
        predicted = rng.normal(size=(7, 1, 1)) + 0.3 * rng.normal(size=(7, 5, 1))
        gains = rng.normal(size=(7, 1, 1)) + 0.3 * rng.normal(size=(7, 5, 1))
        ranks = related(predicted, gains, 200)
        findings.append(ranks.p_value() < 0.05)
        contrast_findings.append(ranks.contrast_p_value(0) < 0.05)
        # As if every cell were a unit: what the test must not do.
        cells.append(spearmanr(predicted.ravel(), gains.ravel()).pvalue < 0.05)
    assert np.mean(findings) == pytest.approx(0.05, abs=0.03)
    assert np.mean(contrast_findings) == pytest.approx(0.05, abs=0.03)
    assert np.mean(cells) > 0.2
