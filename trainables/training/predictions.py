"""Predictions on the test sets, as Arrow tables in the documented columns: one per target and language, one file.

Beside each stands what it brings to the task score, computed by the functions that the score itself comes from.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from spaces.prediction_columns import PREDICTION_COLUMNS
from spaces.task import Task
from trainables.features.examples import Pool, RankingPool, SpanExample
from trainables.kinds import KINDS
from trainables.kinds.kind import ScoreParts
from trainables.scoring.metrics import average_precisions, mark_hits
from trainables.training.evaluation import EvalSet

PART_COLUMNS = ("numerator", "denominator")
ARROW_TYPES = {
    "string": pa.string(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "list<string>": pa.list_(pa.string()),
}
SCHEMA = pa.schema([pa.field(column.name, ARROW_TYPES[column.type]) for column in PREDICTION_COLUMNS])


def build_prediction_table(stage: str, evaluated: EvalSet, predictions: Sequence[Any], split: str = "test") -> pa.Table:
    """What the stage with key `stage` predicted in one language: label ids, lists of them, or answers (`kinds/`)."""
    task, language = evaluated.task, evaluated.language
    return _build_table(
        stage,
        task,
        language,
        split=split,
        examples=range(len(predictions)),
        ids=[example.id if isinstance(example, SpanExample) else None for example in evaluated.examples],
        predictions=[format_prediction(task, prediction) for prediction in predictions],
        scores=[None] * len(predictions),
        parts=KINDS[task.kind].compute_parts(task, evaluated.examples, predictions, language),
    )


def format_prediction(task: Task, prediction: Any) -> list[str]:
    """One prediction in words, as the column `prediction` documents them."""
    match task.kind:
        case "pair":
            return [task.labels[prediction]]
        case "tagging":
            return [task.labels[tag] for tag in prediction]
        case "mlm":
            return [str(guess.word) for guess in prediction]
        case _:
            return [str(prediction)]


def build_retrieval_table(
    stage: str, task: Task, language: str, pool: Pool, found: Sequence[tuple[int, int, float]]
) -> pa.Table:
    """What a retrieval stage found in one language: (query, candidate, score), both as places in the pool.

    A mining task gives the pairs it mined, a ranking the best of each query, best first, any other task one pair per
    query.
    """
    names = _name_queries(task, pool)
    return _build_table(
        stage,
        task,
        language,
        split="test",
        examples=[query for query, _, _ in found],
        ids=[names[query] if names else None for query, _, _ in found],
        predictions=[[str(candidate)] for _, candidate, _ in found],
        scores=[score for _, _, score in found],
        parts=_compute_retrieval_parts(task, pool, found),
    )


def _name_queries(task: Task, pool: Pool) -> Sequence[str]:
    """What the queries are called; empty where they have no names."""
    return (
        pool.query_ids
        if task.retrieval_mode != "nearest"
        else [str(line) for line in find_sorted_positions(pool.queries)]
    )


def _compute_retrieval_parts(task: Task, pool: Pool, found: Sequence[tuple[int, int, float]]) -> ScoreParts:
    """A query's right or not, of one; or its average precision, of one, in the row of its best candidate.

    None elsewhere: the F1 of mined pairs also depends on queries without a row.
    """
    numerators: list[float | None] = [None] * len(found)
    if isinstance(pool, RankingPool):
        ranked: dict[int, list[int]] = {}
        first = {query: row for row, (query, _, _) in reversed(list(enumerate(found)))}
        for query, candidate, _ in found:
            ranked.setdefault(query, []).append(candidate)
        precisions = average_precisions([pool.relevant[query] for query in ranked], list(ranked.values()))
        for query, precision in zip(ranked, precisions, strict=True):
            numerators[first[query]] = precision
    elif task.retrieval_mode == "nearest":
        numerators = [*mark_hits([pool.gold[query] for query, _, _ in found], [candidate for _, candidate, _ in found])]
    return numerators, [None if numerator is None else 1 for numerator in numerators]


def find_sorted_positions(sentences: Sequence[str]) -> list[int]:
    """The place of each sentence after sorting; of equal ones the first as read comes first.

    XTREME sorts the English side of Tatoeba, its queries, so that line numbers do not give the answers away (its
    utils_preprocess.py): lines without blanks around them, by code point, as Python sorts text, whatever the locale.
    """
    order = sorted(range(len(sentences)), key=lambda i: sentences[i].strip())
    places = [0] * len(sentences)
    for place, i in enumerate(order):
        places[i] = place
    return places


def _build_table(
    stage: str,
    task: Task,
    language: str,
    *,
    split: str,
    examples: Sequence[int],
    ids: Sequence[str | None],
    predictions: Sequence[list[str]],
    scores: Sequence[float | None],
    parts: ScoreParts,
) -> pa.Table:
    columns = {
        **{name: [value] * len(examples) for name, value in (("stage", stage), ("target", task.name))},
        **{name: [value] * len(examples) for name, value in (("language", language), ("split", split))},
        "example": examples,
        "id": ids,
        "prediction": predictions,
        "score": scores,
        # Arrow takes whole numbers and booleans for no doubles.
        **{
            name: [None if value is None else float(value) for value in values]
            for name, values in zip(PART_COLUMNS, parts, strict=True)
        },
    }
    return pa.table(columns, schema=SCHEMA)


def write_predictions(path: Path, tables: Sequence[pa.Table]) -> None:
    """Write the tables of a stage as one Parquet file."""
    pq.write_table(pa.concat_tables(tables), path, compression="zstd")
