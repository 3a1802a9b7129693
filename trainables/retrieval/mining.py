"""Bitext mining by the rules of BUCC 2018 as XTREME runs it: the pairs of two texts that are translations."""

from collections import Counter

import torch

from trainables.retrieval.neighbours import Neighbours
from trainables.scoring.metrics import MinedPair


def mine(
    forward: Neighbours, backward: Neighbours, scores: torch.Tensor, backward_scores: torch.Tensor
) -> list[MinedPair]:
    """Return pairs with their scores, best first. Each query and each candidate is in at most one of them.

    `forward` holds the queries' neighbours among the candidates, and `backward` the candidates' among the queries.
    `scores` and `backward_scores` (any, neighbours) rate them. Either side proposes its best neighbour, and the
    proposals are merged greedily. Pairs of score 0 and below use up their sentences, but are not returned (XTREME's
    default).
    """
    best, backward_best = scores.argmax(1, keepdim=True), backward_scores.argmax(1, keepdim=True)
    candidates = forward.indices.gather(1, best).flatten().tolist()
    queries = backward.indices.gather(1, backward_best).flatten().tolist()
    values, backward_values = scores.gather(1, best).flatten(), backward_scores.gather(1, backward_best).flatten()
    proposals = list(zip(range(len(candidates)), candidates, values.tolist(), strict=True))
    proposals += zip(queries, range(len(queries)), backward_values.tolist(), strict=True)
    used_queries: set[int] = set()
    used_candidates: set[int] = set()
    mined = []
    for query, candidate, score in sorted(proposals, key=lambda proposal: -proposal[2]):
        if query not in used_queries and candidate not in used_candidates:
            used_queries.add(query)
            used_candidates.add(candidate)
            if score > 0:
                mined.append((query, candidate, score))
    return mined


def deduplicate(sentences: tuple[str, ...]) -> tuple[str, ...]:
    """Return every sentence once: mining compares texts, and copies would crowd out other neighbours."""
    return tuple(dict.fromkeys(sentences))


def find_unique_positions(sentences: tuple[str, ...]) -> list[int | None]:
    """Return the position of each of the `deduplicate`d sentences; None for a sentence that occurs more than once.

    Sentences that differ only in blanks around them are the same here. XTREME's script gives repeated sentences no id:
    pairs mined with them are dropped, and true pairs with them are missed.
    """
    counts = Counter(sentence.strip() for sentence in sentences)
    positions = {sentence: i for i, sentence in enumerate(sentences)}
    return [positions[sentence] if counts[sentence.strip()] == 1 else None for sentence in deduplicate(sentences)]
