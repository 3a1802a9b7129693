"""The official metrics of labels, tags and retrieval as plain functions. Every value is a share from 0 to 1.

Most are a ratio of two sums over examples. What one example brings to either sum has a function of its own, so that
an analysis can draw other test examples. Metrics of answers to questions are in `answers.py`.
"""

import functools
from collections.abc import Collection, Iterator, Sequence, Set

RANKING_DEPTH = 20  # of a ranking that count (XTREME-R)

MinedPair = tuple[int, int, float]  # query, candidate, score


def check_lengths(gold: Sequence[object], predicted: Sequence[object]) -> None:
    """Raise ValueError unless there are as many predictions as gold items, and at least one."""
    if len(gold) != len(predicted):
        raise ValueError(f"as many predictions as gold items are needed, got {len(predicted)} for {len(gold)}.")
    if not gold:
        raise ValueError("no gold items: a score of nothing does not exist (it is null, not 0).")


def accuracy(gold: Sequence[object], predicted: Sequence[object]) -> float:
    """Share of equal items. `gold`, `predicted`: (examples,) of label ids; raises ValueError on unequal lengths.

    Official for XNLI, PAWS-X and every multiple-choice task; for tagging, over the concatenated words, it is the
    figure that the Universal Dependencies community uses. A query of a retrieval task is right when its nearest
    candidate is its translation, so that Tatoeba's score is this function on candidate indices.
    """
    return sum(mark_hits(gold, predicted)) / len(gold)


def mark_hits(gold: Sequence[object], predicted: Sequence[object]) -> list[bool]:
    """Whether each item is right; raises ValueError on unequal lengths."""
    check_lengths(gold, predicted)
    return [one == other for one, other in zip(gold, predicted, strict=True)]


