"""One file with the rows of all finished stages of a sweep, beside its record: it opens faster than thousands.

The rows are in `scores.parquet`. `scores.json` holds the checksum of each stage's file and of `scores.parquet`. A stage
whose file has changed in any way is read from its own file, wherever the results are moved to.
"""

import io
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from analysis.scores.record import SCORES_FILE
from analysis.scores.tidy import SCHEMA
from spaces.checksum import checksum
from spaces.errors import UsageError, first_line_of

CHECKSUMS_FILE = "scores.json"
VERSION = 1  # raised when rows or checksums change their meaning; other versions are not used
READ_THREADS = 8  # files read at a time: on a network a read is mostly waiting
REBUILD_HINT = "Run analysis/compact.py to rebuild it."


@dataclass(frozen=True, slots=True)
class Compaction:
    """The compacted rows of the stages whose files have not changed since."""

    rows: pl.DataFrame
    stage_keys: frozenset[str]  # keys of these stages; a stage may have no rows
    note: str | None = None  # why the compaction is not used, or that some stages have changed


NO_COMPACTION = Compaction(pl.DataFrame(schema=SCHEMA), frozenset())


def checksum_files(files: Sequence[Path]) -> dict[str, str]:
    """Return the checksums of the stages' files that can be read, by stage key."""

    def checksum_part(part: Sequence[Path]) -> dict[str, str]:
        checksums = {}
        for file in part:
            try:
                checksums[file.parent.name] = checksum(file.read_bytes())
            except OSError:  # reported when its rows are read
                continue
        return checksums

    with ThreadPoolExecutor(READ_THREADS) as pool:
        parts = pool.map(checksum_part, [files[i::READ_THREADS] for i in range(READ_THREADS)])
        return {key: value for part in parts for key, value in part.items()}


def read_compaction(folder: Path, files: Sequence[Path]) -> Compaction:
    """Return what the compaction of the sweep in `folder` holds of these stages' files, checked by their checksums."""
    path = folder / CHECKSUMS_FILE
    if not path.is_file():
        return NO_COMPACTION
    try:
        rows, checksums = _read_files(folder)
    except (OSError, ValueError, KeyError, TypeError, PolarsError) as error:
        note = f"{path} is not used: {first_line_of(error).rstrip('.')}. {REBUILD_HINT}"
        return Compaction(NO_COMPACTION.rows, frozenset(), note)
    compacted = [file for file in files if file.parent.name in checksums]
    unchanged = frozenset(key for key, value in checksum_files(compacted).items() if checksums[key] == value)
    changed_count = len(compacted) - len(unchanged)
    note = f"{path}: {changed_count} stages have changed since and were read again. {REBUILD_HINT}"
    return Compaction(rows.filter(pl.col("stage").is_in(unchanged)), unchanged, note if changed_count else None)


def _read_files(folder: Path) -> tuple[pl.DataFrame, Mapping[str, str]]:
    """Return rows and the checksums of the files that they come from; raise ValueError for a damaged compaction."""
    index = json.loads((folder / CHECKSUMS_FILE).read_text(encoding="utf-8"))
    if index["version"] != VERSION:
        raise ValueError(f"it has version {index['version']}, this program reads version {VERSION}")
    content = (folder / SCORES_FILE).read_bytes()
    if index["rows"] != checksum(content):
        raise ValueError(f"{SCORES_FILE} beside it is damaged or another file")
    rows = pl.read_parquet(io.BytesIO(content))
    stages = index["stages"]
    if rows.schema != SCHEMA or not isinstance(stages, dict) or not set(rows["stage"].unique()) <= stages.keys():
        raise ValueError("its rows are not those of its stages")
    return rows, stages


def write_compaction(folder: Path, rows: pl.DataFrame, checksums: Mapping[str, str]) -> int:
    """Write the compaction of the sweep in `folder` from rows and the checksums of the stages' files.

    Return its size in bytes; raise UsageError if it cannot be written.
    """
    buffer = io.BytesIO()
    rows.write_parquet(buffer, statistics=False)
    content = buffer.getvalue()
    index = json.dumps({"version": VERSION, "rows": checksum(content), "stages": dict(checksums)}, indent=1)
    try:
        # After an interruption between the two files the older checksums do not match the new rows: it is not used.
        for name, data in ((SCORES_FILE, content), (CHECKSUMS_FILE, index.encode())):
            temporary = folder / f".{name}.{os.getpid()}"
            temporary.write_bytes(data)
            temporary.replace(folder / name)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error}.") from error
    return len(content) + len(index)
