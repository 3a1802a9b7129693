"""What the time of a sweep's stages was spent on, by kind of stage."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from search.sweep.sweep_state import SweepState
from search.sweep.units import format_bytes, format_duration
from spaces.activities import ACTIVITIES

LABEL_WIDTH, COLUMN_WIDTH = 14, 12
ALL = "all"


def sum_spent(sweep: SweepState) -> dict[str, Any]:
    """Return the seconds of each activity by kind of stage and in all, bytes of checkpoints, and stages by device.

    Counted are stages that ended by themselves: only those record it.
    """
    seconds: defaultdict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(ACTIVITIES, 0.0))
    checkpoint_bytes, devices = 0, Counter[str]()
    for record, _, outcome in sweep.iter_ended_arms():
        devices.update([outcome.device] if outcome.device else [])
        for activity, spent in outcome.spent.items():
            for kind in (record.kind_and_task[0], ALL):
                seconds[kind][activity] += spent
        checkpoint_bytes += outcome.written
    by_kind = {kind: values for kind, values in seconds.items() if kind != ALL}
    common = {"checkpoint_bytes": checkpoint_bytes, "devices": dict(devices)}
    return {"by_kind": by_kind, ALL: seconds.get(ALL, {}), **common}


def format_spent(spent: Mapping[str, Any]) -> list[str]:
    """Return a table of the shares of each kind's time, from the values of `sum_spent`; nothing if nothing is known."""
    if not spent[ALL]:
        return []
    shown = [activity for activity in ACTIVITIES if spent[ALL].get(activity)]
    heading = "".join(f"{name:>{COLUMN_WIDTH}}" for name in ("time", *shown))
    lines = ["time of ended stages, in percent by what it was spent on:", f"  {'':<{LABEL_WIDTH}}{heading}"]
    for kind, seconds in {**spent["by_kind"], ALL: spent[ALL]}.items():
        total = sum(seconds.values())
        shares = "".join(f"{100 * seconds[name] / total:>{COLUMN_WIDTH}.1f}" for name in shown)
        lines.append(f"  {kind:<{LABEL_WIDTH}}{format_duration(total):>{COLUMN_WIDTH}}{shares}")
    lines.append(f"  checkpoints: {format_bytes(spent['checkpoint_bytes'])} written")
    if len(spent["devices"]) > 1:
        counts = ", ".join(f"{device} ({stages} stages)" for device, stages in spent["devices"].items())
        lines.append(f"  on unlike devices, whose seconds do not compare: {counts}")
    return lines
