"""English dev by tenth of the arms that compete: one small file per stratum, so that early stopping survives a restart.

Ray does not save a scheduler's state. A file is replaced whole, so nothing in it is torn by a kill; what a disk or a
hand has damaged is set aside and named.
"""

import json
import math
import re
from pathlib import PurePosixPath

from spaces.stage import TENTHS
from trainables.storage.base import Storage, quarantine, write_text

RungEntry = tuple[str, int, float]  # key of a stage, tenth, score
_ENTRY_PATTERN = re.compile(r'\["([\w.+-]+)", (\d+), (-?\d+(?:\.\d+)?(?:e[-+]\d+)?)\]')


class RungScores:
    """Scores in the order in which they came in. The last tenth is in none of them: nothing is decided there."""

    def __init__(self, storage: Storage, folder: str) -> None:
        """`folder` has one file per stratum."""
        self.storage, self.folder = storage, folder
        self.entries: dict[str, list[RungEntry]] = {}
        self.curves: dict[str, list[float]] = {}  # the same by stage
        self.damage: list[str] = []  # what was found to be damaged: one line each
        self.damaged_strata: set[str] = set()  # strata whose file was damaged
        for name in sorted(storage.list_sizes(folder)):
            file = PurePosixPath(name)
            if file.suffix == ".json" and not file.name.startswith("."):
                self._read_file(name, stratum=file.stem)

    def _read_file(self, name: str, stratum: str) -> None:
        content = (self.storage.read(name) or b"").decode(errors="replace")
        entries = parse_whole_entries(content)
        for key, _, score in entries:
            self.add(stratum, key, score)
        if json.dumps(entries) != content:
            self.damaged_strata.add(stratum)
            kept = f"its first {len(entries)} entries are kept" if entries else "its stratum's rungs begin afresh"
            self.damage.append(f"{name} is damaged; {kept} -> {quarantine(self.storage, name)}")
            if entries:
                self.write(stratum)

    def add(self, stratum: str, key: str, score: float) -> RungEntry:
        """Take the score of a stage's next tenth."""
        curve = self.curves.setdefault(key, [])
        curve.append(score)
        entry = key, len(curve), score
        self.entries.setdefault(stratum, []).append(entry)
        return entry

    def count_tenths(self, key: str) -> int:
        """How many tenths of a stage were heard of."""
        return len(self.curves.get(key, ()))

    def write(self, stratum: str) -> None:
        """Put the stratum's scores on disk."""
        write_text(self.storage, f"{self.folder}/{stratum}.json", json.dumps(self.entries[stratum]))


def parse_whole_entries(content: str) -> list[RungEntry]:
    """The entries of a file up to the first damaged one: stage, tenth and score, each stage's tenths one by one.

    What follows is lost, since the order in which scores came in may decide what is stopped.
    """
    entries: list[RungEntry] = []
    last: dict[str, int] = {}
    place = 1 if content.startswith("[") else len(content)
    while match := _ENTRY_PATTERN.match(content, place):
        key, tenth, score = match[1], int(match[2]), float(match[3])
        if tenth != last.get(key, 0) + 1 or tenth >= TENTHS or not math.isfinite(score):
            break
        last[key] = tenth
        entries.append((key, tenth, score))
        place = match.end() + len(", ")
    return entries
