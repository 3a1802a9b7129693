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
from search.sweep.estimate import best_means, duration, rest, seconds_left
from search.sweep.now import Beat

EVERY = 10.0  # seconds between plain lines
REDRAW = 0.25  # seconds between pictures, at least

WORDS = ("done", "running", "stopped", "degenerate", "reused", "failed")
NEVER = ("unreachable", "decided early")  # stages that will never start


def counts(board: Board) -> Counter[str]:
    """How many arms are done, running, stopped, degenerate, reused, failed and planned; `done` counts the new ones."""
    found: Counter[str] = Counter(planned=sum(group.stratum.arms for group in board.groups.values()))
    for _, arm in board.arms():
        if arm.outcome is None:
            found["running"] += arm.running
            continue
        status = arm.outcome.status
        found["reused" if arm.reused else "done" if status == "finished" else status] += 1
    found["unreachable"] = sum(g.stratum.arms for g in board.groups.values() if g.unreachable)
    found["decided early"] = sum(g.stratum.arms for g in board.groups.values() if g.decided)
    return found


def best_so_far(board: Board) -> dict[str, tuple[str, float]]:
    """For each training set of the targets: the intermediate task with the best mean English dev score so far."""
    return best_means(
        (group.stratum.task, group.stratum.intermediate, group.winner.outcome.score)
        for group in board.groups.values()
        if group.stratum.kind == "target" and group.winner is not None and group.winner.outcome is not None
        if group.winner.outcome.score is not None
    )


def time_left(board: Board, slots: int) -> float | None:
    """An estimate in seconds; None while nothing is known."""
    ended = (
        ((stratum.kind, stratum.task), arm.outcome.seconds) for stratum, arm in board.arms() if arm.outcome is not None
    )
    waiting = (
        (
            (group.stratum.kind, group.stratum.task),
            group.stratum.arms - sum(arm.outcome is not None for arm in group.arms),
        )
        for group in board.groups.values()
        if not group.settled
    )
    return seconds_left(ended, waiting, slots)


def line(board: Board, slots: int, began: float) -> str:
    """One line: how far the sweep is."""
    found = counts(board)
    settled = sum(found[word] for word in WORDS if word != "running") + sum(found[word] for word in NEVER)
    parts = [f"{settled} of {found['planned']} stages"]
    parts += [f"{found[word]} {word}" for word in (*WORDS, *NEVER) if found[word]]
    left = time_left(board, slots)
    text = f"[{duration(time.monotonic() - began)}] {', '.join(parts)}"
    if left is not None and settled < found["planned"]:
        text += f"; about {duration(left)} left"
    return text


def best_line(board: Board) -> str:
    """The best intermediate task for each training set so far, in one line; empty before there is one."""
    best = [f"{task} {name} {100 * score:.1f}" for task, (name, score) in best_so_far(board).items()]
    return f"    best so far (English dev): {', '.join(best)}" if best else ""


class Progress(tune.Callback):
    """Tune's callback. An exception in a callback would end the sweep, and drawing is not worth that."""

    def __init__(self, board: Board, slots: int, console: Console, beat: Beat | None = None) -> None:
        """`beat` is fed with what the stages report."""
        self.board, self.slots, self.console, self.beat = board, slots, console, beat
        self.began = self.said = time.monotonic()
        self.pause = REDRAW
        self.live: Live | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks; terminals and locks stay behind."""
        return {
            "board": None,
            "slots": self.slots,
            "console": None,
            "beat": None,
            "began": 0.0,
            "said": 0.0,
            "pause": 0.0,
            "live": None,
        }

    def setup(self, *args: Any, **info: Any) -> None:
        """Start the live display where there is a terminal."""
        if self.console.is_terminal:
            self.live = Live(self._picture(), console=self.console, refresh_per_second=4, transient=True)
            self.live.start()

    def show(self) -> None:
        """Draw the state, or say it if the last line is old enough."""
        if self.live is not None:
            began = time.monotonic()
            if began - self.said >= self.pause:
                self.live.update(self._picture())
                self.said = time.monotonic()
                self.pause = rest(self.said - began, least=REDRAW)
        elif time.monotonic() - self.said >= EVERY:
            self.said = time.monotonic()
            self._say()

    def on_step_begin(self, *args: Any, **info: Any) -> None:
        """At every turn of Tune's loop, also while no stage has anything to tell."""
        self.show()
        if self.beat is not None:
            self.beat.show(self.board)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """A stage has done a tenth, or is done."""
        if self.beat is not None and "key" in trial.config:  # else it only waited for a stage
            self.beat.told(trial.config["key"], result.get("curve", []), result.get("hostname"))

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """Clear the live display and leave the last line."""
        if self.live is not None:
            self.live.stop()
            self.live = None
        self._say()

    def _say(self) -> None:
        for text in (line(self.board, self.slots, self.began), best_line(self.board)):
            if text:
                self.console.print(text, highlight=False, soft_wrap=True)

    def _picture(self) -> Group:
        table = Table(box=None, pad_edge=False, show_header=False)
        for arm in self._running():
            table.add_row("running", arm.stage.label, "")
        for task, (name, score) in best_so_far(self.board).items():
            table.add_row("best so far", f"{task}: {name}", f"English dev {100 * score:.1f}")
        return Group(Text(line(self.board, self.slots, self.began)), table)

    def _running(self) -> list[Arm]:
        return [arm for _, arm in self.board.running.values()]
