"""The measurements of a phase, in the columns of `spaces/preview.py`: one file in the folder of its stage."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from spaces.probe_columns import PREVIEW_COLUMNS, PREVIEW_FILE
from trainables.record.context import StageContext
from trainables.record.results import build_schema, write_tables

SCHEMA = build_schema(PREVIEW_COLUMNS)


def is_previewed(key: str, context: StageContext) -> bool:
    """Return True if a phase was measured after as many tenths as the context's preview asks for."""
    table = _read_table(key, context)
    return table is not None and max(table["tenth"].to_pylist(), default=0) >= context.preview_tenth


def append_measurements(key: str, rows: Sequence[Mapping[str, Any]], context: StageContext) -> None:
    """Add rows to those that the phase has from earlier tenths."""
    earlier, table = _read_table(key, context), pa.Table.from_pylist([*rows], schema=SCHEMA)
    tables = [table] if earlier is None else [earlier, table]
    context.results.write_file(context.file_name(key, PREVIEW_FILE), partial(write_tables, tables=tables))


def _read_table(key: str, context: StageContext) -> pa.Table | None:
    """Return the measurements of a phase; None if there are none, or the file is damaged: then it is measured again."""
    content = context.results.read(context.file_name(key, PREVIEW_FILE))
    try:
        return None if content is None else pq.read_table(pa.BufferReader(content), schema=SCHEMA)
    except (pa.ArrowException, OSError):
        return None
