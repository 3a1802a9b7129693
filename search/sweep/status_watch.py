"""Sweeps that are watched: a table that is drawn again and again in a terminal, elsewhere lines that tell what is new.

The watcher only reads files, so it may sit on another machine and may end at any time.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from search.sweep.position_text import describe_position
from search.sweep.status_file import WRITE_INTERVAL, RunningStage, format_utc_now
from search.sweep.status_report import COUNT_NAMES, summarize_sweep
from search.sweep.status_text import format_summary
from search.sweep.sweep_state import SweepState
from search.sweep.throttle import Throttle, is_line_due
from search.sweep.units import format_duration, format_time
from spaces.stage import TENTHS

Summaries = list[dict[str, Any]]  # of `summarize_sweep`
WAIT = 0.2  # seconds between looks at the clock
MAX_NAMED_STAGES = 3  # running stages that a line names


def watch_sweeps(read: Callable[[], Sequence[SweepState]], console: Console) -> None:
    """Show what `read` returns, whenever it changes, until no sweep runs or the user interrupts.

    A sweep is written every few seconds while it runs, and is read as often; less often where reading takes long.
    """
    rounds = _iter_rounds(read)
    try:
        if console.is_terminal:
            _draw_rounds(rounds, console)
        else:
            _print_changes(rounds, console)
    except KeyboardInterrupt:
        return  # nothing is lost: the sweep goes on


def _iter_rounds(read: Callable[[], Sequence[SweepState]]) -> Iterator[Summaries]:
    """Yield summaries every few seconds; those in which no sweep runs are the last."""
    throttle, is_running = Throttle(WRITE_INTERVAL), True
    while is_running:
        with throttle.timed():
            summaries = [summarize_sweep(state) for state in read()]
        yield summaries
        is_running = any(summary["state"] == "running" for summary in summaries)
        while is_running and not throttle.is_due:
            time.sleep(WAIT)


def _draw_rounds(rounds: Iterator[Summaries], console: Console) -> None:
    """Draw one sweep in full, several with a line each. What is higher than the terminal is cut at its end."""
    with Live(console=console, auto_refresh=False) as live:
        for summaries in rounds:
            lines = format_summary(summaries[0]) if len(summaries) == 1 else list(map(format_change, summaries))
            live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)


def _print_changes(rounds: Iterator[Summaries], console: Console) -> None:
    """Print a line for each sweep at first, and whenever its state or a number of its stages has changed.

    A line comes as well once the running stages have moved, if the last one is long ago.
    """
    began, known = time.monotonic(), dict[str, tuple[object, str, float]]()  # of each sweep's last line
    for summaries in rounds:
        for summary in summaries:
            now, change, seen = time.monotonic(), format_change(summary), (summary["state"], summary["stages"])
            last_seen, last_change, printed = known.get(summary["name"], (None, "", now))
            is_due = change != last_change and is_line_due(now - began, now - printed, has_changed=False)
            if seen == last_seen and not is_due:
                continue
            console.print(f"{format_time(format_utc_now())}  {change}", soft_wrap=True, markup=False, highlight=False)
            known[summary["name"]] = seen, change, now


def format_change(summary: dict[str, Any]) -> str:
    """Return a sweep in one line: its state, its stages by status, what runs, and the time that is left."""
    stages, left = summary["stages"], summary["time"]["left"]
    settled = stages["planned"] - stages["running"] - stages["waiting"]
    counts = ", ".join(f"{stages[name]} {name}" for name in COUNT_NAMES if stages[name])
    running = [_name_running(RunningStage(**stage)) for stage in summary["running"][:MAX_NAMED_STAGES]]
    more = len(summary["running"]) - MAX_NAMED_STAGES
    names = "".join(f"; {name}" for name in [*running, *([f"{more} more"] if more > 0 else [])])
    rest = f"; about {format_duration(left)} left" if summary["state"] == "running" and left is not None else ""
    line = f"{summary['name']}: {summary['state']}, {settled} of {stages['planned']} stages settled ({counts})"
    return f"{line}{names}{rest}"


def _name_running(stage: RunningStage) -> str:
    """Return a running stage with its tenths and what it does, as far as it has told."""
    return ", ".join(filter(None, [f"{stage.label} {stage.tenth}/{TENTHS}", describe_position(stage)]))
