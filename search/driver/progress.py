"""What is seen while a sweep runs: a live table in a terminal, plain lines elsewhere."""

import time
from collections import Counter
from typing import Any

from ray import tune
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from search.board.arms import Arm
from search.board.board import Board
from search.sweep.estimate import estimate_seconds_left, find_best_intermediates, format_duration, throttle_delay
from search.sweep.status_file import StatusWriter

LINE_INTERVAL = 10.0  # seconds between plain lines
MIN_REDRAW_INTERVAL = 0.25  # seconds between pictures, at least

COUNT_NAMES = ("done", "running", "stopped", "degenerate", "reused", "failed")
UNSTARTED_COUNT_NAMES = ("unreachable", "decided early")  # stages that will never start


def count_stages(board: Board) -> Counter[str]:
    """How many arms are done, running, stopped, degenerate, reused, failed and planned; `done` counts the new ones."""
    found: Counter[str] = Counter(planned=sum(group.stratum.arm_count for group in board.states.values()))
    for _, arm in board.iter_arms():
        if arm.outcome is None:
            found["running"] += arm.is_running
            continue
        status = arm.outcome.status
        found["reused" if arm.is_reused else "done" if status == "finished" else status] += 1
    found["unreachable"] = sum(g.stratum.arm_count for g in board.states.values() if g.unreachable_reason)
    found["decided early"] = sum(g.stratum.arm_count for g in board.states.values() if g.is_decided)
    return found


def find_best_so_far(board: Board) -> dict[str, tuple[str, float]]:
    """For each training set of the targets: the intermediate task with the best mean English dev score so far."""
    return find_best_intermediates(
        (group.stratum.task, group.stratum.intermediate, group.winner.outcome.score)
        for group in board.states.values()
        if group.stratum.kind == "target" and group.winner is not None and group.winner.outcome is not None
        if group.winner.outcome.score is not None
    )


def estimate_time_left(board: Board, slots: int) -> float | None:
    """An estimate in seconds; None while nothing is known."""
    ended = (
        ((stratum.kind, stratum.task), arm.outcome.seconds)
        for stratum, arm in board.iter_arms()
        if arm.outcome is not None
    )
    waiting = (
        (
            (group.stratum.kind, group.stratum.task),
            group.stratum.arm_count - sum(arm.outcome is not None for arm in group.arms),
        )
        for group in board.states.values()
        if not group.is_settled
    )
    return estimate_seconds_left(ended, waiting, slots)


def format_progress(board: Board, slots: int, began: float) -> str:
    """One line: how far the sweep is."""
    found = count_stages(board)
    settled = sum(found[word] for word in COUNT_NAMES if word != "running") + sum(
        found[word] for word in UNSTARTED_COUNT_NAMES
    )
    parts = [f"{settled} of {found['planned']} stages"]
    parts += [f"{found[word]} {word}" for word in (*COUNT_NAMES, *UNSTARTED_COUNT_NAMES) if found[word]]
    left = estimate_time_left(board, slots)
    text = f"[{format_duration(time.monotonic() - began)}] {', '.join(parts)}"
    if left is not None and settled < found["planned"]:
        text += f"; about {format_duration(left)} left"
    return text


def format_best(board: Board) -> str:
    """The best intermediate task for each training set so far, in one line; empty before there is one."""
    best = [f"{task} {name} {100 * score:.1f}" for task, (name, score) in find_best_so_far(board).items()]
    return f"    best so far (English dev): {', '.join(best)}" if best else ""


class ProgressCallback(tune.Callback):
    """Tune's callback. An exception in a callback would end the sweep, and drawing is not worth that."""

    def __init__(self, board: Board, slots: int, console: Console, status_writer: StatusWriter | None = None) -> None:
        """`beat` is fed with what the stages report."""
        self.board, self.slots, self.console, self.status_writer = board, slots, console, status_writer
        self.started = self.last_shown = time.monotonic()
        self.redraw_delay = MIN_REDRAW_INTERVAL
        self.live: Live | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks; terminals and locks stay behind."""
        return {
            "board": None,
            "slots": self.slots,
            "console": None,
            "status_writer": None,
            "started": 0.0,
            "last_shown": 0.0,
            "redraw_delay": 0.0,
            "live": None,
        }

    def setup(self, *args: Any, **info: Any) -> None:
        """Start the live display where there is a terminal."""
        if self.console.is_terminal:
            self.live = Live(self._render(), console=self.console, refresh_per_second=4, transient=True)
            self.live.start()

    def refresh(self) -> None:
        """Draw the state, or say it if the last line is old enough."""
        if self.live is not None:
            began = time.monotonic()
            if began - self.last_shown >= self.redraw_delay:
                self.live.update(self._render())
                self.last_shown = time.monotonic()
                self.redraw_delay = throttle_delay(self.last_shown - began, minimum=MIN_REDRAW_INTERVAL)
        elif time.monotonic() - self.last_shown >= LINE_INTERVAL:
            self.last_shown = time.monotonic()
            self._print_progress()

    def on_step_begin(self, *args: Any, **info: Any) -> None:
        """At every turn of Tune's loop, also while no stage has anything to tell."""
        self.refresh()
        if self.status_writer is not None:
            self.status_writer.write_if_due(self.board)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """A stage has done a tenth, or is done."""
        if self.status_writer is not None and "key" in trial.config:  # else it only waited for a stage
            self.status_writer.record_progress(trial.config["key"], result.get("curve", []), result.get("hostname"))

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Clear the live display and leave the last line."""
        if self.live is not None:
            self.live.stop()
            self.live = None
        self._print_progress()

    def _print_progress(self) -> None:
        for text in (format_progress(self.board, self.slots, self.started), format_best(self.board)):
            if text:
                self.console.print(text, highlight=False, soft_wrap=True)

    def _render(self) -> Group:
        table = Table(box=None, pad_edge=False, show_header=False)
        for arm in self._list_running():
            table.add_row("running", arm.stage.label, "")
        for task, (name, score) in find_best_so_far(self.board).items():
            table.add_row("best so far", f"{task}: {name}", f"English dev {100 * score:.1f}")
        return Group(Text(format_progress(self.board, self.slots, self.started)), table)

    def _list_running(self) -> list[Arm]:
        return [arm for _, arm in self.board.running.values()]
