"""The writer of a sweep's status file; search/sweep/status_file.py says what it is for."""

import dataclasses
import json
import os
import platform
import time
from collections.abc import Callable

from search.board.board import Board
from search.driver.progress_tracker import ProgressTracker, SweepProgress
from search.sweep.status_file import (
    STATUS_FILE,
    VERSION,
    WRITE_INTERVAL,
    SweepStatus,
    format_utc_now,
    read_machine_id,
)
from search.sweep.throttle import Throttle
from trainables.storage.base import Storage, write_text
from trainables.worker.process import start_ticks_of


class StatusWriter:
    """Writes the status of a sweep as its tracker sees it. An error is reported once, and never ends the sweep."""

    def __init__(
        self,
        results: Storage,
        sweep: str,
        slots: int,
        print_line: Callable[[str], object],
        *,
        estimates_left: bool = True,
    ) -> None:
        self.results, self.name, self.slots, self.print_line = results, f"{sweep}/{STATUS_FILE}", slots, print_line
        self.started, self.write_count, self.last_write = format_utc_now(), 0, -WRITE_INTERVAL
        self.tracker, self._throttle = ProgressTracker(estimates_left=estimates_left), Throttle(0.0)
        self._progress: SweepProgress | None = None
        self._has_warned = False

    def write_if_due(self, board: Board) -> None:
        """Write the file if WRITE_INTERVAL has passed since the last time."""
        if time.monotonic() - self.last_write >= WRITE_INTERVAL:
            self._write(board, None)

    def write_last(self, board: Board, ended: str) -> None:
        """Write the file for the last time; `ended` says how the run ended."""
        self._write(board, ended)

    def _write(self, board: Board, ended: str | None) -> None:
        self.last_write = time.monotonic()
        self.write_count += 1
        try:
            progress = self._observe(board, ended)
            status = SweepStatus(
                process=os.getpid(),
                host=platform.node(),
                machine=read_machine_id(),
                process_began=start_ticks_of(os.getpid()),
                began=self.started,
                written=format_utc_now(),
                count=self.write_count,
                slots=self.slots,
                ended=ended,
                running=() if ended else progress.running,
                left=progress.left,
            )
            content = {"version": VERSION, **dataclasses.asdict(status)}
            write_text(self.results, self.name, json.dumps(content, indent=1))
        except Exception as error:  # the status is not worth the sweep
            if not self._has_warned:
                self.print_line(f"{self.name} cannot be written ({error}). search/status.py shows an older state.")
            self._has_warned = True

    def _observe(self, board: Board, ended: str | None) -> SweepProgress:
        """Return the progress; that of an earlier write if this would take much of the driver's time."""
        if self._progress is None or ended or self._throttle.is_due:
            with self._throttle.timed():
                self._progress = self.tracker.observe(board, self.slots)
        return self._progress
