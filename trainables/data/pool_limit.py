"""Smaller retrieval pools for small machines. A smaller pool is an easier task, so its scores are marked as limited."""

import dataclasses
from collections.abc import Iterable, Mapping

from trainables.features.examples import ParallelPool, RankingPool


def limit_pairs(pool: ParallelPool, limit: int | None) -> ParallelPool:
    """Return a pool of at most `limit` queries and `limit` candidates; the pool itself if it has no more.

    Queries are taken at equal distances, so that the share of those without a translation stays. Candidates are their
    translations, and others at equal distances.
    """
    if limit is None or max(len(pool.queries), len(pool.candidates)) <= limit:
        return pool
    queries = _space_evenly(range(len(pool.queries)), limit)
    places = _choose_candidates({pool.gold[i] for i in queries} - {-1}, len(pool.candidates), limit)
    return dataclasses.replace(
        pool,
        queries=tuple(pool.queries[i] for i in queries),
        candidates=tuple(pool.candidates[i] for i in places),
        gold=tuple(places.get(pool.gold[i], -1) for i in queries),
        query_ids=tuple(pool.query_ids[i] for i in queries) if pool.query_ids else (),
    )


def limit_rankings(pools: Mapping[str, RankingPool], limit: int | None) -> dict[str, RankingPool]:
    """Return the pools of all languages, which share their candidates, with at most `limit` queries each.

    The candidates are those that are relevant to any query that is left, and others up to `limit`.
    """
    if limit is None or not pools:
        return dict(pools)
    queries = {language: _space_evenly(range(len(pool.queries)), limit) for language, pool in pools.items()}
    relevant = {index for language, pool in pools.items() for i in queries[language] for index in pool.relevant[i]}
    candidates = next(iter(pools.values())).candidates
    places = _choose_candidates(relevant, len(candidates), limit)
    chosen = tuple(candidates[i] for i in places)
    return {
        language: dataclasses.replace(
            pool,
            queries=tuple(pool.queries[i] for i in queries[language]),
            candidates=chosen,
            relevant=tuple(frozenset(places[index] for index in pool.relevant[i]) for i in queries[language]),
            query_ids=tuple(pool.query_ids[i] for i in queries[language]) if pool.query_ids else (),
            query_passages=tuple(pool.query_passages[i] for i in queries[language]) if pool.query_passages else (),
        )
        for language, pool in pools.items()
    }


def _choose_candidates(needed: Iterable[int], count: int, limit: int) -> dict[int, int]:
    """Return the indices that are kept, in their order, and their new places: all that are needed, and others."""
    kept = set(needed)
    others = [index for index in range(count) if index not in kept]
    kept.update(_space_evenly(others, max(0, limit - len(kept))))
    return {index: place for place, index in enumerate(sorted(kept))}


def _space_evenly(indices: range | list[int], count: int) -> list[int]:
    """Return at most `count` of the indices, at equal distances."""
    if len(indices) <= count:
        return list(indices)
    return [indices[place * len(indices) // count] for place in range(count)]
