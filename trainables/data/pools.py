"""Rows of retrieval datasets to pools: parallel sentences, sentences to mine, and questions with ranked candidates."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import datasets

from spaces.dataset import DatasetSpec
from spaces.errors import UsageError
from trainables.data.column_shapes import field_of
from trainables.data.rows import find_nearest
from trainables.features.examples import ParallelPool, RankingPool

SentenceBreaks = Sequence[tuple[int, int]]


def build_parallel_pool(rows: datasets.Dataset, dataset: DatasetSpec) -> ParallelPool:
    """A pool in which row i translates row i. The hub leaves a line feed at the end of every sentence.

    Raises UsageError for a row without one of its sentences: a smaller pool would be another task.
    """
    queries, candidates = (_require_texts(rows[dataset.columns[r]][:], r, dataset) for r in ("query", "candidate"))
    return ParallelPool(queries, candidates, tuple(range(len(queries))))


def build_mining_pool(rows: datasets.Dataset, dataset: DatasetSpec) -> ParallelPool:
    """A pool with distractors: one row with two lists of sentences and the pairs (from 1) that are translations.

    Raises UsageError for a missing sentence, for pairs that are none or point outside the lists, for another number of
    rows. A second translation of a sentence is left out and counted.
    """
    if len(rows) != 1:
        raise UsageError(f"one row with two lists of sentences is needed, got {len(rows)} rows.")
    row = rows[0]
    queries, candidates = (_require_texts(row[dataset.columns[r]] or (), r, dataset) for r in ("query", "candidate"))
    gold = [-1] * len(queries)
    repeated = 0
    for pair in row[dataset.columns["gold"]] or ():
        first, second = _require_pair(pair, "gold pair", dataset)
        if not (1 <= first <= len(queries) and 1 <= second <= len(candidates)):
            raise UsageError(
                f"the gold pair {pair} points outside the {len(queries)} and {len(candidates)} sentences "
                "(places count from 1)."
            )
        if gold[first - 1] in (-1, second - 1):
            gold[first - 1] = second - 1
        else:
            repeated += 1
    if set(gold) <= {-1}:
        raise UsageError("there are no gold pairs, so that nothing can be scored: get the labelled file.")
    return ParallelPool(queries, candidates, tuple(gold), left_out={"second translation": repeated} if repeated else {})


def _require_texts(texts: Sequence[str | None], role: str, dataset: DatasetSpec) -> tuple[str, ...]:
    """Texts without blanks around them; raises UsageError for one that is missing or empty."""
    for i, text in enumerate(texts):
        if not (text or "").strip():
            raise UsageError(
                f"the column {dataset.columns[role]} has no text in place {i + 1} of {len(texts)}; get the whole file."
            )
    return tuple((text or "").strip() for text in texts)


def _require_pair(found: Sequence[int] | None, what: str, dataset: DatasetSpec) -> tuple[int, int]:
    if found is None or len(found) != 2 or None in found:
        raise UsageError(f"the {what} {found} is not a pair of numbers.")
    return found[0], found[1]


def build_answer_pools(by_language: Mapping[str, datasets.Dataset], dataset: DatasetSpec) -> dict[str, RankingPool]:
    """LAReQA: per language its questions; the candidates are every sentence of every language, the same tuple for all.

    Relevant to a question are the sentences in which its answer begins, in each language that has the question (the
    rule of XTREME-R's utils_lareqa.py). A question whose answer begins in no sentence is left out, as there, and
    counted; so is one whose id stands a second time in its language. An offset that misses the answer is repaired.
    Raises UsageError for sentence breaks that are missing or lie outside the paragraph.
    """
    places: dict[tuple[str, str, int], int] = {}
    texts: list[str] = []
    relevant: dict[str, set[int]] = {}
    questions: dict[str, dict[str, str]] = {code: {} for code in by_language}
    left_out: dict[str, Counter[str]] = {code: Counter() for code in by_language}
    roles = ("id", "question", "context", "answers", "sentences")
    for code, rows in by_language.items():
        seen: set[str] = set()
        for name, question, context, answers, breaks in zip(
            *(rows[dataset.columns[role]][:] for role in roles), strict=True
        ):
            if not (name and question and context) or name in seen:
                left_out[code]["id twice" if name in seen else "no id, question or context"] += 1
                continue
            seen.add(name)
            sentences = _check_breaks(breaks, context, name, dataset)
            for start, stop in sentences:
                if (code, context, start) not in places:
                    places[code, context, start] = len(texts)
                    texts.append(context[start:stop])
            found = _find_answer_sentences(context, sentences, answers)
            relevant.setdefault(name, set()).update(places[code, context, start] for start in found)
            if found:
                questions[code][name] = question
            else:
                left_out[code]["answer in no sentence"] += 1
    candidates = tuple(texts)
    return {
        code: RankingPool(
            tuple(asked.values()),
            candidates,
            tuple(frozenset(relevant[name]) for name in asked),
            query_ids=tuple(asked),
            left_out=dict(left_out[code]),
        )
        for code, asked in questions.items()
    }


def _check_breaks(found: SentenceBreaks | None, context: str, name: str, dataset: DatasetSpec) -> SentenceBreaks:
    """Where the sentences of a paragraph begin and end; raises UsageError for what cannot be that."""
    pairs = [_require_pair(one, "sentence break", dataset) for one in found or ()]
    if not pairs or not all(0 <= start < stop <= len(context) for start, stop in pairs):
        raise UsageError(
            f"the sentence breaks of {name!r} are {pairs}, in a paragraph of {len(context)} characters: "
            "[start, end] of every sentence is needed."
        )
    return pairs


def _find_answer_sentences(context: str, sentences: SentenceBreaks, answers: Any) -> list[int]:
    """Where the sentences begin that hold the answer: the one it begins in, and its repetitions in the paragraph."""
    begun = [
        find_nearest(context, text or "", at)
        for text, at in zip(field_of(answers, "text"), field_of(answers, "answer_start"), strict=False)
    ]
    texts = {context[start:stop] for start, stop in sentences for at in begun[:1] if start <= at < stop}
    return [start for start, stop in sentences if context[start:stop] in texts]


def build_entity_pools(
    by_language: Mapping[str, datasets.Dataset], mention: DatasetSpec, index: datasets.Dataset, entity: DatasetSpec
) -> dict[str, RankingPool]:
    """Mewsli-X: per language its mentions; the candidates are the descriptions of all entities, the same tuple for all.

    Raises UsageError for mentions of entities that the index lacks, whose score could only be 0, for an entity that
    stands there twice, and for missing texts.
    """
    names = _require_texts(index[entity.columns["entity"]][:], "entity", entity)
    place = {name: i for i, name in enumerate(names)}
    if len(place) < len(names):
        twice = next(name for i, name in enumerate(names) if place[name] != i)
        raise UsageError(f"the index has the entity {twice!r} more than once: give each one description.")
    candidates = _require_texts(index[entity.columns["candidate"]][:], "candidate", entity)
    pools = {}
    for language, rows in by_language.items():
        meant = _require_texts(rows[mention.columns["entity"]][:], "entity", mention)
        absent = sorted({name for name in meant if name not in place})
        if absent:
            raise UsageError(
                f"the index lacks {len(absent)} entities that are mentioned in {language!r}, "
                f"e.g. {absent[0]!r}; give the whole index."
            )
        queries = _require_texts(rows[mention.columns["mention"]][:], "mention", mention)
        pools[language] = RankingPool(queries, candidates, tuple(frozenset({place[name]}) for name in meant))
    return pools
