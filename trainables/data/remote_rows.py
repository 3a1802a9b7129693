"""A look at a Parquet file on the hub: its rows are counted and its first one is read, without downloading the rest."""

import functools
from dataclasses import dataclass
from typing import Any

import pyarrow
import pyarrow.parquet

from spaces.errors import UsageError, first_line_of
from trainables.repositories.remote_file import BLOCK_BYTES, RemoteFile
from trainables.repositories.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class FileLook:
    """The number of rows of a file, its schema (pyarrow), and its open reader."""

    row_count: int
    schema: Any
    reader: Any

    def read_first_row(self, columns: tuple[str, ...]) -> Any:
        """Return the first row of these columns as an Arrow table; without rows, an empty table."""
        known = [name for name in columns if name in self.schema.names]
        batch = next(self.reader.iter_batches(batch_size=1, columns=known), None) if self.row_count else None
        return self.schema.empty_table().select(known) if batch is None else pyarrow.Table.from_batches([batch])


@functools.lru_cache(maxsize=1024)
def look_at(snapshot: Snapshot, name: str) -> FileLook:
    """Look at a file of a repository. Raises UsageError if the hub cannot be asked, or if it is no Parquet file."""
    file = snapshot.find_file(name)
    assert file is not None
    try:
        # Without read-ahead and with a small buffer, the first row takes one page of each column.
        reader = pyarrow.parquet.ParquetFile(RemoteFile(snapshot, file), pre_buffer=False, buffer_size=BLOCK_BYTES)
    except (pyarrow.ArrowException, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(
            f"{snapshot.repo_id} {name} is not a readable Parquet file: {first_line_of(error)}."
        ) from error
    return FileLook(reader.metadata.num_rows, reader.schema_arrow, reader)
