"""Rows of retrieval datasets to pools: parallel sentences, sentences to mine, and questions with ranked candidates."""

from collections.abc import Mapping, Sequence

import datasets

from spaces.dataset import Dataset
from spaces.errors import UsageError
from trainables.examples import Parallel, Ranking

Breaks = Sequence[tuple[int, int]]


def parallel(rows: datasets.Dataset, dataset: Dataset) -> Parallel:
    """A pool in which row i translates row i. The hub leaves a line feed at the end of every sentence."""
    queries = tuple((text or "").strip() for text in rows[dataset.columns["query"]][:])
    candidates = tuple((text or "").strip() for text in rows[dataset.columns["candidate"]][:])
    return Parallel(queries, candidates, tuple(range(len(queries))))


def mining(rows: datasets.Dataset, dataset: Dataset) -> Parallel:
    """A pool with distractors: one row with two lists of sentences and the pairs (from 1) that are translations.

    Raises UsageError for pairs that point outside the lists, and for another number of rows.
    """
    if len(rows) != 1:
        raise UsageError(f"{dataset.name}: one row with two lists of sentences is needed, got {len(rows)} rows.")
    row = rows[0]
    queries, candidates = (tuple(text.strip() for text in row[dataset.columns[r]]) for r in ("query", "candidate"))
    gold = [-1] * len(queries)
    for query, candidate in row[dataset.columns["gold"]]:
        if not (1 <= query <= len(queries) and 1 <= candidate <= len(candidates)):
            raise UsageError(
                f"{dataset.name}: the gold pair {[query, candidate]} points outside the {len(queries)} and "
                f"{len(candidates)} sentences (places count from 1)."
            )
        gold[query - 1] = candidate - 1
    return Parallel(queries, candidates, tuple(gold))


def answer_sentences(by_language: Mapping[str, datasets.Dataset], dataset: Dataset) -> dict[str, Ranking]:
    """LAReQA: per language its questions; the candidates are every sentence of every language, the same tuple for all.

    Relevant to a question are the sentences in which its answer begins, in each language that has the question (the
    rule of XTREME-R's utils_lareqa.py). A question whose answer begins in no sentence is left out, as there.
    """
    places: dict[tuple[str, str, int], int] = {}
    texts: list[str] = []
    relevant: dict[str, set[int]] = {}
    questions: dict[str, dict[str, str]] = {code: {} for code in by_language}
    for code, rows in by_language.items():
        roles = ("id", "question", "context", "answers", "sentences")
        for name, question, context, answer, sentences in zip(
            *(rows[dataset.columns[role]][:] for role in roles), strict=True
        ):
            for start, stop in sentences:
                if (code, context, start) not in places:
                    places[code, context, start] = len(texts)
                    texts.append(context[start:stop])
            found = _holding(context, sentences, answer["answer_start"])
            relevant.setdefault(name, set()).update(places[code, context, start] for start in found)
            if found:
                questions[code][name] = question
    candidates = tuple(texts)
    return {
        code: Ranking(tuple(asked.values()), candidates, tuple(frozenset(relevant[name]) for name in asked))
        for code, asked in questions.items()
    }


def _holding(context: str, sentences: Breaks, answer_starts: Sequence[int]) -> list[int]:
    """Where the sentences begin that hold the answer: the one it begins in, and its repetitions in the paragraph."""
    texts = {context[start:stop] for start, stop in sentences for at in answer_starts[:1] if start <= at < stop}
    return [start for start, stop in sentences if context[start:stop] in texts]


def entities(
    by_language: Mapping[str, datasets.Dataset], mention: Dataset, index: datasets.Dataset, entity: Dataset
) -> dict[str, Ranking]:
    """Mewsli-X: per language its mentions; the candidates are the descriptions of all entities, the same tuple for all.

    Raises UsageError for mentions of entities that the index lacks: their score could only be 0.
    """
    place = {name: i for i, name in enumerate(index[entity.columns["entity"]][:])}
    candidates = tuple(index[entity.columns["candidate"]][:])
    pools = {}
    for language, rows in by_language.items():
        meant = rows[mention.columns["entity"]][:]
        absent = sorted({name for name in meant if name not in place})
        if absent:
            raise UsageError(
                f"{mention.name}: the index lacks {len(absent)} entities that are mentioned in {language!r}, "
                f"e.g. {absent[0]!r}; give the whole index."
            )
        queries = tuple(rows[mention.columns["mention"]][:])
        pools[language] = Ranking(queries, candidates, tuple(frozenset({place[name]}) for name in meant))
    return pools
