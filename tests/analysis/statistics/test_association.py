"""The permutation test of an association across units that groups share."""

import itertools

import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis.statistics.association import Association, measure_association

RNG = np.random.default_rng


def test_one_group_is_spearman_with_its_exact_permutation_test() -> None:
    x, y = np.array([3.0, 1, 4, 1.5, 5]), np.array([2.0, 7, 1, 8, 3])
    result = measure_association(x[None], y[None], RNG(0))
    assert result.correlation == pytest.approx(spearmanr(x, y).statistic)
    every = [spearmanr(x[list(order)], y).statistic for order in itertools.permutations(range(5))]
    assert result.p == pytest.approx(np.mean(np.abs(every) >= abs(spearmanr(x, y).statistic) - 1e-9))
    assert (result.groups, result.units, result.min_p) == (1, 5, pytest.approx(2 / 120))


def test_the_mean_of_groups_with_holes_by_brute_force() -> None:
    draw = RNG(1)
    x, y = draw.normal(size=(3, 5)), draw.normal(size=(3, 5))
    y[1, 2] = y[2, 0] = np.nan

    def mean(order: tuple[int, ...]) -> float:
        rows = zip(x[:, list(order)], y, strict=True)
        return float(np.mean([spearmanr(a[np.isfinite(b)], b[np.isfinite(b)]).statistic for a, b in rows]))

    observed = mean((0, 1, 2, 3, 4))
    result = measure_association(x, y, RNG(0))
    assert result.correlation == pytest.approx(observed)
    every = [abs(mean(order)) >= abs(observed) - 1e-9 for order in itertools.permutations(range(5))]
    assert result.p == pytest.approx(np.mean(every))


def test_a_sample_of_orders_is_near_all_of_them_and_ranks_alone_count() -> None:
    draw = RNG(2)
    x, y = draw.normal(size=(2, 8)), draw.normal(size=(2, 8))
    exact = measure_association(x, y, RNG(0))
    again = measure_association(np.exp(x), y**3, RNG(0))
    assert (again.correlation, again.p) == (pytest.approx(exact.correlation), exact.p)
    wider = measure_association(np.c_[x, x[:, :4] + 9], np.c_[y, y[:, :4]], RNG(0))
    other = measure_association(np.c_[x, x[:, :4] + 9], np.c_[y, y[:, :4]], RNG(5))
    assert wider.units == 12 and wider.p is not None and other.p is not None
    assert wider.p == pytest.approx(other.p, abs=0.03)


def test_what_cannot_tell_is_none_and_a_unit_without_a_rise_is_out() -> None:
    assert measure_association(np.ones((1, 5)), np.arange(5.0)[None], RNG(0)).correlation is None
    assert measure_association(np.arange(5.0)[None], np.ones((1, 5)), RNG(0)).p is None
    assert measure_association(np.arange(2.0)[None], np.arange(2.0)[None], RNG(0)).correlation is None
    x = np.array([[1.0, 2, 3, 9], [1.0, 2, 3, np.nan]])
    result = measure_association(x, np.array([[1.0, 2, 3, 0], [1.0, 2, 3, 0]]), RNG(0))
    assert (result.correlation, result.units) == (pytest.approx(1), 3)


def test_without_units_nothing_is_told() -> None:
    nobody = measure_association(np.full((2, 3), np.nan), np.ones((2, 3)), np.random.default_rng(0))
    assert nobody == Association(None, None, groups=0, units=0, min_p=1.0)


def test_few_units_cannot_give_a_small_p() -> None:
    result = measure_association(np.arange(4.0)[None], np.arange(4.0)[None], RNG(0))
    assert result.correlation == pytest.approx(1) and result.p == pytest.approx(result.min_p) == pytest.approx(2 / 24)


def worlds(count: int, shared: float, units: int = 5, groups: int = 4) -> float:
    """The share of null worlds with p < .05, in which groups share what units are worth."""
    draw = RNG(0)
    findings = 0
    for _ in range(count):
        x = np.tile(draw.normal(size=units), (groups, 1))
        y = shared * draw.normal(size=units) + draw.normal(size=(groups, units))
        p = measure_association(x, y, draw).p
        findings += p is not None and p < 0.05
    return findings / count


@pytest.mark.parametrize("shared", [0.0, 3.0])
def test_nothing_is_found_where_nothing_is_more_often_than_stated(shared: float) -> None:
    assert worlds(200, shared) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_what_is_planted_is_found() -> None:
    draw = RNG(3)
    x = draw.normal(size=7)
    result = measure_association(np.tile(x, (3, 1)), x + 0.3 * draw.normal(size=(3, 7)), draw)
    assert result.correlation is not None and result.correlation > 0.6 and result.p is not None and result.p < 0.01
