"""The file of a stage's probes: its schema, writing, and the families in it."""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from spaces.probe_columns import PROBE_COLUMNS

ARROW_TYPES = {
    "string": pa.string(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "list<double>": pa.list_(pa.float64()),
}
SCHEMA = pa.schema([pa.field(column.name, ARROW_TYPES[column.type]) for column in PROBE_COLUMNS])


def build_probe_table(stage: Mapping[str, Any], measurements: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return measurements as rows, each with the columns of its stage."""
    return pa.Table.from_pylist([{**stage, **measurement} for measurement in measurements], schema=SCHEMA)


def write_probes(path: Path, tables: Sequence[pa.Table]) -> None:
    """Write the tables of a stage's probes as one Parquet file."""
    pq.write_table(pa.concat_tables(tables), path, compression="zstd")


def families_in(content: bytes) -> set[str]:
    """Return the families of probes in a file; none if it is damaged."""
    try:
        return set(pq.read_table(BytesIO(content), columns=["family"])["family"].to_pylist())
    except (pa.ArrowInvalid, KeyError, OSError):
        return set()
