"""The lines and the table in which a running sweep shows its progress."""

from collections import Counter, defaultdict
from typing import Literal

from rich.table import Table

from search.board.board import Board
from search.driver.progress_tracker import SweepProgress
from search.sweep.estimate import find_best_so_far
from search.sweep.position_text import describe_position
from search.sweep.status_file import RunningStage
from search.sweep.units import format_duration
from spaces.stage import TENTHS, Stage

COUNT_NAMES = ("done", "running", "measured", "stopped", "degenerate", "reused", "failed")
UNSTARTED_COUNT_NAMES = ("unreachable", "decided early")  # stages that will never start
MAX_NAMED_STAGES = 6  # running stages that a line names


def count_stages(board: Board) -> Counter[str]:
    """Count the stages by the names above, and those that are `planned`; `done` are those finished in this run."""
    states = board.states.values()
    counts: Counter[str] = Counter(planned=sum(state.arm_count for state in states))
    for _, arm in board.iter_arms():
        if arm.status is None:
            counts["running"] += arm.is_running
            counts["measured"] += arm.is_measured
        else:
            counts["reused" if arm.is_reused else "done" if arm.status == "finished" else arm.status] += 1
    counts["unreachable"] = sum(state.arm_count for state in states if state.unreachable_reason)
    counts["decided early"] = sum(state.arm_count for state in states if state.is_decided)
    return counts


Details = Literal["none", "tenths", "positions"]  # of running stages


def describe_stages(board: Board, progress: SweepProgress, *, details: Details = "positions") -> str:
    """Return how much of a sweep is done, its counts, and the running stages: none, their tenths, or positions too."""
    counts, names = count_stages(board), (*COUNT_NAMES, *UNSTARTED_COUNT_NAMES)
    settled = sum(counts[name] for name in names if name != "running")
    parts = [f"{settled} of {counts['planned']} stages"]
    if settled < counts["planned"]:
        tenths = progress.tenths if details == "positions" else progress.whole_tenths
        permille = int(1000 * (settled * TENTHS + tenths) / (counts["planned"] * TENTHS))
        parts.insert(0, f"{permille / 10:.1f} %")
    for name in names:
        if counts[name]:
            parts.append(f"{counts[name]} {name}")
            if name == "running" and details != "none":
                parts[-1] += f" ({_name_running(board, progress, with_positions=details == 'positions')})"
    return ", ".join(parts)


def format_progress(stages: str, seconds: float, left: float | None) -> str:
    """Return a line of the seconds since the start, the text of `describe_stages`, and the seconds left if known."""
    return f"[{format_duration(seconds)}] {stages}{'' if left is None else f'; about {format_duration(left)} left'}"


def _name_running(board: Board, progress: SweepProgress, *, with_positions: bool) -> str:
    """Return the running stages with their tenths, those that differ only in seed or rate together."""
    tenths: defaultdict[str, list[str]] = defaultdict(list)
    for running in progress.running[:MAX_NAMED_STAGES]:
        _, arm = board.running[running.key]
        position = describe_position(running) if with_positions else ""
        parts = ["" if arm.stage.kind == "retrieval" else f"{running.tenth}/{TENTHS}", position]
        tenths[_name_of(arm.stage)].append(": ".join(filter(None, parts)))
    names = [f"{name} {' and '.join(filter(None, values))}".rstrip() for name, values in tenths.items()]
    rest = len(progress.running) - MAX_NAMED_STAGES
    return ", ".join([*names, f"{rest} more"] if rest > 0 else names)


def _name_of(stage: Stage) -> str:
    return f"{stage.task} after {stage.intermediate}" if stage.kind in ("target", "retrieval") else stage.task


def format_best(board: Board) -> str:
    """Return the best intermediate task so far for each training set in one line; empty before there is one."""
    best = find_best_so_far(board.states.values())
    parts = [f"{task} {name} {100 * score:.1f}" for task, (name, score) in best.items()]
    return f"    best so far (English dev): {', '.join(parts)}" if parts else ""


def build_running_table(board: Board, progress: SweepProgress) -> Table:
    """Return a table of the running stages: tenths, English dev so far, time in the stage and time left in it."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("running", "tenths", "English dev", "for", "left"):
        table.add_column(name, justify="left" if name in ("running", "tenths") else "right", no_wrap=True)
    for running in progress.running:
        _, arm = board.running[running.key]
        dev = "" if running.dev is None or arm.stage.kind == "pretrain" else f"{100 * running.dev:.1f}"
        left = "" if running.left is None else f"about {format_duration(running.left)}"
        tenths = describe_tenths(arm.stage, running)
        table.add_row(arm.stage.label, tenths, dev, format_duration(running.seconds), left)
    return table


def describe_tenths(stage: Stage, running: RunningStage) -> str:
    """Return the tenths of a running stage; a retrieval stage has none, and a target is evaluated with its last."""
    position = describe_position(running)
    if stage.kind == "retrieval":
        return position or "evaluation"
    is_last = running.tenth == TENTHS - 1 and stage.kind == "target"
    following = "then evaluation" if is_last and not position else position
    return ", ".join(filter(None, [f"{running.tenth}/{TENTHS}", following]))
