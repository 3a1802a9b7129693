"""One file with the rows of all finished stages of a sweep, beside its record: it opens faster than thousands.

The rows are in `scores.parquet`. `scores.json` holds the checksum of `scores.parquet`, and that of each stage's file
with its size and time of change. A file with another size or time is read, and counts as changed if its checksum
differs: then its stage is read from it. So results may be moved, and no change is missed: no program can set the time.
"""

import io
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from analysis.scores.record import SCORES_FILE
from analysis.scores.tidy import SCHEMA
from spaces.checksum import checksum, read_mark
from spaces.errors import UsageError, first_line_of
from spaces.whole_files import write_file

CHECKSUMS_FILE = "scores.json"
VERSION = 2  # raised when rows or checksums change their meaning; other versions are not used
READ_THREADS = 8  # files read at a time: on a network a read is mostly waiting
REBUILD_HINT = "Run analysis/compact.py to rebuild it."


@dataclass(frozen=True, slots=True)
class Compaction:
    """The compacted rows of the stages whose files have not changed since."""

    rows: pl.DataFrame
    stage_keys: frozenset[str]  # keys of these stages; a stage may have no rows
    note: str | None = None  # why the compaction is not used, or that some stages have changed


NO_COMPACTION = Compaction(pl.DataFrame(schema=SCHEMA), frozenset())


@dataclass(frozen=True, slots=True)
class FileSeal:
    """What tells that a file has not changed: its checksum, or sooner its size in bytes and time of change in ns."""

    checksum: str
    size: int
    changed: int

    def fits(self, file: Path) -> bool:
        """Return True if a file surely is the sealed one, False if that is not sure. Nothing is read."""
        try:
            return read_mark(file) == (self.size, self.changed)
        except OSError:
            return False


def seal_files(files: Sequence[Path]) -> dict[str, FileSeal]:
    """Return the seals of the stages' files that can be read, by stage key."""

    def seal_part(part: Sequence[Path]) -> dict[str, FileSeal]:
        seals = {}
        for file in part:
            try:
                mark = read_mark(file)  # before its contents: a change in between makes a seal that never fits
                if mark is not None:
                    seals[file.parent.name] = FileSeal(checksum(file.read_bytes()), *mark)
            except OSError:  # reported when its rows are read
                continue
        return seals

    with ThreadPoolExecutor(READ_THREADS) as pool:
        parts = pool.map(seal_part, [files[i::READ_THREADS] for i in range(READ_THREADS)])
        return {key: value for part in parts for key, value in part.items()}


def read_compaction(folder: Path, files: Sequence[Path]) -> Compaction:
    """Return what the compaction of the sweep in `folder` holds of those of these stages' files that are unchanged."""
    path = folder / CHECKSUMS_FILE
    if not path.is_file():
        return NO_COMPACTION
    try:
        rows, seals = _read_files(folder)
    except (OSError, ValueError, KeyError, TypeError, PolarsError) as error:
        note = f"{path} is not used: {first_line_of(error).rstrip('.')}. {REBUILD_HINT}"
        return Compaction(NO_COMPACTION.rows, frozenset(), note)
    compacted = {key: file for file in files if (key := file.parent.name) in seals}
    fitting = {key for key, file in compacted.items() if seals[key].fits(file)}
    others = seal_files([file for key, file in compacted.items() if key not in fitting])
    unchanged = frozenset(fitting | {key for key, seal in others.items() if seals[key].checksum == seal.checksum})
    changed_count = len(compacted) - len(unchanged)
    note = f"{path}: {changed_count} stages have changed since and were read again. {REBUILD_HINT}"
    if len(unchanged) < len(seals):
        rows = rows.filter(pl.col("stage").is_in(unchanged))
    return Compaction(rows, unchanged, note if changed_count else None)


def _read_files(folder: Path) -> tuple[pl.DataFrame, Mapping[str, FileSeal]]:
    """Return rows and the seals of the files that they come from; raise ValueError for a damaged compaction."""
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
    return rows, {key: FileSeal(*fields) for key, fields in stages.items()}


def write_compaction(folder: Path, rows: pl.DataFrame, seals: Mapping[str, FileSeal]) -> int:
    """Write the compaction of the sweep in `folder` from rows and the seals of the stages' files.

    Return its size in bytes; raise UsageError if it cannot be written.
    """
    buffer = io.BytesIO()
    rows.write_parquet(buffer, statistics=False)
    content = buffer.getvalue()
    stages = {key: [seal.checksum, seal.size, seal.changed] for key, seal in seals.items()}
    index = json.dumps({"version": VERSION, "rows": checksum(content), "stages": stages})
    try:
        # After an interruption between the two files the older seals do not match the new rows: it is not used.
        for name, data in ((SCORES_FILE, content), (CHECKSUMS_FILE, index.encode())):
            write_file(folder / name, partial(Path.write_bytes, data=data))
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error}.") from error
    return len(content) + len(index)
