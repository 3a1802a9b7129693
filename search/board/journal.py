"""The journal of a sweep: outcomes that were verified before, so that a start over many stages reads no other file.

<results>/<sweep>/outcomes.jsonl has a line per stage that has ended: a checksum, then JSON with the stage's key, the
sizes and times of its files, and its outcome. A line counts only while all of these files have the same size and time
of change (`ctime`, which no program can set), so a file that was damaged, replaced or moved is verified again. Lines
are appended; of a key the last one counts, and a torn or damaged line is no line. Object storage has no such times:
there is no journal.
"""

import dataclasses
import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spaces.checksum import read_mark
from spaces.stage import OUTCOME_FILE
from spaces.whole_files import write_file
from trainables.record.context import SCORES, SPEC
from trainables.record.outcome import Outcome
from trainables.storage.local_storage import LocalStorage

JOURNAL_FILE = "outcomes.jsonl"
FILES = (OUTCOME_FILE, SCORES, SPEC)
STALE_FACTOR = 2  # the file is written anew when it has more than this many lines for each key

FIELDS = {field.name for field in dataclasses.fields(Outcome)}  # of this version of the program

Marks = list[list[int] | None]  # size and time of change (ns) of each of FILES; None if there is no such file


class OutcomeJournal:
    """The journal of one sweep in a folder. With `read_only` nothing is written."""

    def __init__(self, results: LocalStorage, sweep: str, *, read_only: bool = False) -> None:
        self.stages, self.path = f"{results.root}/stages", results.root / sweep / JOURNAL_FILE
        self.read_only = read_only
        lines = _read_lines(self.path)
        self._entries = _parse_entries(lines)
        is_torn = bool(lines) and not lines[-1].endswith(b"\n")
        if is_torn or len(lines) > STALE_FACTOR * max(1, len(self._entries)):
            self._rewrite()

    def find(self, key: str) -> Outcome | None:
        """Return the outcome of a stage whose files are those that were verified; None for any other."""
        entry = self._entries.get(key)
        if entry is None or entry["files"] != self._read_marks(key):
            return None
        fields = entry["outcome"]
        return Outcome(**{**fields, "curve": tuple(fields["curve"])})

    def add(self, outcome: Outcome) -> None:
        """Record a stage whose files are verified, or were written by this sweep's own workers."""
        entry = {
            "key": outcome.key,
            "files": self._read_marks(outcome.key),
            "outcome": dataclasses.asdict(outcome),
        }
        if self.read_only or entry == self._entries.get(outcome.key):
            return
        self._entries[outcome.key] = entry
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_format_line(entry))

    def _read_marks(self, key: str) -> Marks:
        folder = f"{self.stages}/{key}"
        marks = [read_mark(f"{folder}/{name}") for name in FILES]
        return [None if mark is None else list(mark) for mark in marks]  # as JSON has them

    def _rewrite(self) -> None:
        if self.read_only:
            return
        text = "".join(map(_format_line, self._entries.values()))
        write_file(self.path, lambda path: path.write_text(text, encoding="utf-8"))


def _format_line(entry: Mapping[str, Any]) -> str:
    text = json.dumps(entry)
    return f"{zlib.crc32(text.encode()):08x} {text}\n"


def _read_lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _parse_entries(lines: Iterable[bytes]) -> dict[str, dict[str, Any]]:
    """Return the last whole entry of each key, without those of other versions of the program."""
    whole: list[bytes] = []
    for line in lines:
        checksum, _, text = line.rstrip(b"\n").partition(b" ")
        if checksum == b"%08x" % zlib.crc32(text):
            whole.append(text)
    entries = json.loads(b"[" + b",".join(whole) + b"]")  # in two thirds of the time of a call per line
    return {entry["key"]: entry for entry in entries if entry["outcome"].keys() == FIELDS}
