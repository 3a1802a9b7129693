"""Parquet files of a stage in documented columns: their schemas, writing, and the families in a file of probes."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spaces.columns import Column


def build_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of documented columns."""
    lists = {"list<string>": pa.list_(pa.string()), "list<double>": pa.list_(pa.float64())}
    return pa.schema([pa.field(column.name, lists.get(column.type, column.type)) for column in columns])


def write_tables(path: Path, tables: Sequence[pa.Table]) -> None:
    """Write tables of one schema as one Parquet file."""
    pq.write_table(pa.concat_tables(tables), path, compression="zstd")


def families_in(content: bytes) -> set[str]:
    """Return the families of probes in a file; none if it is damaged."""
    try:
        return set(pq.read_table(BytesIO(content), columns=["family"])["family"].to_pylist())
    except (pa.ArrowInvalid, KeyError, OSError):
        return set()
