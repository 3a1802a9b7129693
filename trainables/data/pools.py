"""Conversion of rows to retrieval pools: parallel sentences, sentences to mine, questions with ranked candidates."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from spaces.errors import UsageError
from trainables.data.column_shapes import field_of
from trainables.data.dataset_rows import DatasetRows
from trainables.data.rows import find_nearest
from trainables.features.examples import ParallelPool, RankingPool

SentenceBreaks = Sequence[tuple[int, int]]


def build_parallel_pool(rows: DatasetRows) -> ParallelPool:
    """Build a pool in which candidate i translates query i.

    Texts are stripped: the hub ends every sentence in a line feed. Raises UsageError for a row without one of its
    sentences, because a smaller pool would be an easier task.
    """
    queries, candidates = _texts_of(rows, "query"), _texts_of(rows, "candidate")
    return ParallelPool(queries, candidates, tuple(range(len(queries))))


def build_mining_pool(rows: DatasetRows) -> ParallelPool:
    """Build a pool with distractors, from one row: two lists of sentences, and the pairs that are translations.

    Indices in pairs start at 1. A second translation of a sentence is left out and counted. Raises UsageError for a
    missing sentence, for pairs that are none or point outside the lists, and for more or fewer rows than one.
    """
    if len(rows) != 1:
        raise UsageError(f"one row with two lists of sentences is needed, got {len(rows)} rows.")
    columns = rows.dataset.columns
    queries, candidates = (_require_texts(rows.column(role)[0] or (), columns[role]) for role in ("query", "candidate"))
    gold = [-1] * len(queries)
    repeated = 0
    for pair in rows.column("gold")[0] or ():
        first, second = _require_number_pair(pair, "gold pair")
        if not (1 <= first <= len(queries) and 1 <= second <= len(candidates)):
            raise UsageError(
                f"the gold pair {pair} points outside the {len(queries)} and {len(candidates)} sentences "
                "(indices start at 1)."
            )
        if gold[first - 1] in (-1, second - 1):
            gold[first - 1] = second - 1
        else:
            repeated += 1
    if set(gold) <= {-1}:
        raise UsageError("there are no gold pairs, so nothing can be scored: get the file with labels.")
    return ParallelPool(queries, candidates, tuple(gold), left_out={"second translation": repeated} if repeated else {})


def _texts_of(rows: DatasetRows, role: str) -> tuple[str, ...]:
    return _require_texts(rows.column(role), rows.dataset.columns[role])


def _require_texts(texts: Sequence[str | None], column: str) -> tuple[str, ...]:
    """Return stripped texts; raises UsageError for one that is missing or empty."""
    stripped = tuple((text or "").strip() for text in texts)
    if "" in stripped:
        position = stripped.index("") + 1
        raise UsageError(f"the column {column} has no text at position {position} of {len(texts)}; get the whole file.")
    return stripped


def _require_number_pair(value: Sequence[int] | None, role: str) -> tuple[int, int]:
    if value is None or len(value) != 2 or None in value:
        raise UsageError(f"the {role} {value} is not a pair of numbers.")
    return value[0], value[1]


def build_answer_pools(by_language: Mapping[str, DatasetRows]) -> dict[str, RankingPool]:
    """Build LAReQA's pools: the queries are one language's questions, the candidates all sentences of all languages.

    All pools share one tuple of candidates. Relevant to a question are the sentences in which its answer begins, in
    each language that has the question (the rule of XTREME-R's utils_lareqa.py). A question whose answer begins in no
    sentence is left out, as in that script, and counted; so is a question whose id was used before in its language. An
    offset that misses the answer is repaired. Raises UsageError for sentence breaks that are missing or lie outside the
    paragraph.
    """
    indices: dict[tuple[str, str, int], int] = {}  # of candidates, by language, paragraph and first character
    candidates: list[str] = []
    relevant: dict[str, set[int]] = {}
    questions: dict[str, dict[str, tuple[str, str]]] = {code: {} for code in by_language}  # with their paragraphs
    left_out: dict[str, Counter[str]] = {code: Counter() for code in by_language}
    for code, rows in by_language.items():
        seen: set[str] = set()
        for question_id, question, context, answers, breaks in rows.iter_columns(
            "id", "question", "context", "answers", "sentences"
        ):
            if not (question_id and question and context) or question_id in seen:
                left_out[code]["repeated id" if question_id in seen else "no id, question or context"] += 1
                continue
            seen.add(question_id)
            sentences = _check_breaks(breaks, context, question_id)
            for start, stop in sentences:
                if (code, context, start) not in indices:
                    indices[code, context, start] = len(candidates)
                    candidates.append(context[start:stop])
            starts = _find_answer_sentences(context, sentences, answers)
            relevant.setdefault(question_id, set()).update(indices[code, context, start] for start in starts)
            if starts:
                questions[code][question_id] = question, context
            else:
                left_out[code]["answer in no sentence"] += 1
    shared_candidates = tuple(candidates)
    return {
        code: RankingPool(
            tuple(question for question, _ in queries.values()),
            shared_candidates,
            tuple(frozenset(relevant[question_id]) for question_id in queries),
            query_ids=tuple(queries),
            query_passages=tuple(context for _, context in queries.values()),
            left_out=dict(left_out[code]),
        )
        for code, queries in questions.items()
    }


def _check_breaks(breaks: SentenceBreaks | None, context: str, question_id: str) -> SentenceBreaks:
    """Return start and end of every sentence; raises UsageError for breaks that are missing or outside the context."""
    sentences = [_require_number_pair(pair, "sentence break") for pair in breaks or ()]
    if not sentences or not all(0 <= start < stop <= len(context) for start, stop in sentences):
        raise UsageError(
            f"the sentence breaks of {question_id!r} are {sentences}, in a paragraph of {len(context)} characters: "
            "give [start, end] of every sentence."
        )
    return sentences


def _find_answer_sentences(context: str, sentences: SentenceBreaks, answers: Any) -> list[int]:
    """Return the starts of the sentences that hold the answer: where it begins, and repetitions of that sentence."""
    answer_starts = [
        find_nearest(context, text or "", at)
        for text, at in zip(field_of(answers, "text"), field_of(answers, "answer_start"), strict=False)
    ]
    texts = {context[start:stop] for start, stop in sentences for at in answer_starts[:1] if start <= at < stop}
    return [start for start, stop in sentences if context[start:stop] in texts]


def build_entity_pools(by_language: Mapping[str, DatasetRows], index: DatasetRows) -> dict[str, RankingPool]:
    """Build Mewsli-X's pools: the queries are one language's mentions, the candidates descriptions of all entities.

    All pools share one tuple of candidates. Raises UsageError for mentions of entities that the index lacks (their
    score could only be 0), for an entity that is in the index twice, and for missing texts.
    """
    entities = _texts_of(index, "entity")
    index_of = {entity: i for i, entity in enumerate(entities)}
    if len(index_of) < len(entities):
        repeated = next(entity for i, entity in enumerate(entities) if index_of[entity] != i)
        raise UsageError(f"the index has the entity {repeated!r} more than once: give each entity one description.")
    candidates = _texts_of(index, "candidate")
    pools = {}
    for language, rows in by_language.items():
        mentioned = _texts_of(rows, "entity")
        absent = sorted({entity for entity in mentioned if entity not in index_of})
        if absent:
            raise UsageError(
                f"the index lacks {len(absent)} entities that are mentioned in {language!r}, "
                f"e.g. {absent[0]!r}; give the whole index."
            )
        queries = _texts_of(rows, "mention")
        relevant = tuple(frozenset({index_of[entity]}) for entity in mentioned)
        pools[language] = RankingPool(queries, candidates, relevant)
    return pools
