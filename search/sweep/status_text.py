"""The lines that search/status.py prints about a sweep."""

from typing import Any

from search.sweep.position_text import SILENCE_LIMIT, describe_position
from search.sweep.status_file import RunningStage, is_alive
from search.sweep.status_report import COUNT_NAMES, state_of
from search.sweep.sweep_state import SweepState
from search.sweep.time_spent import format_spent
from search.sweep.units import format_bytes, format_duration, format_time
from spaces.stage import TENTHS

_RUN_ENDINGS = {
    "interrupted": "interrupted",
    "stopped": "stopped by itself after failures",
    "done": "incomplete again, since files changed after the last run",
    None: "killed or crashed",
}


def format_headline(sweep: SweepState) -> str:
    """Return a sweep in one line."""
    counts, alive = sweep.count_stages(), is_alive(sweep.status, sweep.results, sweep.name)
    settled = counts["planned"] - counts["waiting"]
    return f"{sweep.name}: {state_of(sweep, alive, counts)}, {settled} of {counts['planned']} stages"


def format_summary(summary: dict[str, Any]) -> list[str]:
    """Return the lines about a sweep, from the values of `summarize_sweep`."""
    stages = summary["stages"]
    settled = stages["planned"] - stages["running"] - stages["waiting"]
    counts = [f"{stages[name]} {name}" for name in COUNT_NAMES if stages[name]]
    lines = [
        "{name}: benchmark {benchmark}, encoder {model}, space {space}".format_map(summary),
        _format_state(summary),
        f"stages: {settled} of {stages['planned']} settled ({', '.join(counts)})",
        *(_format_kind(kind, kind_counts) for kind, kind_counts in summary["kinds"].items()),
    ]
    if summary["running"]:
        width = max(len(stage["label"]) for stage in summary["running"])
        lines.append("running (with English dev after the last tenth):")
        lines += [_format_running(stage, width) for stage in summary["running"]]
    if summary["best"]:
        best = [f"{task} {row['intermediate']} {100 * row['dev']:.1f}" for task, row in summary["best"].items()]
        lines.append(f"best so far (English dev): {', '.join(best)}")
    if summary["failures"]:
        lines.append("failed stages (--retry-failed runs them again):")
        for failure in summary["failures"]:
            lines.append(f"  {failure['stages']} x {failure['kind']}: {failure['reason']}")
            lines.append(f"      {failure['keys'][0]}  {failure['first']}" + (", ..." if failure["stages"] > 1 else ""))
    lines += [f"unreachable: {count} stages ({reason})" for reason, count in summary["unreachable"].items()]
    if summary["decided"]:
        chains = [f"{chain} after {row['after']} of {row['of']} seeds" for chain, row in summary["decided"].items()]
        lines.append(f"decided early: {', '.join(chains)}")
    lines += [f"damaged: {name} (the next run moves it aside and runs the stage again)" for name in summary["damaged"]]
    lines.append(f"time: {format_duration(summary['time']['spent'])} spent in stages{_format_time_left(summary)}")
    return lines + format_spent(summary["spent"]) + _format_disk(summary)


def _format_state(summary: dict[str, Any]) -> str:
    run, state = summary["run"], summary["state"]
    if run is None:
        hint = ". Run the sweep again to continue." if state == "interrupted" else ""
        return f"{state}: no status file found{hint}"
    process, seconds = f"process {run['process']} on {run['host']}", run["seconds_since"]
    age = "at a time ahead of this machine's clock" if seconds is None else f"{format_duration(seconds)} ago"
    if state == "running":
        is_late = seconds is not None and seconds > SILENCE_LIMIT
        hint = " (the process exists, but it may hang)" if is_late else ""
        began = format_time(run["began"])
        return f"running since {began} ({process}, {run['slots']} stages at once); last status {age}{hint}"
    if state == "interrupted":
        ending = _RUN_ENDINGS.get(run["ended"], "interrupted")
        return f"{ending}; last status {age} ({process}). Run the sweep again to continue."
    return f"{state}; the last run ended {age} ({process})"


def _format_kind(kind: str, counts: dict[str, int]) -> str:
    unreachable = f", {counts['unreachable']} unreachable" if counts["unreachable"] else ""
    return f"  {kind:<14}{counts['ended']:>5} of {counts['planned']}{unreachable}"


def _format_running(stage: dict[str, Any], width: int) -> str:
    age = f"{format_duration(stage['seconds'])} (since {format_time(stage['since'])})"
    dev = "" if stage["dev"] is None else f", dev {100 * stage['dev']:.1f}"
    node = "" if stage["node"] is None else f", on {stage['node']}"
    left = "" if stage["left"] is None else f", about {format_duration(stage['left'])} left"
    position = describe_position(RunningStage(**stage))
    progress = ", ".join(filter(None, [f"{stage['tenth']} of {TENTHS} tenths", position]))
    return f"  {stage['label']:<{width}}  for {age}: {progress}{dev}{left}{node}"


def _format_time_left(summary: dict[str, Any]) -> str:
    if not summary["stages"]["running"] + summary["stages"]["waiting"]:
        return ""
    left, slots = summary["time"]["left"], summary["time"]["slots"]
    return "; time left unknown" if left is None else f"; about {format_duration(left)} left on {slots} slots"


def _format_disk(summary: dict[str, Any]) -> list[str]:
    disk = summary["disk"]
    free = "" if disk["free"] is None else f"; {format_bytes(disk['free'])} free"
    total, own = format_bytes(disk["bytes"]), format_bytes(disk["of_this_sweep"])
    lines = [f"disk: {total} in {summary['results']}, of which {own} in this sweep{free}"]
    for kind, row in disk["kinds"].items():
        lines.append(f"  {kind:<47}{row['files']:>7} files {format_bytes(row['bytes']):>9}")
    return lines
