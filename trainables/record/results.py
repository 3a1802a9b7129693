"""The results of a stage: its test results, and the Parquet files beside the scores, in documented columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from spaces.columns import Column
from trainables.features.examples import format_left_out


@dataclass(frozen=True, slots=True)
class TestResults:
    """Scores on the test sets, with predictions and notes."""

    __test__: ClassVar[bool] = False  # pytest would collect a class of this name

    rows: list[dict[str, Any]] = field(default_factory=list)  # one per score, with some columns of `spaces.columns`
    predictions: list[pa.Table] = field(default_factory=list)  # if they are kept
    notes: list[str] = field(default_factory=list)  # what a reader of the scores must know, a line each
    degeneracies: list[str] = field(default_factory=list)  # why there is no score, a line each

    def note_left_out(self, subject: str, left_out: Mapping[str, int]) -> None:
        """Add a note on what `subject` lacks: rows that gave no example, by reason, and entities, by type."""
        if left_out:
            self.notes.append(f"left out of {subject}: {format_left_out(left_out)}")


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
