"""The official metrics as plain functions: labels, tags, answers and retrieval. Every value is a share from 0 to 1."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from trainables.answers import Normalise, normaliser


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
    check_lengths(gold, predicted)
    return sum(one == other for one, other in zip(gold, predicted, strict=True)) / len(gold)


def chunk_f1(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> float:
    """F1 of chunks over all sentences together (micro average); 0 where nothing is right.

    `gold`, `predicted`: (sentences, words) of tags. Equals `seqeval.metrics.f1_score` in its default, non-strict mode,
    the official metric of PAN-X and (on bare part-of-speech tags) of udpos. A chunk is right when type, start
    and end are. Raises ValueError where lengths differ.
    """
    check_lengths(gold, predicted)
    for tags, guesses in zip(gold, predicted, strict=True):
        if len(tags) != len(guesses):
            raise ValueError(f"a sentence of {len(tags)} words has {len(guesses)} predicted tags.")
    right, found = set(chunks(gold)), set(chunks(predicted))
    return 2 * len(right & found) / (len(right) + len(found)) if right & found else 0.0


def chunks(sentences: Sequence[Sequence[str]]) -> Iterator[tuple[str, int, int]]:
    """(type, first, last) of every chunk; positions count the words and one gap after each sentence.

    The first letter of a tag is its prefix and the rest its type, a rule for tags such as B-PER that XTREME also lets
    loose on bare part-of-speech tags. The faults that follow are part of the published scores and are kept:

    - NOUN is prefix N and type OUN: equal neighbours merge into one chunk, as only B, S or another type starts one;
    - SYM and SCONJ have the prefix S (single), so that SYM SYM stay two chunks;
    - X has no type left and gets the one that a gap has, too: an X that ends a sentence is no chunk, and an X that
      begins one, unless it is the very first, counts from where the last chunk began.
    """
    previous, previous_type, first = "O", "", 0
    position = 0
    for sentence in sentences:
        for tag in (*sentence, "O"):
            prefix = tag[0]
            kind = tag[1:].split("-", maxsplit=1)[-1] or "_"
            if _ends(previous, prefix, previous_type != kind):
                yield previous_type, first, position - 1
            if _starts(previous, prefix, previous_type != kind):
                first = position
            previous, previous_type = prefix, kind
            position += 1


def _ends(previous: str, prefix: str, other_type: bool) -> bool:
    """Whether a chunk ends between two tags with these prefixes."""
    if previous in "ES" or (previous in "BI" and prefix in "BSO"):
        return True
    return previous not in "O." and other_type


def _starts(previous: str, prefix: str, other_type: bool) -> bool:
    """Whether a chunk starts at the second of two tags: also at an I without B (the rule of conlleval)."""
    if prefix in "BS" or (previous in "ESO" and prefix in "EI"):
        return True
    return prefix not in "O." and other_type


def mining_threshold(gold: Sequence[int], predicted: Sequence[int], scores: Sequence[float]) -> float:
    """The score from which on a mined pair counts, such that F1 is highest (BUCC chooses it on gold data).

    (queries,) each: index of the translation (-1: none), index of the mined candidate (-1: none), score of that pair.
    Halfway between the last pair that is kept and the first that is not; the last pair's own score if all are kept.
    Of equally good cuts the one with fewest pairs. Pairs of equal score are kept or dropped together.
    """
    check_lengths(gold, predicted)
    check_lengths(gold, scores)
    rows = zip(gold, predicted, scores, strict=True)
    mined = sorted((-score, right != guess) for right, guess, score in rows if guess >= 0)
    true = sum(right >= 0 for right in gold)
    hits, best, threshold = 0, 0.0, float("inf")
    for i, (negative, wrong) in enumerate(mined):
        hits += not wrong
        if i + 1 < len(mined) and mined[i + 1][0] == negative:
            continue
        f1 = 2 * hits / (true + i + 1)
        if f1 > best:
            best = f1
            following = mined[i + 1][0] if i + 1 < len(mined) else negative
            threshold = -(negative + following) / 2
    return threshold


def mining_f1(gold: Sequence[int], predicted: Sequence[int], scores: Sequence[float], threshold: float) -> float:
    """F1 of the pairs mined with at least `threshold`, against the true pairs; shapes as in `mining_threshold`.

    BUCC's score. XTREME takes the threshold from its dev data; taking it from the scored data itself flatters.
    """
    check_lengths(gold, predicted)
    check_lengths(gold, scores)
    rows = zip(gold, predicted, scores, strict=True)
    kept = [(right, guess) for right, guess, score in rows if guess >= 0 and score >= threshold]
    true = sum(right >= 0 for right in gold)
    hits = sum(right == guess for right, guess in kept)
    return 2 * hits / (true + len(kept)) if hits else 0.0


def span_scores(
    gold: Sequence[Sequence[str]], predicted: Sequence[str], language: str, rule: Literal["squad", "mlqa"]
) -> dict[str, float]:
    """`exact_match` and `f1` of extracted answers; their mean is a task score of XTREME.

    `gold`: (questions, accepted answers), `predicted`: (questions,); `language` is that of the context, by which
    MLQA normalises. Raises ValueError on unequal lengths and for a language that MLQA's rule does not know.
    """
    normalise = normaliser(rule, language)
    return {"exact_match": exact_match(gold, predicted, normalise), "f1": answer_f1(gold, predicted, normalise)}


def exact_match(gold: Sequence[Sequence[str]], predicted: Sequence[str], normalise: Normalise) -> float:
    """Mean over questions of: the prediction equals an accepted answer.

    `gold`: (questions, accepted answers), `predicted`: (questions,). Of several accepted answers the best counts
    (SQuAD 1.1). Without accepted answers, no answer is right, and it is an empty prediction (SQuAD 2.0).
    """
    check_lengths(gold, predicted)
    hits = sum(
        any(normalise(guess) == normalise(answer) for answer in answers or ("",))
        for answers, guess in zip(gold, predicted, strict=True)
    )
    return hits / len(gold)


def answer_f1(gold: Sequence[Sequence[str]], predicted: Sequence[str], normalise: Normalise) -> float:
    """Mean over questions of the F1 of the words of prediction and accepted answer; shapes as in `exact_match`.

    Kept from SQuAD 1.1: where normalisation leaves nothing of an accepted answer ("The"), F1 is 0 although the exact
    match is 1.
    """
    check_lengths(gold, predicted)
    total = 0.0
    for answers, guess in zip(gold, predicted, strict=True):
        if answers:
            total += max(_overlap(normalise(answer).split(), normalise(guess).split()) for answer in answers)
        else:
            total += not normalise(guess)
    return total / len(gold)


def _overlap(answer: Sequence[str], guess: Sequence[str]) -> float:
    """F1 of two bags of words; 0 where they share none."""
    shared = sum((Counter(answer) & Counter(guess)).values())
    return 2 * shared / (len(answer) + len(guess)) if shared else 0.0
