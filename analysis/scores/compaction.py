"""One file with the rows of all finished stages of a sweep, beside its record: opened sooner than thousands.

It is `scores.parquet`, and `scores.json` says what it was made of: the seal of each stage's file and its own. A seal is
the length and the hash of a content, so that a file changed in any way is read itself, wherever results are moved to.
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
from spaces.errors import UsageError

CHECKSUMS_FILE = "scores.json"
VERSION = 1  # raised when rows or seals change their meaning: other versions are not used
READ_THREADS = 8  # files that are read at a time: on a network a read is mostly waiting


@dataclass(frozen=True, slots=True)
class Compaction:
    """The rows of those stages whose files are as they were when it was made; the others are to be read."""

    rows: pl.DataFrame
    stage_keys: frozenset[str]  # keys of the stages whose rows these are; a stage may have none
    note: str | None = None  # why it is not used, or not for every stage that has changed


NO_COMPACTION = Compaction(pl.DataFrame(schema=SCHEMA), frozenset())


def checksum_files(files: Sequence[Path]) -> dict[str, str]:
    """The seals of stages' files that can be read, by the stages' keys."""

    def some(part: Sequence[Path]) -> dict[str, str]:
        found = {}
        for file in part:
            try:
                found[file.parent.name] = checksum(file.read_bytes())
            except OSError:  # who reads its rows will say so
                continue
        return found

    with ThreadPoolExecutor(READ_THREADS) as pool:
        parts = pool.map(some, [files[i::READ_THREADS] for i in range(READ_THREADS)])
        return {key: value for part in parts for key, value in part.items()}


def read_compaction(folder: Path, files: Sequence[Path]) -> Compaction:
    """What the compaction of the sweep in `folder` holds of these files of stages. It is checked, not trusted."""
    if not (folder / CHECKSUMS_FILE).is_file():
        return NO_COMPACTION
    try:
        rows, made_of = _read_files(folder)
    except (OSError, ValueError, KeyError, TypeError, PolarsError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        return Compaction(
            NO_COMPACTION.rows, frozenset(), f"{folder / CHECKSUMS_FILE} is not used: {why}. {_REBUILD_HINT}"
        )
    known = [file for file in files if file.parent.name in made_of]
    now = checksum_files(known)
    same = frozenset(key for key, value in now.items() if made_of[key] == value)
    changed = len(known) - len(same)
    note = (
        f"{folder / CHECKSUMS_FILE}: {changed} stages have changed since and were read again. {_REBUILD_HINT}"
        if changed
        else None
    )
    return Compaction(rows.filter(pl.col("stage").is_in(same)), same, note)


_REBUILD_HINT = "analysis/compact.py makes it anew."


def _read_files(folder: Path) -> tuple[pl.DataFrame, Mapping[str, str]]:
    """Rows, and the seals of the files they come from; raises ValueError for what is no whole compaction."""
    made_of = json.loads((folder / CHECKSUMS_FILE).read_text(encoding="utf-8"))
    if made_of["version"] != VERSION:
        raise ValueError(f"it is of version {made_of['version']}, this program reads {VERSION}")
    content = (folder / SCORES_FILE).read_bytes()
    if made_of["rows"] != checksum(content):
        raise ValueError(f"{SCORES_FILE} beside it is another file, or damaged")
    rows = pl.read_parquet(io.BytesIO(content))
    stages = made_of["stages"]
    if rows.schema != SCHEMA or not isinstance(stages, dict) or not set(rows["stage"].unique()) <= stages.keys():
        raise ValueError("its rows are not those of its stages")
    return rows, stages


def write_compaction(folder: Path, rows: pl.DataFrame, stages: Mapping[str, str]) -> int:
    """Write the compaction of the sweep in `folder`: rows, and seals of the stages' files. Returns its bytes.

    Raises:
        UsageError: it cannot be written.
    """
    content = io.BytesIO()
    rows.write_parquet(content, statistics=False)
    made_of = json.dumps({"version": VERSION, "rows": checksum(content.getvalue()), "stages": dict(stages)}, indent=1)
    try:
        # Cut short between the two, it is not used: the seal in the older file is of other rows.
        for name, text in ((SCORES_FILE, content.getvalue()), (CHECKSUMS_FILE, made_of.encode())):
            temporary = folder / f".{name}.{os.getpid()}"
            temporary.write_bytes(text)
            temporary.replace(folder / name)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error}.") from error
    return len(content.getvalue()) + len(made_of)
