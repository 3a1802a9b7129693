"""Retrieval without training, by the official rules: nearest neighbour (Tatoeba), mining (BUCC), ranking (LAReQA).

Every layer is scored beside the official one (`Task.retrieval`), because the best layer moves with fine-tuning.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import torch

from spaces.encoders import EncoderProfile
from spaces.task import Task
from trainables.features.examples import ParallelPool, Pool, RankingPool
from trainables.retrieval.embeddings import DEFAULT_READING, Embedder, official_layer_of, select_layers
from trainables.retrieval.mining import deduplicate, find_unique_positions, mine
from trainables.retrieval.neighbours import compute_margins, find_both_ways, find_neighbours, nearest_by_margin
from trainables.scoring.metrics import RANKING_DEPTH, MinedPair, accuracy, choose_mining_threshold, map_at_20, mining_f1

LayerEmbedder = Callable[[tuple[str, ...]], torch.Tensor]  # sentences to unit vectors (sentences, width) in one layer


class NonFiniteVectorsError(Exception):
    """Sentence vectors hold values that are no finite numbers: their neighbours would be arbitrary."""


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """Metrics (0 to 1), and the pairs of query, candidate and score that the official metric judges.

    `pairs` has one candidate per query, the pairs above the threshold (mining), or the best 20 per query (ranking).
    """

    metrics: dict[str, float]
    pairs: list[MinedPair]


@dataclass(frozen=True, slots=True)
class _MinedPool:
    gold: set[tuple[int, int]]
    by_margin: list[MinedPair]
    by_cosine: list[MinedPair]


def retrieve(
    embedder: Embedder, task: Task, profile: EncoderProfile, test: Pool, dev: Pool | None = None
) -> RetrievalResult:
    """Score one language in every layer. The metrics of the official layer come first, then `NAME_layer_K` of each.

    `accuracy` takes the nearest candidate by cosine, and `margin_accuracy` the one of the highest ratio margin among
    the nearest four. `reverse_accuracy` searches in the other direction, from candidates to queries. `f1` mines by
    margin and `cosine_f1` by cosine. `map_at_20` ranks by cosine. Layer 0 is the output of the embeddings. If the
    vectors of all layers exceeded `embeddings.MAX_BYTES`, only the official one is read, and no layer has metrics of
    its own.

    The threshold of mining is chosen in each layer on the gold pairs of the language's own dev pool, as in XTREME.
    Without a dev pool it is chosen on the scored pool itself, as in jiant, which overstates F1. It is the one place
    where a score uses labels of the target language, and no selection of stages ever sees it. Other layers whose
    vectors are not finite have no metrics. Raises NonFiniteVectorsError if the official layer is one, and ValueError
    for a pool of the wrong type.
    """
    pools = [test] if dev is None else [test, dev]
    sentences = sum(len(pool.queries) + len(pool.candidates) for pool in pools)
    reading = task.retrieval or DEFAULT_READING
    layers = select_layers(embedder.encoder, profile, sentences, reading)
    results: dict[int, RetrievalResult] = {}
    for i, layer in enumerate(layers):

        def embed_layer(texts: tuple[str, ...], i: int = i) -> torch.Tensor:
            vectors = embedder(texts, layers)[i]
            if not torch.isfinite(vectors).all():
                raise NonFiniteVectorsError
            return vectors

        with suppress(NonFiniteVectorsError):
            results[layer] = _score_layer(embed_layer, task, test, dev, embedder.encoder.device)
    official_layer = official_layer_of(embedder.encoder, profile, reading)
    if official_layer not in results:
        raise NonFiniteVectorsError(f"the vectors of layer {official_layer} are not finite")
    official = results[official_layer]
    metrics = dict(official.metrics)
    if len(layers) > 1:
        for layer, result in results.items():
            metrics |= {f"{name}_layer_{layer}": value for name, value in result.metrics.items()}
    return RetrievalResult(metrics, official.pairs)


def _score_layer(
    embed_layer: LayerEmbedder, task: Task, test: Pool, dev: Pool | None, device: torch.device
) -> RetrievalResult:
    """Score one layer by the task's mode; raise ValueError for a pool of the wrong type."""
    if task.retrieval_mode == "rank":
        if not isinstance(test, RankingPool):
            raise ValueError(f"{task.name} ranks candidates: its pool must name the relevant ones.")
        return _score_ranking(embed_layer, test, device)
    if not isinstance(test, ParallelPool) or isinstance(dev, RankingPool):
        raise ValueError(f"{task.name} pairs sentences: its pools must name the translation of each query.")
    if task.retrieval_mode == "nearest":
        return _score_nearest(embed_layer, test, device)
    return _score_mining(embed_layer, test, dev, device)


