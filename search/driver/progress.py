"""The progress of a running sweep: a live table in a terminal, plain lines elsewhere."""

import time
from typing import Any

from ray import tune
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from search.board.board import Board
from search.driver.progress_text import build_running_table, describe_stages, format_best, format_progress
from search.driver.progress_tracker import SweepProgress
from search.driver.status_writer import StatusWriter
from search.sweep.estimate import find_best_so_far
from search.sweep.throttle import MIN_LINE_INTERVAL, Throttle, is_line_due

MIN_REDRAW_INTERVAL = 0.25  # seconds between redraws of the table


class ProgressCallback(tune.Callback):
    """Prints the progress and writes the status. An exception here would end the sweep."""

    def __init__(self, board: Board, slots: int, console: Console, status_writer: StatusWriter) -> None:
        self.board, self.slots, self.console, self.status_writer = board, slots, console, status_writer
        self.started = self.last_line = self.last_check = time.monotonic()
        self.last_stages = self.last_best = ""
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
        elif time.monotonic() - self.last_check >= MIN_LINE_INTERVAL:
            self._print_progress()

    def on_step_begin(self, *args: Any, **info: Any) -> None:
        """Refresh at every turn of Tune's loop, also while no stage reports anything."""
        self.refresh()
        self.status_writer.write_if_due(self.board)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Record a stage's new tenths."""
        if "key" in trial.config:  # else the trial only waited for a stage
            curve, seconds = result.get("curve", []), result.get("seconds", 0.0)
            self.status_writer.tracker.record(trial.config["key"], curve, seconds, result.get("hostname"))

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Clear the live table and print the last line."""
        if self.live is not None:
            self.live.stop()
            self.live = None
        self._print_progress(is_last=True)

    def _print_progress(self, *, is_last: bool = False) -> None:
        """Print a line if one is due, and the best tasks if they have changed."""
        now = self.last_check = time.monotonic()
        progress = self.status_writer.tracker.observe(self.board, self.slots)
        stages, best = describe_stages(self.board, progress, details="tenths"), format_best(self.board)
        run, since_line, has_changed = now - self.started, now - self.last_line, stages != self.last_stages
        if not is_last and not is_line_due(run, since_line, has_changed=has_changed):
            return
        line = format_progress(describe_stages(self.board, progress), run, self._left_in(progress))
        self.console.print(line, soft_wrap=True)
        if best and (is_last or best != self.last_best):
            self.console.print(best, soft_wrap=True)
        self.last_line, self.last_stages, self.last_best = now, stages, best

    def _left_in(self, progress: SweepProgress) -> float | None:
        return None if self.board.is_complete else progress.left

    def _render(self) -> Group:
        progress = self.status_writer.tracker.observe(self.board, self.slots)
        stages = describe_stages(self.board, progress, details="none")
        line = format_progress(stages, time.monotonic() - self.started, self._left_in(progress))
        best = Table(box=None, pad_edge=False, show_header=False)
        for task, (name, score) in find_best_so_far(self.board.states.values()).items():
            best.add_row("best so far", f"{task}: {name}", f"English dev {100 * score:.1f}")
        return Group(Text(line), build_running_table(self.board, progress), best)
