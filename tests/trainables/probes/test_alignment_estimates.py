"""Estimators of alignment between vectors, against cases by hand, brute force and their invariances."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.probes.alignment import measure_layer
from trainables.probes.tag_transfer import fit_probe, score_probe
from trainables.probes.vector_similarity import (
    build_gram,
    cosine_gap,
    permuted_cka,
    random_cosine,
    unbiased_cka,
    unbiased_hsic,
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cka(one: torch.Tensor, other: torch.Tensor) -> float:
    value = unbiased_cka(build_gram(one), build_gram(other))
    assert value is not None
    return value


def test_the_unbiased_criterion_is_the_mean_over_all_quadruples() -> None:
    """Song et al. (2012) define it as a U-statistic over all ordered quadruples of different rows."""
    one, other = normal(6, 3), normal(6, 2, seed=1)
    k, m = one @ one.T, other @ other.T  # neither centred nor without a diagonal
    kernel = [k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q]) for i, j, q, r in itertools.permutations(range(6), 4)]
    expected = float(torch.stack(kernel).mean())
    assert float(unbiased_hsic(build_gram(one), build_gram(other))) == pytest.approx(expected, abs=1e-12)


def test_cka_is_1_for_what_only_turns_stretches_and_moves() -> None:
    vectors = normal(30, 5)
    turned = torch.linalg.qr(normal(5, 5, seed=1)).Q
    assert cka(vectors, 3 * vectors @ turned + 7) == pytest.approx(1)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 10), shift=st.floats(-10, 10))
def test_cka_and_cosine_gap_do_not_see_turns_sizes_and_moves(seed: int, scale: float, shift: float) -> None:
    one, other = normal(12, 4, seed=seed), normal(12, 4, seed=seed + 1)
    turned = torch.linalg.qr(normal(4, 4, seed=seed + 2)).Q
    moved = scale * other @ turned + shift
    assert cka(one, moved) == pytest.approx(cka(one, other), abs=1e-9)
    assert cosine_gap(one @ turned, moved) == pytest.approx(cosine_gap(one, other), abs=1e-9)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(12))
    assert cka(one[order], other[order]) == pytest.approx(cka(one, other), abs=1e-9)


def test_cka_of_rows_that_have_nothing_in_common_is_0_in_the_mean_where_the_plain_one_is_not() -> None:
    unbiased, plain = [], []
    for seed in range(200):
        one, other = normal(20, 40, seed=2 * seed), normal(20, 40, seed=2 * seed + 1)
        unbiased.append(cka(one, other))
        x, y = one - one.mean(0), other - other.mean(0)
        plain.append(float((y.T @ x).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())))
    error = np.std(unbiased) / math.sqrt(len(unbiased))
    assert abs(np.mean(unbiased)) < 4 * error < 0.05
    assert np.mean(plain) > 0.5


def test_the_zero_beside_cka_is_its_mean_over_shuffles() -> None:
    one, other = build_gram(normal(40, 6)), build_gram(normal(40, 6) + 0.1 * normal(40, 6, seed=1))
    aligned, zero = unbiased_cka(one, other), permuted_cka(one, other)
    assert aligned is not None and zero is not None and aligned > 0.9 and abs(zero) < 0.1
    generator = torch.Generator().manual_seed(0)
    shuffles = [torch.randperm(40, generator=generator) for _ in range(5)]
    values = [unbiased_cka(one, other[order][:, order]) for order in shuffles]
    assert zero == pytest.approx(np.mean(values))  # type: ignore[arg-type]


def test_cka_of_what_does_not_vary_is_none() -> None:
    same = build_gram(torch.ones(10, 3))
    other = build_gram(normal(10, 3))
    assert unbiased_cka(same, other) is None and permuted_cka(same, other) is None


def test_cosines_worked_by_hand() -> None:
    one = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    other = torch.tensor([[1.0, 0.0], [0.0, 5.0]])
    assert random_cosine(one, other) == pytest.approx(0)  # (1, 0) with (0, 5), (0, 1) with (1, 0)
    assert random_cosine(one + 100, other + 100) > 0.99
    # Centred, (1, -1/2) belongs to (1/2, -5/2), and the other two rows are their opposites.
    expected = 2 * (1 * 0.5 + 0.5 * 2.5) / math.sqrt(1.25 * 6.5)
    assert cosine_gap(one, other) == pytest.approx(expected)
    assert cosine_gap(one + 100, other - 3) == pytest.approx(expected)


def test_retrieval_by_cosine_and_by_margin_by_brute_force() -> None:
    foreign = normal(9, 3, seed=2).float()
    hub = torch.tensor([1.0, 0, 0])  # a direction that all sentences have in common
    english = (foreign + 0.5 * normal(9, 3, seed=1).float()) + hub
    probes = measure_layer(foreign, english)

    def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
        return float(torch.nn.functional.cosine_similarity(a, b, dim=0))

    def neighbourhood(vector: torch.Tensor, others: torch.Tensor) -> float:
        return sum(sorted((cosine(vector, other) for other in others), reverse=True)[:4]) / 4

    margins: list[int] = []
    for direction, queries, candidates in (("forward", foreign, english), ("backward", english, foreign)):
        hits = {"retrieval": 0, "margin": 0}
        for i, query in enumerate(queries):
            cosines = [cosine(query, candidate) for candidate in candidates]
            nearest = sorted(range(9), key=lambda j: -cosines[j])[:4]
            mean = neighbourhood(query, candidates)
            ratio = {j: cosines[j] / ((mean + neighbourhood(candidates[j], queries)) / 2) for j in nearest}
            hits["retrieval"] += nearest[0] == i
            hits["margin"] += max(ratio, key=lambda j: ratio[j]) == i
        for name, count in hits.items():
            assert probes[f"{name}_{direction}"] == pytest.approx(count / 9), (name, direction)
        margins.append(hits["margin"])
        assert hits["margin"] != hits["retrieval"]
    assert margins[0] != margins[1]  # so that directions cannot be mixed up
    assert probes["retrieval_chance"] == pytest.approx(1 / 9)


def test_ridge_by_its_own_equations() -> None:
    states, tags = normal(40, 3), torch.arange(40) % 3
    probe = fit_probe(states.float(), tags, 4)
    inputs = torch.cat([states.float().double(), torch.ones(40, 1)], dim=1)
    centred = inputs[:, :3] - inputs[:, :3].mean(0)
    penalty = 0.01 * (centred**2).sum() / 3
    one_hot = torch.nn.functional.one_hot(tags, 4).double()
    pull = penalty * torch.tensor([1.0, 1, 1, 0], dtype=torch.float64)[:, None] * probe
    assert torch.allclose(inputs.T @ (inputs @ probe - one_hot) + pull, torch.zeros(4, 4).double(), atol=1e-9)


def test_the_probe_reads_what_it_was_fitted_on_and_nothing_from_other_directions() -> None:
    tags = torch.arange(60) % 2
    english = torch.stack([tags.double() * 4 - 2, torch.zeros(60)], dim=1) + 0.1 * normal(60, 2)
    probe = fit_probe(english, tags, 2)
    assert score_probe(probe, english, tags) == 1
    assert score_probe(probe, english.flip(1), tags) < 0.8  # the tag is in another direction
    assert score_probe(probe, -english, tags) == 0
