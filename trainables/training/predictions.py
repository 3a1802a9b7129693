"""Predictions on test and dev sets as Arrow tables in the documented columns: one table per target and language.

A stage's tables form one file. Each prediction has its part of the task score beside it, computed by the functions
that compute the score itself.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from spaces.prediction_columns import PREDICTION_COLUMNS
from spaces.task import Task
from trainables.features.examples import Pool, RankingPool, SpanExample
from trainables.kinds import KINDS
from trainables.kinds.kind import ScoreParts
from trainables.record.results import build_schema
from trainables.scoring.metrics import MinedPair, average_precisions, mark_hits
from trainables.training.clusters import find_clusters, find_query_clusters
from trainables.training.evaluation import EvalSet

SCHEMA = build_schema(PREDICTION_COLUMNS)


def build_prediction_table(
    stage_key: str, eval_set: EvalSet, predictions: Sequence[Any], split: str = "test"
) -> pa.Table:
    """Return the table of a stage's predictions in one language.

    `predictions` has one entry per example: a label id, a list of them, or an answer (see trainables/kinds).
    """
    task, language = eval_set.task, eval_set.language
    return _build_table(
        stage_key,
        task,
        language,
        split=split,
        examples=range(len(predictions)),
        ids=[example.id if isinstance(example, SpanExample) else None for example in eval_set.examples],
        clusters=find_clusters(task, eval_set.examples),
        predictions=[format_prediction(task, prediction) for prediction in predictions],
        scores=[None] * len(predictions),
        parts=KINDS[task.kind].compute_parts(task, eval_set.examples, predictions, language),
    )


def format_prediction(task: Task, prediction: Any) -> list[str]:
    """Return a prediction as text, in the form documented for the column `prediction`."""
    match task.kind:
        case "pair" | "text":
            return [task.labels[prediction]]
        case "tagging":
            return [task.labels[tag] for tag in prediction]
        case "mlm":
            return [str(guess.word) for guess in prediction]
        case _:
            return [str(prediction)]


def build_retrieval_table(
    stage_key: str, task: Task, language: str, pool: Pool, pairs: Sequence[MinedPair]
) -> pa.Table:
    """Return the table of a retrieval stage's results in one language.

    `pairs` are (query, candidate, score), both as indices into the pool: the mined pairs of a mining task, the best
    candidates of each query of a ranking task, best first, and one pair per query of any other task.
    """
    names: Sequence[str] = pool.query_ids  # none where the data give none
    clusters = find_query_clusters(task, pool)
    if task.retrieval_mode == "nearest":
        names = [str(line) for line in find_sorted_positions(pool.queries)]
    return _build_table(
        stage_key,
        task,
        language,
        split="test",
        examples=[query for query, _, _ in pairs],
        ids=[names[query] if names else None for query, _, _ in pairs],
        clusters=None if clusters is None else [clusters[query] for query, _, _ in pairs],
        predictions=[[str(candidate)] for _, candidate, _ in pairs],
        scores=[score for _, _, score in pairs],
        parts=_compute_retrieval_parts(task, pool, pairs),
    )


def _compute_retrieval_parts(task: Task, pool: Pool, pairs: Sequence[MinedPair]) -> ScoreParts:
    """Return numerators and denominators: 0 or 1 of 1 (nearest), or average precision of 1 (ranking).

    In a ranking they stand in the row of the query's best candidate. All other rows have None: the F1 of mined pairs
    also depends on queries without a row.
    """
    numerators: list[float | None] = [None] * len(pairs)
    if isinstance(pool, RankingPool):
        rankings: dict[int, list[int]] = {}
        first_row = {query: row for row, (query, _, _) in reversed(list(enumerate(pairs)))}
        for query, candidate, _ in pairs:
            rankings.setdefault(query, []).append(candidate)
        precisions = average_precisions([pool.relevant[query] for query in rankings], list(rankings.values()))
        for query, precision in zip(rankings, precisions, strict=True):
            numerators[first_row[query]] = precision
    elif task.retrieval_mode == "nearest":
        numerators = [*mark_hits([pool.gold[query] for query, _, _ in pairs], [candidate for _, candidate, _ in pairs])]
    return numerators, [None if numerator is None else 1 for numerator in numerators]


def find_sorted_positions(sentences: Sequence[str]) -> list[int]:
    """Return the position of each sentence after sorting. Equal sentences keep their order.

    XTREME sorts the English side of Tatoeba, its queries, so that line numbers do not give the answers away (its
    utils_preprocess.py): lines stripped of blanks, by code point, as Python sorts text in any locale.
    """
    order = sorted(range(len(sentences)), key=lambda i: sentences[i].strip())
    return sorted(order, key=order.__getitem__)  # the inverse permutation


def _build_table(
    stage_key: str,
    task: Task,
    language: str,
    *,
    split: str,
    examples: Sequence[int],
    ids: Sequence[str | None],
    clusters: Sequence[int] | None,
    predictions: Sequence[list[str]],
    scores: Sequence[float | None],
    parts: ScoreParts,
) -> pa.Table:
    constants = {"stage": stage_key, "target": task.name, "language": language, "split": split}
    # Arrow accepts neither integers nor booleans as doubles.
    numerators, denominators = ([None if part is None else float(part) for part in side] for side in parts)
    columns = {
        **{name: [value] * len(examples) for name, value in constants.items()},
        "example": examples,
        "id": ids,
        "cluster": [None] * len(examples) if clusters is None else clusters,
        "prediction": predictions,
        "score": scores,
        "numerator": numerators,
        "denominator": denominators,
    }
    return pa.table(columns, schema=SCHEMA)
