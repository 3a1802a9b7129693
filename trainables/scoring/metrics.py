"""The official metrics of labels, tags and retrieval as plain functions. All values lie from 0 to 1.

Most are a ratio of two sums over examples. The terms of each example have a function of their own, so that an analysis
can resample test examples. Metrics of answers to questions are in `answers.py`.
"""

import functools
from collections import Counter
from collections.abc import Collection, Iterator, Sequence, Set

RANKING_DEPTH = 20  # candidates of a ranking that count (XTREME-R)

MinedPair = tuple[int, int, float]  # query, candidate, score


def check_lengths(gold: Sequence[object], predicted: Sequence[object]) -> None:
    """Raise ValueError unless there are as many predictions as gold items, and at least one."""
    if len(gold) != len(predicted):
        raise ValueError(f"there must be one prediction per item, got {len(predicted)} for {len(gold)} gold items.")
    if not gold:
        raise ValueError("there are no gold items: their score is null, not 0.")


def accuracy(gold: Sequence[object], predicted: Sequence[object]) -> float:
    """Return the share of items that are equal in `gold` and `predicted`, both (examples,) of label ids.

    Official for XNLI, PAWS-X, SIB-200 and every multiple-choice task. For tagging, over the concatenated words, it is
    the score used in Universal Dependencies work. A query of a retrieval task is right if its nearest candidate is its
    translation, so Tatoeba's score is this function on candidate indices. Raises ValueError if lengths differ, or there
    are no items.
    """
    return sum(mark_hits(gold, predicted)) / len(gold)


def mark_hits(gold: Sequence[object], predicted: Sequence[object]) -> list[bool]:
    """Return True for each item that is right; raise ValueError as `accuracy` does."""
    check_lengths(gold, predicted)
    return [label == guess for label, guess in zip(gold, predicted, strict=True)]


def macro_f1(gold: Sequence[int], predicted: Sequence[int]) -> float:
    """Return the mean of the F1 of every label that occurs, as a gold or a predicted one; of label ids (examples,).

    Equals `sklearn.metrics.f1_score(average="macro")` in its defaults: a label that is never right has an F1 of 0.
    It shows whether rare labels are found. Raises ValueError if lengths differ, or there are no items.
    """
    hits = Counter(label for label, hit in zip(gold, mark_hits(gold, predicted), strict=True) if hit)
    totals = Counter(gold) + Counter(predicted)
    return sum(2 * hits[label] / total for label, total in totals.items()) / len(totals)


