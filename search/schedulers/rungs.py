"""English dev scores by tenth of competing arms: one small file per stratum, so early stopping survives a restart.

Ray does not save a scheduler's state. A file is replaced whole, so a kill tears nothing; a file that the disk or a hand
has damaged is moved aside and reported.
"""

import json
import math
import re
from pathlib import PurePosixPath
from typing import NamedTuple

from spaces.stage import TENTHS
from trainables.storage.base import Storage, quarantine, write_text

# An entry and what follows it: the next one, or the end of the file.
_ENTRY_PATTERN = re.compile(r'\["([\w.+-]+)", (\d+), (-?\d+(?:\.\d+)?(?:e[-+]\d+)?)\](, |\]\Z)?')


class RungEntry(NamedTuple):
    """The English dev score of a stage after a tenth; a JSON list in the file."""

    key: str
    tenth: int
    score: float


class RungScores:
    """Scores in the order of arrival. The last tenth is never among them, since nothing is decided there."""

    def __init__(self, storage: Storage, folder: str) -> None:
        """Read the folder, which has one file per stratum."""
        self.storage, self.folder = storage, folder
        self.entries: dict[str, list[RungEntry]] = {}  # by stratum
        self.curves: dict[str, list[float]] = {}  # the same scores by stage
        self.damage: list[str] = []  # damaged files found so far, one line each
        self.damaged_strata: set[str] = set()  # strata whose files were damaged
        for name in sorted(storage.list_sizes(folder)):
            file = PurePosixPath(name)
            if file.suffix == ".json" and not file.name.startswith("."):
                self._read_file(name, stratum=file.stem)

    def _read_file(self, name: str, stratum: str) -> None:
        content = (self.storage.read(name) or b"").decode(errors="replace")
        entries, is_whole = parse_whole_entries(content)
        if entries:
            self.entries[stratum] = entries
        for key, _, score in entries:
            self.curves.setdefault(key, []).append(score)
        if not is_whole:
            self.damaged_strata.add(stratum)
            kept = f"its first {len(entries)} entries are kept" if entries else "none of its entries are kept"
            self.damage.append(f"{name} is damaged; {kept} -> {quarantine(self.storage, name)}")
            if entries:
                self.write(stratum)

    def add(self, stratum: str, key: str, score: float) -> None:
        """Add the score of a stage's next tenth."""
        curve = self.curves.setdefault(key, [])
        curve.append(score)
        self.entries.setdefault(stratum, []).append(RungEntry(key, len(curve), score))

    def count_tenths(self, key: str) -> int:
        """Return the number of tenths of a stage that have scores."""
        return len(self.curves.get(key, ()))

    def write(self, stratum: str) -> None:
        """Write the stratum's file."""
        write_text(self.storage, f"{self.folder}/{stratum}.json", json.dumps(self.entries[stratum]))


def parse_whole_entries(content: str) -> tuple[list[RungEntry], bool]:
    """Return the entries of a file before the first damaged one, and True if that is the whole file.

    Each stage's tenths must count up from 1. What follows the damage is lost, since the order of arrival may decide
    which arms are stopped.
    """
    entries: list[RungEntry] = []
    last_tenths: dict[str, int] = {}
    position, end = 1 if content.startswith("[") else len(content), "]" if content == "[]" else None
    while match := _ENTRY_PATTERN.match(content, position):
        key, tenth, score, end = match[1], int(match[2]), float(match[3]), match[4]
        if tenth != last_tenths.get(key, 0) + 1 or tenth >= TENTHS or not math.isfinite(score):
            return entries, False
        last_tenths[key] = tenth
        entries.append(RungEntry(key, tenth, score))
        position = match.end() if end == ", " else len(content)
    return entries, end == "]"