def chunk_f1(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> float:
    """F1 of chunks over all sentences together (micro average); 0 where nothing is right.

    `gold`, `predicted`: (sentences, words) of tags. Equals `seqeval.metrics.f1_score` in its default, non-strict mode,
    the official metric of PAN-X and (on bare part-of-speech tags) of udpos. A chunk is right when type, start
    and end are. Raises ValueError where lengths differ.
    """
    right, all_chunks = map(sum, count_chunks(gold, predicted))
    return right / all_chunks if right else 0.0


def count_chunks(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> tuple[list[int], list[int]]:
    """For each sentence twice its right chunks, and its gold and predicted chunks together: F1 is the sums' ratio.

    A chunk that seqeval's rule spreads over two sentences (`chunks`) belongs to the one in which it ends.
    """
    check_lengths(gold, predicted)
    for tags, guesses in zip(gold, predicted, strict=True):
        if len(tags) != len(guesses):
            raise ValueError(f"a sentence of {len(tags)} words has {len(guesses)} predicted tags.")
    owner = [i for i, tags in enumerate(gold) for _ in range(len(tags) + 1)]  # one gap after each sentence
    true, found = set(find_chunks(gold)), set(find_chunks(predicted))
    right, both = [0] * len(gold), [0] * len(gold)
    for counts, group in ((right, true & found), (both, true), (both, found)):
        for _, _, last in group:
            counts[owner[last]] += 1
    return [2 * count for count in right], both


def find_chunks(sentences: Sequence[Sequence[str]]) -> Iterator[tuple[str, int, int]]:
    """(type, first, last) of every chunk; positions count the words and one gap after each sentence.

    The first letter of a tag is its prefix and the rest its type, a rule for tags such as B-PER that XTREME also lets
    loose on bare part-of-speech tags. The faults that follow are part of the published scores and are kept:

    - NOUN is prefix N and type OUN: equal neighbours merge into one chunk, as only B, S or another type starts one;
    - SYM and SCONJ have the prefix S (single), so that SYM SYM stay two chunks;
    - X has no type left and gets the one that a gap has, too: an X that ends a sentence is no chunk, and an X that
      begins one, unless it is the very first, counts from where the last chunk began.
    """
    previous, first, position = "", 0, 0
    for sentence in sentences:
        for tag in (*sentence, "O"):
            ended, started = _find_boundary(previous, tag)
            if ended is not None:
                yield ended, first, position - 1
            if started:
                first = position
            previous = tag
            position += 1


@functools.cache  # tags are few, and words are many
def _find_boundary(previous: str, tag: str) -> tuple[str | None, bool]:
    """Between two neighbours: the type of the chunk that ends there, if one does, and whether one starts.

    Before the very first word there is no tag: "".
    """
    (before, old), (prefix, new) = _split_tag(previous), _split_tag(tag)
    return old if _chunk_ends(before, prefix, old != new) else None, _chunk_starts(before, prefix, old != new)


def _split_tag(tag: str) -> tuple[str, str]:
    """Prefix and type of a tag. The gap, O, has the type of a tag without one, and what comes before all has none."""
    return (tag[0], tag[1:].split("-", maxsplit=1)[-1] or "_") if tag else ("O", "")


def _chunk_ends(previous: str, prefix: str, other_type: bool) -> bool:
    """Whether a chunk ends between two tags with these prefixes."""
    if previous in "ES" or (previous in "BI" and prefix in "BSO"):
        return True
    return previous not in "O." and other_type


def _chunk_starts(previous: str, prefix: str, other_type: bool) -> bool:
    """Whether a chunk starts at the second of two tags: also at an I without B (the rule of conlleval)."""
    if prefix in "BS" or (previous in "ESO" and prefix in "EI"):
        return True
    return prefix not in "O." and other_type


def choose_mining_threshold(gold: Set[tuple[int, int]], mined: Sequence[MinedPair]) -> float:
    """The score from which on a mined pair counts, such that F1 against the `gold` pairs is highest.

    Equals `bucc_optimize` of XTREME: pairs are taken one by one, best score first (of equal ones in the given order),
    and the threshold is halfway between the last pair that is kept and the first that is not. Where all are kept it
    is the last score itself (there the script stops with an error). 0, which keeps everything, if no pair is right.
    """
    ordered = sorted(mined, key=lambda item: -item[2])
    hits, best, threshold = 0, 0.0, 0.0
    for kept, (query, candidate, score) in enumerate(ordered, start=1):
        hits += (query, candidate) in gold
        f1 = _set_f1(hits, kept, len(gold))
        if f1 > best:
            following = ordered[kept][2] if kept < len(ordered) else score
            best, threshold = f1, (score + following) / 2
    return threshold


def mining_f1(gold: Set[tuple[int, int]], mined: Collection[MinedPair], threshold: float) -> float:
    """F1 of the pairs mined with at least `threshold` as a set, against the `gold` pairs (BUCC).

    XTREME takes the threshold from its dev data; taking it from the scored data itself flatters.
    """
    kept = {(query, candidate) for query, candidate, score in mined if score >= threshold}
    return _set_f1(len(kept & gold), len(kept), len(gold))


def _set_f1(hits: int, kept: int, true: int) -> float:
    """F1 by way of precision and recall: cuts of equal F1 must round as in the script, or another one would win."""
    if not hits:
        return 0.0
    precision, recall = hits / kept, hits / true
    return 2 * precision * recall / (precision + recall)


def map_at_20(relevant: Sequence[Set[int]], ranked: Sequence[Sequence[int]]) -> float:
    """Mean over queries of the average precision of the best 20: the score of LAReQA and Mewsli-X in XTREME-R.

    `relevant`: the right candidates of each query, `ranked`: (queries, candidates), best first. Average precision
    is the sum of the precisions at the ranks of right candidates, divided by how many of the 20 could be right. With
    one right candidate it is its reciprocal rank. Raises ValueError for unequal lengths, and where nothing is right.
    """
    return sum(average_precisions(relevant, ranked)) / len(relevant)


def average_precisions(relevant: Sequence[Set[int]], ranked: Sequence[Sequence[int]]) -> list[float]:
    """The average precision of each query, as `map_at_20` explains it."""
    check_lengths(relevant, ranked)
    precisions = []
    for right, candidates in zip(relevant, ranked, strict=True):
        if not right:
            raise ValueError("a query without a right candidate has no average precision.")
        best = candidates[:RANKING_DEPTH]
        found = [rank for rank, one in enumerate(best, start=1) if one in right and one not in best[: rank - 1]]
        precisions.append(sum(i / rank for i, rank in enumerate(found, start=1)) / min(len(right), RANKING_DEPTH))
    return precisions