def _score_nearest(embed_layer: LayerEmbedder, pool: ParallelPool, device: torch.device) -> RetrievalResult:
    forward, backward = find_both_ways(embed_layer(pool.queries), embed_layer(pool.candidates), device)
    guesses, scores = forward.indices[:, 0].tolist(), forward.cosines[:, 0].tolist()
    nearest_queries = backward.indices[:, 0].tolist()
    translated = [query for query, candidate in enumerate(pool.gold) if candidate >= 0]
    return RetrievalResult(
        {
            "accuracy": accuracy(pool.gold, guesses),
            "margin_accuracy": accuracy(pool.gold, nearest_by_margin(forward, backward).tolist()),
            "reverse_accuracy": accuracy(translated, [nearest_queries[pool.gold[query]] for query in translated]),
        },
        list(zip(range(len(guesses)), guesses, scores, strict=True)),
    )


def _score_mining(
    embed_layer: LayerEmbedder, test: ParallelPool, dev: ParallelPool | None, device: torch.device
) -> RetrievalResult:
    mined = _mine_pool(embed_layer, test, device)
    tuning = mined if dev is None else _mine_pool(embed_layer, dev, device)
    threshold = choose_mining_threshold(tuning.gold, tuning.by_margin)
    cosine_threshold = choose_mining_threshold(tuning.gold, tuning.by_cosine)
    return RetrievalResult(
        {
            "f1": mining_f1(mined.gold, mined.by_margin, threshold),
            "cosine_f1": mining_f1(mined.gold, mined.by_cosine, cosine_threshold),
        },
        [pair for pair in mined.by_margin if pair[2] >= threshold],
    )


def _mine_pool(embed_layer: LayerEmbedder, pool: ParallelPool, device: torch.device) -> _MinedPool:
    """Return the true pairs of a pool, and the pairs mined in it by ratio margin and by cosine."""
    queries, candidates = embed_layer(deduplicate(pool.queries)), embed_layer(deduplicate(pool.candidates))
    forward, backward = find_both_ways(queries, candidates, device)
    query_positions, candidate_positions = find_unique_positions(pool.queries), find_unique_positions(pool.candidates)

    def to_pool_indices(pairs: list[MinedPair]) -> list[MinedPair]:
        placed = [(query_positions[i], candidate_positions[j], score) for i, j, score in pairs]
        return [(i, j, score) for i, j, score in placed if i is not None and j is not None]

    margins, backward_margins = compute_margins(forward, backward), compute_margins(backward, forward)
    return _MinedPool(
        gold={(query, candidate) for query, candidate in enumerate(pool.gold) if candidate >= 0},
        by_margin=to_pool_indices(mine(forward, backward, margins, backward_margins)),
        by_cosine=to_pool_indices(mine(forward, backward, forward.cosines, backward.cosines)),
    )


def _score_ranking(embed_layer: LayerEmbedder, pool: RankingPool, device: torch.device) -> RetrievalResult:
    best = find_neighbours(embed_layer(pool.queries), embed_layer(pool.candidates), RANKING_DEPTH, device)
    rankings, cosines = best.indices.tolist(), best.cosines.tolist()
    return RetrievalResult(
        {"map_at_20": map_at_20(pool.relevant, rankings)},
        [
            (query, candidate, score)
            for query, (candidates, scores) in enumerate(zip(rankings, cosines, strict=True))
            for candidate, score in zip(candidates, scores, strict=True)
        ],
    )
