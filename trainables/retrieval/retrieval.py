"""Retrieval without training, by the official rules: nearest neighbour (Tatoeba), mining (BUCC), ranking (LAReQA).

Beside the paper's layer every other one is scored, as the best layer moves with fine-tuning.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from spaces.encoders import EncoderProfile
from spaces.task import Task
from trainables.features.examples import ParallelPool, Pool, RankingPool
from trainables.retrieval.embeddings import Embedder, official_layer_of, select_layers
from trainables.retrieval.mining import deduplicate, find_unique_positions, mine
from trainables.retrieval.neighbours import MARGIN_NEIGHBOURS, compute_margins, find_neighbours
from trainables.scoring.metrics import RANKING_DEPTH, MinedPair, accuracy, choose_mining_threshold, map_at_20, mining_f1

LayerEmbedder = Callable[[tuple[str, ...]], torch.Tensor]  # sentences to unit vectors (sentences, width) in one layer


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """Metrics (shares from 0 to 1), and what the official one judges: queries, candidates found for them, scores.

    `found` has one candidate per query, the pairs from the threshold on (mining), or the best 20 per query (ranking).
    """

    metrics: dict[str, float]
    pairs: list[MinedPair]


def retrieve(
    embedder: Embedder, task: Task, profile: EncoderProfile, test: Pool, dev: Pool | None = None
) -> RetrievalResult:
    """Score one language in every layer: metrics of the paper's layer under their names, then `NAME_layer_K`.

    `accuracy` takes the nearest candidate by cosine, `margin_accuracy` that of the highest ratio margin among the
    nearest four, `reverse_accuracy` asks the other way round: candidates look for their queries. `f1` mines by margin
    and `cosine_f1` by cosine. `map_at_20` ranks by cosine. Layer 0 is the output of the embeddings. Where the vectors
    of all layers would exceed `sentences.MOST_BYTES`, only the paper's is read, and there are no metrics of layers.

    XTREME chooses the threshold of mining on the gold pairs of the language's own dev part; so does this, in each
    layer. Without one it is chosen on the scored pool itself, as jiant does, which flatters. It is the one place where
    a score uses labels of the target language, and no selection of stages ever sees it.
    """
    pools = [test] if dev is None else [test, dev]
    sentences = sum(len(pool.queries) + len(pool.candidates) for pool in pools)
    layers = select_layers(embedder.encoder, profile, sentences)
    by_layer = {}
    for i, layer in enumerate(layers):

        def vectors(texts: tuple[str, ...], i: int = i) -> torch.Tensor:
            return embedder(texts, layers)[i]

        by_layer[layer] = _score_layer(vectors, task, test, dev, embedder.encoder.device)
    official = by_layer[official_layer_of(embedder.encoder, profile)]
    metrics = dict(official.metrics)
    if len(layers) > 1:
        metrics |= {f"{name}_layer_{k}": value for k, one in by_layer.items() for name, value in one.metrics.items()}
    return RetrievalResult(metrics, official.pairs)


def _score_layer(
    vectors: LayerEmbedder, task: Task, test: Pool, dev: Pool | None, device: torch.device
) -> RetrievalResult:
    """One layer by the task's rule; raises ValueError for a pool of the wrong sort."""
    if task.retrieval_mode == "rank":
        if not isinstance(test, RankingPool):
            raise ValueError(f"{task.name} ranks candidates: its pool must say which are relevant.")
        return _score_ranking(vectors, test, device)
    if not isinstance(test, ParallelPool) or isinstance(dev, RankingPool):
        raise ValueError(f"{task.name} pairs sentences: its pools must say which candidate translates a query.")
    if task.retrieval_mode == "nearest":
        return _score_nearest(vectors, test, device)
    return _score_mining(vectors, test, dev, device)


def _score_nearest(vectors: LayerEmbedder, pool: ParallelPool, device: torch.device) -> RetrievalResult:
    queries, candidates = vectors(pool.queries), vectors(pool.candidates)
    of, back = (
        find_neighbours(queries, candidates, MARGIN_NEIGHBOURS, device),
        find_neighbours(candidates, queries, MARGIN_NEIGHBOURS, device),
    )
    guesses = of.indices[:, 0].tolist()
    by_margin = of.indices.gather(1, compute_margins(of, back).argmax(1, keepdim=True)).flatten().tolist()
    backwards = back.indices[:, 0].tolist()
    asked = [i for i, j in enumerate(pool.gold) if j >= 0]
    return RetrievalResult(
        {
            "accuracy": accuracy(pool.gold, guesses),
            "margin_accuracy": accuracy(pool.gold, by_margin),
            "reverse_accuracy": accuracy(asked, [backwards[pool.gold[i]] for i in asked]),
        },
        list(zip(range(len(guesses)), guesses, of.cosines[:, 0].tolist(), strict=True)),
    )


def _score_mining(
    vectors: LayerEmbedder, test: ParallelPool, dev: ParallelPool | None, device: torch.device
) -> RetrievalResult:
    gold, by_margin, by_cosine = _mine_pool(vectors, test, device)
    known, *known_mined = (gold, by_margin, by_cosine) if dev is None else _mine_pool(vectors, dev, device)
    threshold, cosine_threshold = (choose_mining_threshold(known, mined) for mined in known_mined)
    return RetrievalResult(
        {"f1": mining_f1(gold, by_margin, threshold), "cosine_f1": mining_f1(gold, by_cosine, cosine_threshold)},
        [pair for pair in by_margin if pair[2] >= threshold],
    )


def _mine_pool(
    vectors: LayerEmbedder, pool: ParallelPool, device: torch.device
) -> tuple[set[tuple[int, int]], list[MinedPair], list[MinedPair]]:
    """The true pairs of a pool, what is mined in it by ratio margin, and what by cosine."""
    queries, candidates = vectors(deduplicate(pool.queries)), vectors(deduplicate(pool.candidates))
    of, back = (
        find_neighbours(queries, candidates, MARGIN_NEIGHBOURS, device),
        find_neighbours(candidates, queries, MARGIN_NEIGHBOURS, device),
    )
    query_places, candidate_places = find_unique_positions(pool.queries), find_unique_positions(pool.candidates)

    def placed(mined: list[MinedPair]) -> list[MinedPair]:
        found = [(query_places[i], candidate_places[j], score) for i, j, score in mined]
        return [(i, j, score) for i, j, score in found if i is not None and j is not None]

    by_margin = placed(mine(of, back, compute_margins(of, back), compute_margins(back, of)))
    by_cosine = placed(mine(of, back, of.cosines, back.cosines))
    return {(i, j) for i, j in enumerate(pool.gold) if j >= 0}, by_margin, by_cosine


def _score_ranking(vectors: LayerEmbedder, pool: RankingPool, device: torch.device) -> RetrievalResult:
    best = find_neighbours(vectors(pool.queries), vectors(pool.candidates), RANKING_DEPTH, device)
    ranked, cosines = best.indices.tolist(), best.cosines.tolist()
    return RetrievalResult(
        {"map_at_20": map_at_20(pool.relevant, ranked)},
        [
            (i, j, score)
            for i, (row, scores) in enumerate(zip(ranked, cosines, strict=True))
            for j, score in zip(row, scores, strict=True)
        ],
    )