def chunk_f1(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> float:
    """Return the F1 of chunks over all sentences together (micro average); 0 if no chunk is right.

    `gold` and `predicted` are (sentences, words) of tags. Equals `seqeval.metrics.f1_score` in its default, non-strict
    mode, the official metric of PAN-X and (on bare part-of-speech tags) of udpos. A chunk is right if its type, start
    and end are. Raises ValueError if lengths differ, or there are no sentences.

    For tags with a prefix (PAN-X) all versions of seqeval agree. For bare tags (udpos) it equals 0.0.18 and later.
    Versions up to 0.0.13 take the whole tag as the type: CCONJ and SCONJ then differ, and an X is a chunk like any
    other. 0.0.15 to 0.0.17 refuse bare tags. XTREME installs seqeval without a version. The expectation of its own test
    is of the former rule, 0.0.12: 70.21746 on its mock data for udpos, where the present rule gives 70.39806.
    """
    right, total = map(sum, count_chunks(gold, predicted))
    return right / total if right else 0.0


def count_chunks(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> tuple[list[int], list[int]]:
    """Return, per sentence, twice its right chunks, and its gold and predicted chunks together. F1 is the sums' ratio.

    A chunk that seqeval's rule spreads over two sentences (see `find_chunks`) belongs to the one in which it ends.
    """
    check_lengths(gold, predicted)
    for tags, guesses in zip(gold, predicted, strict=True):
        if len(tags) != len(guesses):
            raise ValueError(f"a sentence of {len(tags)} words has {len(guesses)} predicted tags.")
    owner = [i for i, tags in enumerate(gold) for _ in range(len(tags) + 1)]  # one gap after each sentence
    gold_chunks, predicted_chunks = set(find_chunks(gold)), set(find_chunks(predicted))
    right, total = [0] * len(gold), [0] * len(gold)
    for counts, chunks in ((right, gold_chunks & predicted_chunks), (total, gold_chunks), (total, predicted_chunks)):
        for _, _, last in chunks:
            counts[owner[last]] += 1
    return [2 * count for count in right], total


def find_chunks(sentences: Sequence[Sequence[str]]) -> Iterator[tuple[str, int, int]]:
    """Yield (type, first, last) of every chunk. Positions count the words, and one gap after each sentence.

    The first letter of a tag is its prefix and the rest its type. This rule is made for tags such as B-PER, and XTREME
    applies it to bare part-of-speech tags, too. The resulting faults are part of the published scores and are kept:

    - NOUN is prefix N and type OUN: equal neighbours merge into one chunk, as only B, S or another type starts one.
    - SYM and SCONJ have the prefix S (single), so SYM SYM stay two chunks.
    - X has no type left and gets the type of a gap: an X that ends a sentence is no chunk, and an X that begins a
      sentence other than the first counts from the start of the last chunk.
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
    """Return the type of the chunk that ends between two neighbours (None if none does), and True if one starts there.

    The `previous` tag of the very first word is "".
    """
    (previous_prefix, previous_type), (prefix, tag_type) = _split_tag(previous), _split_tag(tag)
    changes_type = previous_type != tag_type
    ended = previous_type if _chunk_ends(previous_prefix, prefix, changes_type) else None
    return ended, _chunk_starts(previous_prefix, prefix, changes_type)


def _split_tag(tag: str) -> tuple[str, str]:
    """Return prefix and type of a tag. The gap, O, has the type of a tag without one; the tag "" has no type."""
    return (tag[0], tag[1:].split("-", maxsplit=1)[-1] or "_") if tag else ("O", "")


def _chunk_ends(previous_prefix: str, prefix: str, changes_type: bool) -> bool:
    if previous_prefix in "ES" or (previous_prefix in "BI" and prefix in "BSO"):
        return True
    return previous_prefix not in "O." and changes_type


def _chunk_starts(previous_prefix: str, prefix: str, changes_type: bool) -> bool:
    """Return True if a chunk starts at the second of two tags: at an I without B, too (the rule of conlleval)."""
    if prefix in "BS" or (previous_prefix in "ESO" and prefix in "EI"):
        return True
    return prefix not in "O." and changes_type


def choose_mining_threshold(gold: Set[tuple[int, int]], mined: Sequence[MinedPair]) -> float:
    """Return the lowest score of a mined pair that counts, chosen for the highest F1 against the `gold` pairs.

    Equals `bucc_optimize` of XTREME: pairs are taken one by one, best score first (equal scores in the given order),
    and the threshold is halfway between the last accepted pair and the first rejected one. If all are accepted it is
    the last score itself (there the script stops with an error). It is 0, which accepts everything, if no pair is
    right.
    """
    ordered = sorted(mined, key=lambda pair: -pair[2])
    hits, best, threshold = 0, 0.0, 0.0
    for count, (query, candidate, score) in enumerate(ordered, start=1):
        hits += (query, candidate) in gold
        f1 = _set_f1(hits, count, len(gold))
        if f1 > best:
            following = ordered[count][2] if count < len(ordered) else score
            best, threshold = f1, (score + following) / 2
    return threshold


def mining_f1(gold: Set[tuple[int, int]], mined: Collection[MinedPair], threshold: float) -> float:
    """Return the F1 of the set of pairs mined with a score of at least `threshold`, against the `gold` pairs (BUCC).

    XTREME chooses the threshold on its dev data. Choosing it on the scored data themselves overstates F1.
    """
    accepted = {(query, candidate) for query, candidate, score in mined if score >= threshold}
    return _set_f1(len(accepted & gold), len(accepted), len(gold))


def _set_f1(hits: int, accepted: int, gold: int) -> float:
    """Return F1 computed from precision and recall, so that it rounds as in the script and ties fall alike."""
    if not hits:
        return 0.0
    precision, recall = hits / accepted, hits / gold
    return 2 * precision * recall / (precision + recall)


def map_at_20(relevant: Sequence[Set[int]], ranked: Sequence[Sequence[int]]) -> float:
    """Return the mean average precision of the best 20 candidates: the score of LAReQA and Mewsli-X in XTREME-R.

    `relevant` holds the right candidates of each query, and `ranked` (queries, candidates) the candidates, best first.
    Average precision is the sum of the precisions at the ranks of right candidates, divided by the number of the 20
    that could be right. With one right candidate it is the reciprocal rank. Raises ValueError if lengths differ, or a
    query has no right candidate.
    """
    return sum(average_precisions(relevant, ranked)) / len(relevant)


def average_precisions(relevant: Sequence[Set[int]], ranked: Sequence[Sequence[int]]) -> list[float]:
    """Return the average precision of each query (see `map_at_20`)."""
    check_lengths(relevant, ranked)
    precisions = []
    for right, candidates in zip(relevant, ranked, strict=True):
        if not right:
            raise ValueError("a query without a right candidate has no average precision.")
        best = candidates[:RANKING_DEPTH]
        ranks = [rank for rank, item in enumerate(best, start=1) if item in right and item not in best[: rank - 1]]
        precisions.append(sum(i / rank for i, rank in enumerate(ranks, start=1)) / min(len(right), RANKING_DEPTH))
    return precisions
