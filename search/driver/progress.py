"""The progress of a running sweep: a live table in a terminal, plain lines elsewhere."""

import time
from collections import Counter
from typing import Any

from ray import tune
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from search.board.board import Board
from search.driver.status_writer import StatusWriter
from search.sweep.estimate import estimate_time_left, find_best_so_far
from search.sweep.throttle import Throttle
from search.sweep.units import format_duration

LINE_INTERVAL = 10.0  # seconds between plain lines
MIN_REDRAW_INTERVAL = 0.25  # seconds between redraws of the table

COUNT_NAMES = ("done", "running", "stopped", "degenerate", "reused", "failed")
UNSTARTED_COUNT_NAMES = ("unreachable", "decided early")  # stages that will never start


def count_stages(board: Board) -> Counter[str]:
    """Count the stages by the names above, and those that are `planned`; `done` are those finished in this run."""
    states = board.states.values()
    counts: Counter[str] = Counter(planned=sum(state.arm_count for state in states))
    for _, arm in board.iter_arms():
        if arm.status is None:
            counts["running"] += arm.is_running
        else:
            counts["reused" if arm.is_reused else "done" if arm.status == "finished" else arm.status] += 1
    counts["unreachable"] = sum(state.arm_count for state in states if state.unreachable_reason)
    counts["decided early"] = sum(state.arm_count for state in states if state.is_decided)
    return counts


def format_progress(board: Board, slots: int, started: float) -> str:
    """Return the progress of a sweep in one line; `started` is by the monotonic clock."""
    counts = count_stages(board)
    names = (*COUNT_NAMES, *UNSTARTED_COUNT_NAMES)
    settled = sum(counts[name] for name in names if name != "running")
    parts = [f"{settled} of {counts['planned']} stages", *(f"{counts[name]} {name}" for name in names if counts[name])]
    line = f"[{format_duration(time.monotonic() - started)}] {', '.join(parts)}"
    left = estimate_time_left(board.states.values(), slots)
    if left is not None and settled < counts["planned"]:
        line += f"; about {format_duration(left)} left"
    return line


def format_best(board: Board) -> str:
    """Return the best intermediate task so far for each training set in one line; empty before there is one."""
    best = find_best_so_far(board.states.values())
    parts = [f"{task} {name} {100 * score:.1f}" for task, (name, score) in best.items()]
    return f"    best so far (English dev): {', '.join(parts)}" if parts else ""


class ProgressCallback(tune.Callback):
    """Prints the progress and writes the status. An exception here would end the sweep."""

    def __init__(self, board: Board, slots: int, console: Console, status_writer: StatusWriter) -> None:
        self.board, self.slots, self.console, self.status_writer = board, slots, console, status_writer
        self.started = self.last_line = time.monotonic()
        self.redraw_throttle = Throttle(MIN_REDRAW_INTERVAL)
        self.live: Live | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave board, terminal and files out when Tune pickles its callbacks."""
        return {**self.__dict__, "board": None, "console": None, "status_writer": None, "live": None}

    def setup(self, *args: Any, **info: Any) -> None:
        """Start the live table if there is a terminal."""
        if self.console.is_terminal:
            self.live = Live(self._render(), console=self.console, refresh_per_second=4, transient=True)
            self.live.start()

    def refresh(self) -> None:
        """Redraw the table, or print a line, if that is due."""
        if self.live is not None:
            if self.redraw_throttle.is_due:
                with self.redraw_throttle.timed():
                    self.live.update(self._render())
        elif time.monotonic() - self.last_line >= LINE_INTERVAL:
            self.last_line = time.monotonic()
            self._print_progress()

    def on_step_begin(self, *args: Any, **info: Any) -> None:
        """Refresh at every turn of Tune's loop, also while no stage reports anything."""
        self.refresh()
        self.status_writer.write_if_due(self.board)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Record a stage's new tenths for the status."""
        if "key" in trial.config:  # else the trial only waited for a stage
            self.status_writer.record_progress(trial.config["key"], result.get("curve", []), result.get("hostname"))

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Clear the live table and print the last line."""
        if self.live is not None:
            self.live.stop()
            self.live = None
        self._print_progress()

    def _print_progress(self) -> None:
        for line in (format_progress(self.board, self.slots, self.started), format_best(self.board)):
            if line:
                self.console.print(line, soft_wrap=True)

    def _render(self) -> Group:
        table = Table(box=None, pad_edge=False, show_header=False)
        for _, arm in self.board.running.values():
            table.add_row("running", arm.stage.label, "")
        for task, (name, score) in find_best_so_far(self.board.states.values()).items():
            table.add_row("best so far", f"{task}: {name}", f"English dev {100 * score:.1f}")
        return Group(Text(format_progress(self.board, self.slots, self.started)), table)
