"""What search/status.py says of a sweep: first as plain data, then as lines for people."""

import shutil
from collections import Counter, defaultdict
from typing import Any

from search.sweep.disk import stage_of, sum_by_kind
from search.sweep.estimate import estimate_seconds_left, find_best_intermediates, format_bytes, format_duration
from search.sweep.status_file import SweepStatus, age_of, is_alive
from search.sweep.sweep_state import SweepState
from spaces.stage import TENTHS, Stage
from trainables.storage.base import is_remote
from trainables.worker.failures import ERROR, FAILURE_KINDS, Failure

SILENCE_LIMIT = 60.0  # seconds after which a process that lives but does not write is worth a word
COUNT_NAMES = ("finished", "stopped", "degenerate", "failed", "unreachable", "running", "waiting")


def summarize_sweep(state: SweepState) -> dict[str, Any]:
    """Everything there is to say, in JSON values."""
    now, alive = state.status, is_alive(state.status, state.results, state.name)
    running = now.running if now is not None and alive else ()
    counts = state.count_stages()
    # Stages that are handed out have no outcome yet, but for failed ones that are tried again.
    failed_before = {arm.stage.key for _, arm, outcome in state.iter_ended_arms() if outcome.status == "failed"}
    again = sum(one.key in failed_before for one in running)
    counts["failed"] -= again
    counts["running"] = len(running)
    counts["waiting"] = max(0, counts["waiting"] + again - len(running))
    return {
        "name": state.name,
        "results": state.results.url,
        **{name: state.spec.get(name) for name in ("benchmark", "model", "space", "scheduler")},
        "state": _state_of(state, alive, counts),
        "run": None if now is None else _summarize_run(now, alive),
        "stages": {name: counts[name] for name in ("planned", *COUNT_NAMES)},
        "kinds": _count_by_kind(state),
        "running": [
            {name: getattr(one, name) for name in ("key", "label", "since", "seconds", "tenth", "dev", "node")}
            for one in running
        ],
        "best": {task: {"intermediate": name, "dev": dev} for task, (name, dev) in _find_best(state).items()},
        "failures": _group_failures(state),
        "unreachable": _count_unreachable(state),
        "decided": {name: {"after": len(chain.seeds), "of": chain.of_seeds} for name, chain in state.decided.items()},
        "damaged": list(state.damaged),
        "time": _summarize_time(state, now.slots if now is not None else 1),
        "disk": _summarize_disk(state),
    }


def _state_of(state: SweepState, alive: bool, counts: Counter[str]) -> str:
    if alive:
        return "running"
    if not state.is_complete:
        return "interrupted"
    return "complete with failures" if counts["failed"] or counts["unreachable"] else "complete"


def _summarize_run(now: SweepStatus, alive: bool) -> dict[str, Any]:
    names = ("process", "host", "began", "written", "slots", "ended")
    return {**{name: getattr(now, name) for name in names}, "alive": alive, "seconds_since": age_of(now)}


def _count_by_kind(state: SweepState) -> dict[str, dict[str, int]]:
    kinds: dict[str, Counter[str]] = {}
    for group in state.records.values():
        one = kinds.setdefault(group.kind_and_task[0], Counter())
        one["planned"] += group.planned_arms
        one["ended"] += len(group.ended_arms)
        one["unreachable"] += group.planned_arms if group.unreachable_reason else 0
    return {kind: {name: one[name] for name in ("planned", "ended", "unreachable")} for kind, one in kinds.items()}


def _find_best(state: SweepState) -> dict[str, tuple[str, float]]:
    rows = []
    for group in state.records.values():
        kind, task = group.kind_and_task
        winner = group.winner if kind == "target" else None
        if winner is not None and winner.outcome is not None and winner.outcome.score is not None:
            rows.append((task, group.intermediate, winner.outcome.score))
    return find_best_intermediates(rows)


def _group_failures(state: SweepState) -> list[dict[str, Any]]:
    """Failed stages, those with nearly the same reason together."""
    alike: defaultdict[str, list[tuple[Stage, Failure]]] = defaultdict(list)
    for _, arm, outcome in state.iter_ended_arms():
        if outcome.status == "failed":
            failure = Failure(FAILURE_KINDS.get(outcome.failure or "", ERROR), outcome.reason or "it said nothing")
            alike[failure.signature].append((arm.stage, failure))
    return [
        {
            "kind": rows[0][1].kind.name,
            "reason": rows[0][1].reason,
            "stages": len(rows),
            "keys": [stage.key for stage, _ in rows],
            "first": rows[0][0].label,
        }
        for rows in sorted(alike.values(), key=len, reverse=True)
    ]


def _count_unreachable(state: SweepState) -> dict[str, int]:
    """Why stages can never start, and how many."""
    found: Counter[str] = Counter()
    for group in state.records.values():
        if group.unreachable_reason:
            found[group.unreachable_reason] += group.planned_arms
    return dict(found)


def _summarize_time(state: SweepState, slots: int) -> dict[str, Any]:
    ended = [(group.kind_and_task, outcome.seconds) for group, _, outcome in state.iter_ended_arms()]
    waiting = [
        (group.kind_and_task, group.planned_arms - len(group.ended_arms))
        for group in state.records.values()
        if not group.is_settled
    ]
    left = estimate_seconds_left(ended, waiting, slots)
    return {"spent": sum(seconds for _, seconds in ended), "left": left, "slots": slots}


