"""Optuna's journal in the results, whole after every write, also where files cannot be appended to.

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
    """The journal of a sweep's draws. Of a damaged file the lines before the damage are kept; it is set aside."""

    def __init__(self, storage: Storage, name: str, *, read_only: bool = False) -> None:
        """With `read_only` entries are added to memory alone, for a look at what a sweep would do."""
        self.storage, self.name, self.read_only = storage, name, read_only
        self.damage: list[str] = []  # what was found to be damaged: one line each
        self.logs: list[dict[str, Any]] = []
        content = storage.read(name) or b""
        try:
            for line in content.decode().splitlines():
                log = json.loads(line)
                if not isinstance(log, dict) or "op_code" not in log:
                    raise ValueError(f"{line[:40]!r} is no entry of a journal.")
                self.logs.append(log)
        except (ValueError, RecursionError):
            self.truncate(len(self.logs))

    def truncate(self, number: int) -> None:
        """Keep the first entries only: what follows is damaged. The file is set aside as it was."""
        self.logs = self.logs[:number]
        if self.read_only:
            return
        aside = quarantine(self.storage, self.name)
        self.damage.append(f"{self.name} is damaged; its first {number} entries are kept -> {aside}")
        self._write()

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """The entries from a number on."""
        return self.logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Add entries, and write the whole file."""
        self.logs += json.loads(json.dumps(logs))  # as a reader of the file would see them
        self._write()

    def _write(self) -> None:
        if not self.read_only:
            lines = (json.dumps(log, separators=(",", ":")) + "\n" for log in self.logs)
            write_text(self.storage, self.name, "".join(lines))
