"""Optuna's journal in the results. It is whole after every write, also on storage that cannot append to files.

Optuna's own file backend appends (a kill leaves half a line, after which the file is unreadable) and locks by a link
that a killed process leaves behind. One driver writes here, under the lock of the results, so neither is needed. The
format is the same, one JSON object a line: `optuna-dashboard` reads it.
"""

import json
from collections.abc import Iterable
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from trainables.storage.base import Storage, quarantine, write_text


class DrawsJournal(BaseJournalBackend):
    """The journal of a sweep's draws. A damaged file is moved aside; the entries before the damage are kept."""

    def __init__(self, storage: Storage, name: str, *, read_only: bool = False) -> None:
        """With `read_only` entries are added in memory alone, to preview a sweep."""
        self.storage, self.name, self.read_only = storage, name, read_only
        self.damage: list[str] = []  # damaged files found so far, one line each
        self.logs: list[dict[str, Any]] = []
        content = storage.read(name) or b""
        try:
            for line in content.decode().splitlines():
                log = json.loads(line)
                if not isinstance(log, dict) or "op_code" not in log:
                    raise ValueError(f"not an entry of a journal: {line[:40]!r}")
                self.logs.append(log)
        except (ValueError, RecursionError):
            self.truncate(len(self.logs))

    def truncate(self, count: int) -> None:
        """Keep the first entries only, since the next one is damaged, and move the old file aside."""
        self.logs = self.logs[:count]
        if self.read_only:
            return
        moved_to = quarantine(self.storage, self.name)
        self.damage.append(f"{self.name} is damaged; its first {count} entries are kept -> {moved_to}")
        self._write()

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """Return the entries from a number on."""
        return self.logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Add entries, and write the whole file."""
        self.logs += json.loads(json.dumps(logs))  # as a reader of the file would see them
        self._write()

    def _write(self) -> None:
        if not self.read_only:
            lines = (json.dumps(log, separators=(",", ":")) + "\n" for log in self.logs)
            write_text(self.storage, self.name, "".join(lines))