def _summarize_disk(state: SweepState) -> dict[str, Any]:
    files = state.files
    own = sum(
        bytes_
        for name, bytes_ in files.items()
        if stage_of(name) in state.stratum_by_key or name.startswith(f"{state.name}/")
    )
    kinds = {kind: {"files": number, "bytes": bytes_} for kind, (number, bytes_) in sum_by_kind(files).items()}
    return {
        "bytes": sum(files.values()),
        "of_this_sweep": own,
        "kinds": kinds,
        "free": None if is_remote(state.results.url) else shutil.disk_usage(state.results.url).free,
    }


def format_headline(state: SweepState) -> str:
    """A sweep in one line."""
    counts, alive = state.count_stages(), is_alive(state.status, state.results, state.name)
    ended = counts["planned"] - counts["waiting"]
    return f"{state.name}: {_state_of(state, alive, counts)}, {ended} of {counts['planned']} stages"


def format_summary(found: dict[str, Any]) -> list[str]:
    """The lines for people, from what `summary` found."""
    stages, kinds = found["stages"], found["kinds"]
    ended = stages["planned"] - stages["running"] - stages["waiting"]
    words = [f"{stages[name]} {name}" for name in COUNT_NAMES if stages[name]]
    lines = [
        f"{found['name']}: benchmark {found['benchmark']}, encoder {found['model']}, space {found['space']}",
        _format_state(found),
        f"stages: {ended} of {stages['planned']} settled ({', '.join(words)})",
        *(_format_kind(kind, one) for kind, one in kinds.items()),
    ]
    if found["running"]:
        width = max(len(one["label"]) for one in found["running"])
        lines.append("running (with English dev after the last tenth):")
        lines += [_format_running(one, width) for one in found["running"]]
    if found["best"]:
        best = [f"{task} {one['intermediate']} {100 * one['dev']:.1f}" for task, one in found["best"].items()]
        lines.append(f"best so far (English dev): {', '.join(best)}")
    if found["failures"]:
        lines.append("failures (--retry-failed tries them again):")
        for one in found["failures"]:
            lines.append(f"  {one['stages']} x {one['kind']}: {one['reason']}")
            lines.append(f"      {one['keys'][0]}  {one['first']}" + (", ..." if one["stages"] > 1 else ""))
    lines += [f"not reached: {number} stages, since {why}" for why, number in found["unreachable"].items()]
    if found["decided"]:
        said = [f"{chain} after {one['after']} of {one['of']} seeds" for chain, one in found["decided"].items()]
        lines.append(f"decided early: {', '.join(said)}")
    lines += [f"damaged: {name} (the next run sets it aside and does the stage again)" for name in found["damaged"]]
    spent, left = found["time"]["spent"], found["time"]["left"]
    lines.append(f"time: {format_duration(spent)} of work in stages" + _format_time_left(left, found))
    return lines + _format_disk(found)


def _format_state(found: dict[str, Any]) -> str:
    run, state = found["run"], found["state"]
    if run is None:
        return f"{state}: it has left no sign of life" + ("; run the same command" if state == "interrupted" else "")
    who, seconds = f"process {run['process']} on {run['host']}", run["seconds_since"]
    said = "at a time that lies ahead of this machine's clock" if seconds is None else f"{format_duration(seconds)} ago"
    if state == "running":
        late = seconds is not None and seconds > SILENCE_LIMIT
        hint = " (the process is there: does it hang?)" if late else ""
        return f"running since {_format_time(run['began'])} ({who}, {run['slots']} at once); last sign of life {said}{hint}"
    if state == "interrupted":
        return (
            f"{_ENDINGS.get(run['ended'], 'interrupted')}: last sign of life {said} ({who}); the same command continues"
        )
    return f"{state}: last run ended {said} ({who})"


_ENDINGS = {
    "interrupted": "interrupted",
    "stopped": "stopped by itself after failures",
    "done": "to be continued, since something is no longer as it was",
    None: "interrupted without a word",
}


def _format_kind(kind: str, one: dict[str, int]) -> str:
    lost = f", {one['unreachable']} not reached" if one["unreachable"] else ""
    return f"  {kind:<14}{one['ended']:>5} of {one['planned']}{lost}"


def _format_running(one: dict[str, Any], width: int) -> str:
    dev = "" if one["dev"] is None else f", dev {100 * one['dev']:.1f}"
    node = "" if one["node"] is None else f", on {one['node']}"
    tenths = f"{one['tenth']} of {TENTHS} tenths{dev}"
    return f"  {one['label']:<{width}}  for {format_duration(one['seconds'])} (since {_format_time(one['since'])}): {tenths}{node}"


def _format_time(written: str) -> str:
    """A moment as people write it."""
    return written.replace("T", " ").replace("+00:00", " UTC")


def _format_time_left(left: float | None, found: dict[str, Any]) -> str:
    if not found["stages"]["running"] + found["stages"]["waiting"]:
        return ""
    slots = found["time"]["slots"]
    return (
        "; nothing is known yet of what is left"
        if left is None
        else f"; about {format_duration(left)} left on {slots} slots"
    )


def _format_disk(found: dict[str, Any]) -> list[str]:
    disk = found["disk"]
    whole = f"disk: {format_bytes(disk['bytes'])} in {found['results']}, {format_bytes(disk['of_this_sweep'])} of it this sweep's"
    return [
        whole + ("" if disk["free"] is None else f"; {format_bytes(disk['free'])} free"),
        *(
            f"  {kind:<47}{one['files']:>7} files {format_bytes(one['bytes']):>9}"
            for kind, one in disk["kinds"].items()
        ),
    ]
