"""The report of search/status.py about a sweep, as JSON values; status_text.py makes lines of it."""

import dataclasses
import shutil
from collections import Counter, defaultdict
from typing import Any

from search.sweep.disk import stage_of, sum_by_kind
from search.sweep.estimate import estimate_time_left, find_best_so_far
from search.sweep.status_file import SweepStatus, age_of, is_alive
from search.sweep.sweep_state import SweepState
from search.sweep.time_spent import sum_spent
from spaces.stage import Stage
from trainables.storage.base import is_remote
from trainables.worker.failures import ERROR, FAILURE_KINDS, Failure

COUNT_NAMES = ("finished", "stopped", "degenerate", "failed", "unreachable", "running", "waiting")


def summarize_sweep(sweep: SweepState) -> dict[str, Any]:
    """Return everything that is known of a sweep, in JSON values."""
    status, alive = sweep.status, is_alive(sweep.status, sweep.results, sweep.name)
    running = status.running if status is not None and alive else ()
    slots = 1 if status is None else status.slots
    records = sweep.records.values()
    counts = sweep.count_stages()
    # A running stage has no outcome yet, unless it had failed and is retried.
    failed_before = {arm.stage.key for _, arm, outcome in sweep.iter_ended_arms() if outcome.status == "failed"}
    retried = sum(stage.key in failed_before for stage in running)
    counts["failed"] -= retried
    counts["running"] = len(running)
    counts["waiting"] = max(0, counts["waiting"] + retried - len(running))
    return {
        "name": sweep.name,
        "results": sweep.results.url,
        **{name: sweep.spec.get(name) for name in ("benchmark", "model", "space", "scheduler")},
        "state": state_of(sweep, alive, counts),
        "run": None if status is None else _summarize_run(status, alive),
        "stages": {name: counts[name] for name in ("planned", *COUNT_NAMES)},
        "kinds": _count_by_kind(sweep),
        "running": [dataclasses.asdict(stage) for stage in running],
        "best": {task: {"intermediate": name, "dev": dev} for task, (name, dev) in find_best_so_far(records).items()},
        "failures": _group_failures(sweep),
        "unreachable": _count_unreachable(sweep),
        "decided": {name: {"after": len(chain.seeds), "of": chain.of_seeds} for name, chain in sweep.decided.items()},
        "damaged": list(sweep.damaged),
        "time": {
            "spent": sum(outcome.seconds for _, _, outcome in sweep.iter_ended_arms()),
            "left": _find_time_left(sweep, alive, slots),
            "slots": slots,
        },
        "spent": sum_spent(sweep),
        "disk": _summarize_disk(sweep),
    }


def _find_time_left(sweep: SweepState, alive: bool, slots: int) -> float | None:
    """Return the seconds left: by the running driver, which knows most; else by stages that have ended."""
    by_driver = None if sweep.status is None else sweep.status.left
    by_stages = estimate_time_left(sweep.records.values(), slots).sweep
    known = [left for left in ((by_driver, by_stages) if alive else (by_stages, by_driver)) if left is not None]
    return known[0] if known else None


def state_of(sweep: SweepState, alive: bool, counts: Counter[str]) -> str:
    """Return the state of a sweep in a word or three; `counts` as of `SweepState.count_stages`."""
    if alive:
        return "running"
    if not sweep.is_complete:
        return "interrupted"
    return "complete with failures" if counts["failed"] or counts["unreachable"] else "complete"


def _summarize_run(status: SweepStatus, alive: bool) -> dict[str, Any]:
    names = ("process", "host", "began", "written", "slots", "ended")
    return {**{name: getattr(status, name) for name in names}, "alive": alive, "seconds_since": age_of(status)}


def _count_by_kind(sweep: SweepState) -> dict[str, dict[str, int]]:
    counts_by_kind: dict[str, dict[str, int]] = {}
    for record in sweep.records.values():
        kind, _ = record.kind_and_task
        counts = counts_by_kind.setdefault(kind, {"planned": 0, "ended": 0, "unreachable": 0})
        counts["planned"] += record.arm_count
        counts["ended"] += len(record.ended_arms)
        counts["unreachable"] += record.arm_count if record.unreachable_reason else 0
    return counts_by_kind


def _group_failures(sweep: SweepState) -> list[dict[str, Any]]:
    """Group failed stages whose reasons differ in numbers, keys and paths only; large groups first."""
    groups: defaultdict[str, list[tuple[Stage, Failure]]] = defaultdict(list)
    for _, arm, outcome in sweep.iter_ended_arms():
        if outcome.status == "failed":
            failure = Failure(FAILURE_KINDS.get(outcome.failure or "", ERROR), outcome.reason or "no reason recorded")
            groups[failure.signature].append((arm.stage, failure))
    return [
        {
            "kind": failures[0][1].kind.name,
            "reason": failures[0][1].reason,
            "stages": len(failures),
            "keys": [stage.key for stage, _ in failures],
            "first": failures[0][0].label,
        }
        for failures in sorted(groups.values(), key=len, reverse=True)
    ]


def _count_unreachable(sweep: SweepState) -> dict[str, int]:
    """Count the stages that can never start, by the reason."""
    counts: Counter[str] = Counter()
    for record in sweep.records.values():
        if record.unreachable_reason:
            counts[record.unreachable_reason] += record.arm_count
    return dict(counts)


def _summarize_disk(sweep: SweepState) -> dict[str, Any]:
    own = sum(
        size
        for name, size in sweep.files.items()
        if stage_of(name) in sweep.stratum_by_key or name.startswith(f"{sweep.name}/")
    )
    return {
        "bytes": sum(sweep.files.values()),
        "of_this_sweep": own,
        "kinds": {kind: {"files": count, "bytes": size} for kind, (count, size) in sum_by_kind(sweep.files).items()},
        "free": None if is_remote(sweep.results.url) else shutil.disk_usage(sweep.results.url).free,
    }
