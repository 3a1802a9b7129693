"""Neighbours, margins and mining: by hand, and against a plain numpy version that holds all cosines at once."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.retrieval import neighbours as module
from trainables.retrieval.mining import deduplicate, find_unique_positions, mine
from trainables.retrieval.neighbours import Neighbours, compute_margins, find_both_ways, find_neighbours
from trainables.scoring.metrics import MinedPair

CPU = torch.device("cpu")
EYE = torch.eye(4)


def unit(seed: int, rows: int, width: int = 6) -> torch.Tensor:
    vectors = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32) + 0.5
    return torch.nn.functional.normalize(torch.from_numpy(vectors), dim=-1)


def by_margin(queries: torch.Tensor, candidates: torch.Tensor) -> list[MinedPair]:
    forward, backward = find_both_ways(queries, candidates, CPU)
    return mine(forward, backward, compute_margins(forward, backward), compute_margins(backward, forward))


def test_the_nearest_by_cosine() -> None:
    neighbours = find_neighbours(EYE[[2, 0, 3]], EYE, 1, CPU)
    assert neighbours.indices.tolist() == [[2], [0], [3]] and neighbours.cosines.tolist() == [[1.0], [1.0], [1.0]]


@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_of_equal_cosines_the_lower_index_comes_first(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    neighbours = find_neighbours(EYE[:1], EYE[[1, 0, 2, 0, 0]], 4, CPU)
    assert neighbours.indices.tolist() == [[1, 3, 4, 0]] or neighbours.indices.tolist() == [[1, 3, 4, 2]]
    assert neighbours.cosines.tolist() == [[1.0, 1.0, 1.0, 0.0]]


@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 30),
    others=st.integers(1, 30),
    limit=st.integers(1, 6),
    block=st.integers(1, 40),
)
@settings(max_examples=60)
def test_blocks_find_what_the_whole_matrix_shows(seed: int, rows: int, others: int, limit: int, block: int) -> None:
    vectors, candidates = unit(seed, rows), unit(seed + 1, others)
    cosines = vectors.numpy() @ candidates.numpy().T
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :limit]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        neighbours = find_neighbours(vectors, candidates, limit, CPU)
    assert neighbours.indices.tolist() == order.tolist()
    np.testing.assert_allclose(neighbours.cosines, np.take_along_axis(cosines, order, axis=1), atol=1e-6)


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 30), others=st.integers(1, 30), block=st.integers(1, 40))
@settings(max_examples=60)
def test_one_product_serves_both_ways(seed: int, rows: int, others: int, block: int) -> None:
    vectors, candidates = unit(seed, rows), unit(seed + 1, others)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        found = find_both_ways(vectors, candidates, CPU)
        patch.setattr(module, "try_within_memory", lambda work, *, reraise: None)  # the candidates do not fit
        again = find_both_ways(vectors, candidates, CPU)
        alone = find_neighbours(vectors, candidates, 4, CPU), find_neighbours(candidates, vectors, 4, CPU)
    seen: dict[tuple[int, int], float] = {}
    for way, (neighbours, other, single) in enumerate(zip(found, again, alone, strict=True)):
        assert neighbours.indices.equal(other.indices) and neighbours.indices.equal(single.indices)
        torch.testing.assert_close(neighbours.cosines, single.cosines)
        for i, row in enumerate(neighbours.indices.tolist()):
            for j, cosine in zip(row, neighbours.cosines[i].tolist(), strict=True):
                assert seen.setdefault((i, j) if way == 0 else (j, i), cosine) == cosine, "equal from either side"


def test_the_margin_is_the_cosine_over_the_mean_of_both_neighbourhoods() -> None:
    # Two by two: both neighbourhoods hold both, so the margin of (0, 0) is 1 / ((.5 + .5) / 2).
    forward, backward = find_both_ways(EYE[:2], EYE[:2], CPU)
    assert compute_margins(forward, backward).tolist() == [[2.0, 0.0], [2.0, 0.0]]


def test_with_one_candidate_the_best_query_gets_it() -> None:
    queries = torch.nn.functional.normalize(torch.tensor([[1.0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]]))
    # Neighbourhoods: the queries' are the candidate alone (cosines r, 1, 0 with r = 1 / sqrt(2)), the candidate's are
    # all three queries: m = (r + 1) / 3. Margins: r / ((r + m) / 2) = 1.11 and 1 / ((1 + m) / 2) = 1.27.
    r = 2**-0.5
    m = (r + 1) / 3
    assert by_margin(queries, EYE[:1]) == [(1, 0, pytest.approx(2 / (1 + m)))]
    forward, backward = find_both_ways(queries, EYE[:1], CPU)
    assert compute_margins(forward, backward).flatten().tolist() == pytest.approx([2 * r / (r + m), 2 / (1 + m), 0.0])


def test_a_pair_of_score_0_uses_up_its_sentences_and_is_no_result() -> None:
    forward, backward = find_both_ways(EYE[:2], EYE[2:], CPU)  # all cosines are 0
    assert mine(forward, backward, forward.cosines, backward.cosines) == []
    # Both queries propose candidate 0; candidate 1 proposes query 1, with a score below 0 or above.
    scores, backward_scores = torch.tensor([[0.9, 0.5], [0.8, 0.7]]), torch.tensor([[0.9, 0.8], [-0.1, -0.2]])
    forward = Neighbours(scores, torch.tensor([[0, 1], [0, 1]]))
    backward = Neighbours(backward_scores, torch.tensor([[0, 1], [1, 0]]))
    assert mine(forward, backward, scores, backward_scores) == [(0, 0, pytest.approx(0.9))]
    mined = mine(forward, backward, scores, backward_scores + 1)
    assert mined == [(0, 0, pytest.approx(1.9)), (1, 1, pytest.approx(0.9))]


def test_equal_margins_are_taken_from_the_query_side_in_order() -> None:
    # All four cosines are 1, so that each side's best is index 0: (0, 0) comes first and leaves nothing for the rest.
    same = EYE[[0, 0]]
    assert by_margin(same, same) == [(0, 0, 1.0)]


def test_only_the_nearest_four_are_proposed() -> None:
    # Candidate 4 has the highest margin with the query by far, and is its fifth neighbour: it is proposed from its own
    # side alone, where the query is the only one. The query's own proposal has a lower margin and comes too late.
    scores, backward_scores = torch.tensor([[0.9, 0.8, 0.7, 0.6]]), torch.tensor([[0.9], [0.8], [0.7], [0.6], [2.0]])
    forward = Neighbours(scores, torch.tensor([[0, 1, 2, 3]]))
    backward = Neighbours(backward_scores, torch.zeros(5, 1, dtype=torch.int64))
    assert mine(forward, backward, scores, backward_scores) == [(0, 4, 2.0)]
    assert mine(forward, backward, scores, backward_scores / 10) == [(0, 0, pytest.approx(0.9))]


def whole_matrix(queries: np.ndarray, candidates: np.ndarray) -> list[MinedPair]:
    """The same in plain loops over all cosines."""
    cosines = queries @ candidates.T
    forward = [sorted(range(len(candidates)), key=lambda j: -cosines[i, j])[:4] for i in range(len(queries))]
    backward = [sorted(range(len(queries)), key=lambda i: -cosines[i, j])[:4] for j in range(len(candidates))]

    def margin(i: int, j: int) -> float:
        own, other = np.mean([cosines[i, k] for k in forward[i]]), np.mean([cosines[k, j] for k in backward[j]])
        return float(cosines[i, j] / ((own + other) / 2))

    pairs = [max(((margin(i, j), i, j) for j in forward[i]), key=lambda pair: pair[0]) for i in range(len(queries))]
    pairs += [
        max(((margin(i, j), i, j) for i in backward[j]), key=lambda pair: pair[0]) for j in range(len(candidates))
    ]
    mined: list[MinedPair] = []
    for score, i, j in sorted(pairs, reverse=True):
        if all(i != query and j != candidate for query, candidate, _ in mined):
            mined.append((i, j, score))
    return [pair for pair in mined if pair[2] > 0]


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 25), others=st.integers(1, 25), block=st.integers(1, 30))
@settings(max_examples=60)
def test_mining_in_blocks_equals_the_whole_matrix(seed: int, rows: int, others: int, block: int) -> None:
    queries, candidates = unit(seed, rows), unit(seed + 1, others)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        mined = by_margin(queries, candidates)
    expected = whole_matrix(queries.numpy().astype(np.float64), candidates.numpy().astype(np.float64))
    assert [pair[:2] for pair in mined] == [pair[:2] for pair in expected]
    assert [pair[2] for pair in mined] == pytest.approx([pair[2] for pair in expected], rel=1e-3)
    assert len({i for i, _, _ in mined}) == len({j for _, j, _ in mined}) == len(mined)


def test_repeated_sentences_are_embedded_once_and_have_no_place() -> None:
    sentences = ("b", "a", "b", "c", " a", "d")
    assert deduplicate(sentences) == ("b", "a", "c", " a", "d")
    # "b" stands there twice, and so does "a", if the blank does not count.
    assert find_unique_positions(sentences) == [None, None, 3, None, 5]
    assert find_unique_positions((" a", "b ")) == [0, 1]  # blanks alone cost no place
