"""Score rows of a stage, which the analysis reads: one Parquet file in the documented columns."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from spaces.activities import ACTIVITIES, column_of
from spaces.columns import COLUMNS, VERSION
from spaces.errors import first_line_of
from spaces.language import ENGLISH
from spaces.phase import passes_of
from spaces.stage import Stage
from trainables.record.outcome import Outcome
from trainables.record.results import build_schema

SCHEMA = build_schema(COLUMNS)


def build_score_rows(stage: Stage, rows: Sequence[Mapping[str, Any]], outcome: Outcome) -> list[dict[str, Any]]:
    """Return complete score rows: each of `rows` has target, tenth, language, split, metric and value of one score."""
    common = {
        "version": VERSION,
        "stage": stage.key,
        "parent": stage.parent,
        "kind": stage.kind,
        "benchmark": stage.benchmark,
        "model": stage.start["name"],
        "intermediate": stage.intermediate,
        "seed": stage.seed,
        "learning_rate": stage.learning_rate,
        "status": outcome.status,
        "reason": outcome.reason,
        "steps": outcome.steps,
        "passes": outcome.steps * passes_of(stage.recipe),
        "seconds": outcome.seconds,
        **{column_of(activity): outcome.spent.get(activity) for activity in ACTIVITIES},
        "checkpoint_bytes": outcome.written,
        "device": outcome.device,
        "limited": is_limited(stage),
    }
    return [{**common, **row} for row in rows]


def is_limited(stage: Stage) -> bool:
    """Return True if a bound of the sweep shortens the stage's rows, steps or inputs."""
    has_fewer_rows = stage.limit is not None or stage.test_limit is not None
    return has_fewer_rows or bool((stage.recipe or {}).get("is_bounded"))


def encode_scores(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the bytes of a Parquet file with the rows; raises KeyError for a column that is not documented."""
    unknown = {name for row in rows for name in row} - set(SCHEMA.names)
    if unknown:
        raise KeyError(f"undocumented columns: {sorted(unknown)}")
    table = pa.Table.from_pylist([{name: row.get(name) for name in SCHEMA.names} for row in rows], schema=SCHEMA)
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd")
    return content.getvalue()


def has_foreign_dev(content: bytes) -> bool:
    """Return True if score rows hold dev scores of a language other than English; False if they are damaged."""
    try:
        rows = pq.read_table(pa.BufferReader(content), columns=["split", "language"]).to_pylist()
    except (pa.ArrowException, OSError, KeyError):
        return False
    return any(row["split"] == "dev" and row["language"] != ENGLISH for row in rows)


def find_rows_fault(content: bytes, key: str) -> str | None:
    """Say what is wrong with score rows that have no checksum; None for intact rows of the stage `key`."""
    try:
        stages = pq.read_table(pa.BufferReader(content))["stage"].to_pylist()
    except (pa.ArrowException, OSError, KeyError) as error:
        return f"is damaged: {first_line_of(error)}"
    other_stages = set(stages) - {key}
    return f"is damaged: it has rows of stage {min(map(str, other_stages))}" if other_stages else None
