"""Smaller retrieval pools: their sizes, and that every query keeps its answers."""

from hypothesis import given
from hypothesis import strategies as st

from trainables.data.pool_limit import limit_pairs, limit_rankings
from trainables.features.examples import ParallelPool, RankingPool


@st.composite
def parallel_pools(draw: st.DrawFn) -> ParallelPool:
    candidates = draw(st.integers(1, 30))
    gold = draw(st.lists(st.integers(-1, candidates - 1), min_size=1, max_size=30))
    queries = tuple(f"q{i}" for i in range(len(gold)))
    ids = draw(st.sampled_from([(), queries]))
    return ParallelPool(queries, tuple(f"c{i}" for i in range(candidates)), tuple(gold), query_ids=ids)


@given(parallel_pools(), st.integers(1, 40))
def test_pairs_stay_pairs_and_both_sides_keep_to_the_limit(pool: ParallelPool, limit: int) -> None:
    limited = limit_pairs(pool, limit)
    assert len(limited.queries) == min(limit, len(pool.queries))
    assert len(limited.candidates) == min(limit, len(pool.candidates))
    translations = {
        query: pool.candidates[index] if index >= 0 else None
        for query, index in zip(pool.queries, pool.gold, strict=True)
    }
    for query, index in zip(limited.queries, limited.gold, strict=True):
        assert (limited.candidates[index] if index >= 0 else None) == translations[query]
    assert limited.query_ids == (limited.queries if pool.query_ids else ())
    assert list(limited.candidates) == [text for text in pool.candidates if text in limited.candidates]


def test_a_pool_within_the_limit_is_the_pool_itself() -> None:
    pool = ParallelPool(("a", "b"), ("A", "B"), (0, 1))
    assert limit_pairs(pool, 2) is pool and limit_pairs(pool, None) is pool


def test_the_share_of_queries_without_translation_stays() -> None:
    gold = tuple(range(100)) + (-1,) * 900  # mining: one sentence in ten has a translation, all of them first
    pool = ParallelPool(tuple(map(str, range(1000))), tuple(map(str, range(1000))), gold)
    assert sum(index >= 0 for index in limit_pairs(pool, 100).gold) == 10


def test_rankings_share_their_candidates_and_keep_all_that_are_relevant() -> None:
    candidates = tuple(f"c{i}" for i in range(50))
    pools = {
        language: RankingPool(
            tuple(f"{language}{i}" for i in range(10)),
            candidates,
            tuple(frozenset({(5 * i + shift) % 50, (7 * i) % 50}) for i in range(10)),
            query_ids=tuple(map(str, range(10))),
        )
        for shift, language in enumerate(("en", "de"))
    }
    limited = limit_rankings(pools, 4)
    assert limited["en"].candidates == limited["de"].candidates
    for language, pool in limited.items():
        assert len(pool.queries) == 4 and pool.query_ids == ("0", "2", "5", "7")
        for query, relevant in zip(pool.queries, pool.relevant, strict=True):
            whole = pools[language].relevant[pools[language].queries.index(query)]
            assert {pool.candidates[i] for i in relevant} == {candidates[i] for i in whole}
    larger = limit_rankings(pools, 40)["en"]
    assert len(larger.queries) == 10 and len(larger.candidates) == 40
    assert limit_rankings(pools, None) == pools
