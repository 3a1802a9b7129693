"""The error of a mean over new clusters: hand-worked cases, a second computation, and its coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics.cluster_errors import estimate_cluster_errors
from analysis.statistics.interval import t_quantile
from analysis.statistics.moments import Array, IntArray


def test_one_cell_a_cluster_is_the_error_of_a_plain_mean() -> None:
    values = np.array([3.0, 5.0, 10.0, 2.0])
    errors = estimate_cluster_errors(values[None], [0] * 4, range(4))
    assert errors.mean == pytest.approx([5.0])
    assert errors.variance == pytest.approx([values.var(ddof=1) / 4])
    assert errors.freedom == pytest.approx(3)


def test_clusters_of_one_size_count_as_one_value_each() -> None:
    values = np.array([1.0, 3.0, 7.0, 9.0, 4.0, 6.0])
    errors = estimate_cluster_errors(values[None], [0] * 6, [0, 0, 1, 1, 2, 2])
    assert errors.variance == pytest.approx([np.var([2.0, 8.0, 5.0], ddof=1) / 3])
    assert errors.freedom == pytest.approx(2)


def test_strata_are_fixed() -> None:
    """What moves all cells of a target alike is no error over languages."""
    values, strata, clusters = np.arange(6.0) ** 2, np.array([0, 0, 0, 1, 1, 1]), [0, 1, 2, 0, 1, 2]
    still = estimate_cluster_errors(values[None], strata, clusters)
    moved = estimate_cluster_errors((values + 100 * strata)[None], strata, clusters)
    assert moved.variance == pytest.approx(still.variance)
    assert moved.mean == pytest.approx(still.mean + 50)


def test_more_languages_of_the_same_families_do_not_narrow_what_families_share() -> None:
    values, clusters = np.array([[1.0, 4.0, 6.0]]), np.arange(3)
    few = estimate_cluster_errors(values, [0] * 3, clusters)
    many = estimate_cluster_errors(np.repeat(values, 5, axis=1), [0] * 15, np.repeat(clusters, 5))
    assert many.variance == pytest.approx(few.variance)
    assert many.freedom == pytest.approx(few.freedom)


def test_one_cluster_says_nothing_and_no_cell_is_refused() -> None:
    errors = estimate_cluster_errors([[1.0, 2.0]], [0, 0], [0, 0])
    assert errors.mean == pytest.approx([1.5]) and errors.cluster_count == 1
    assert np.isnan(errors.variance).all() and np.isnan(errors.freedom)
    with pytest.raises(ValueError, match="needs cells"):
        estimate_cluster_errors(np.zeros((1, 0)), [], [])


def compute_densely(y: Array, strata: IntArray, clusters: IntArray) -> tuple[float, float]:
    """The variance and the degrees of freedom from the matrices of Bell and McCaffrey."""
    sizes = np.bincount(strata)
    weights = 1 / ((sizes > 0).sum() * sizes[strata])
    centring = np.eye(y.size) - (strata[:, None] == strata) / sizes[strata]
    parts, scores = [], []
    for cluster in np.unique(clusters):
        members = clusters == cluster
        values, vectors = np.linalg.eigh(centring[np.ix_(members, members)])
        roots = np.where(values > 1e-8, 1 / np.sqrt(np.maximum(values, 1e-8)), 0)
        adjusted = weights[members] @ (vectors * roots) @ vectors.T
        parts.append(adjusted @ (centring @ y)[members])
        scores.append(adjusted @ centring[members])
    eigenvalues = np.linalg.eigvalsh(np.array(scores) @ np.array(scores).T)
    return float(np.square(parts).sum()), float(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(2, 6), st.integers(8, 30))
def test_it_agrees_with_the_matrices_of_the_source(seed: int, strata: int, clusters: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    stratum, cluster = rng.integers(0, strata, cells), rng.integers(0, clusters, cells)
    cluster[:2], stratum[:2] = (0, 1), 0  # at least one stratum with two clusters
    values = rng.normal(size=cells)
    errors = estimate_cluster_errors(values[None], stratum, cluster)
    variance, freedom = compute_densely(values, stratum, cluster)
    assert errors.variance == pytest.approx([variance])
    assert errors.freedom == pytest.approx(freedom)


@pytest.mark.parametrize("sizes", [(2, 2, 1), (4, 3, 3, 2, 2, 1, 1), (10, 1, 1, 1, 1)])
def test_intervals_cover_the_mean_of_new_families(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(sizes))
    clusters, rows = np.repeat(np.arange(len(sizes)), sizes), 3000
    values = rng.normal(size=(rows, len(sizes)))[:, clusters] + 0.5 * rng.normal(size=(rows, len(clusters)))
    errors = estimate_cluster_errors(values, 0 * clusters, clusters)
    covered = np.abs(errors.mean) <= t_quantile(errors.freedom) * np.sqrt(errors.variance)
    assert 0.90 < covered.mean() < 0.985
