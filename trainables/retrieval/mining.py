"""Bitext mining by the rules of BUCC 2018 as XTREME runs it: which pairs of two texts translate each other."""

from collections import Counter

import torch

from trainables.retrieval.neighbours import Neighbours
from trainables.scoring.metrics import MinedPair


def mine(of: Neighbours, back: Neighbours, scores: torch.Tensor, back_scores: torch.Tensor) -> list[MinedPair]:
    """Pairs with their scores, best first, each query and each candidate in at most one of them.

    `of` holds the queries' neighbours among the candidates and `back` the candidates' among the queries; `scores` and
    `back_scores` (any, neighbours) judge them. From either side the best neighbour is proposed, and the proposals are
    merged greedily. Those of score 0 and below use up their sentences, yet are no result (XTREME's default).
    """
    best, back_best = scores.argmax(1, keepdim=True), back_scores.argmax(1, keepdim=True)
    candidates, queries = of.indices.gather(1, best).flatten(), back.indices.gather(1, back_best).flatten()
    values, back_values = scores.gather(1, best).flatten(), back_scores.gather(1, back_best).flatten()
    proposals = list(zip(range(len(candidates)), candidates.tolist(), values.tolist(), strict=True))
    proposals += zip(queries.tolist(), range(len(queries)), back_values.tolist(), strict=True)
    used: set[int] = set()
    taken: set[int] = set()
    mined = []
    for query, candidate, score in sorted(proposals, key=lambda proposal: -proposal[2]):
        if query not in used and candidate not in taken:
            used.add(query)
            taken.add(candidate)
            if score > 0:
                mined.append((query, candidate, score))
    return mined


def deduplicate(sentences: tuple[str, ...]) -> tuple[str, ...]:
    """Every sentence once: mining compares texts, and copies would crowd out other neighbours."""
    return tuple(dict.fromkeys(sentences))


def find_unique_positions(sentences: tuple[str, ...]) -> list[int | None]:
    """Where each of the `unique` sentences stands; None for one that stands there twice, blanks around it aside.

    XTREME's script gives repeated sentences no id: what is mined with them is dropped, true pairs with them are missed.
    """
    times = Counter(sentence.strip() for sentence in sentences)
    place = {sentence: i for i, sentence in enumerate(sentences)}
    return [place[sentence] if times[sentence.strip()] == 1 else None for sentence in deduplicate(sentences)]
