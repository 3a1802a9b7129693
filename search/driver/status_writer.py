"""The writer of a sweep's status file; search/sweep/status_file.py says what it is for."""

import dataclasses
import json
import os
import platform
import time
from collections.abc import Callable
from typing import Any

from search.board.board import Board
from search.sweep.status_file import (
    STATUS_FILE,
    VERSION,
    WRITE_INTERVAL,
    RunningStage,
    SweepStatus,
    format_utc_now,
    read_machine_id,
)
from trainables.storage.base import Storage, write_text
from trainables.worker.process import start_ticks_of


class StatusWriter:
    """Writes the status of a sweep. An error in writing is reported once, and never ends the sweep."""

    def __init__(self, results: Storage, sweep: str, slots: int, print_line: Callable[[str], object]) -> None:
        self.results, self.name, self.slots, self.print_line = results, f"{sweep}/{STATUS_FILE}", slots, print_line
        self.started, self.write_count, self.last_write = format_utc_now(), 0, -WRITE_INTERVAL
        self._started_by_key: dict[str, tuple[str, float]] = {}
        self._reported_by_key: dict[str, dict[str, Any]] = {}  # fields of RunningStage
        self._has_warned = False

    def record_progress(self, key: str, curve: list[float], node: str | None) -> None:
        """Record a stage's report after a tenth: its English dev scores so far, and its node."""
        if curve:
            self._reported_by_key[key] = {"tenth": len(curve), "dev": curve[-1], "node": node}

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
                running=() if ended else tuple(self._list_running(board)),
            )
            content = {"version": VERSION, **dataclasses.asdict(status)}
            write_text(self.results, self.name, json.dumps(content, indent=1))
        except Exception as error:  # the status is not worth the sweep
            if not self._has_warned:
                self.print_line(f"{self.name} cannot be written ({error}). search/status.py shows an older state.")
            self._has_warned = True

    def _list_running(self, board: Board) -> list[RunningStage]:
        now = (format_utc_now(), time.monotonic())
        self._started_by_key = {key: self._started_by_key.get(key, now) for key in board.running}
        stages = []
        for key, (_, arm) in board.running.items():
            since, started = self._started_by_key[key]
            seconds, reported = round(time.monotonic() - started, 1), self._reported_by_key.get(key, {})
            stages.append(RunningStage(key=key, label=arm.stage.label, since=since, seconds=seconds, **reported))
        return stages
