"""The words for what a running stage does at this moment, and how far it is with that."""

from collections.abc import Mapping

from search.sweep.status_file import RunningStage
from search.sweep.units import format_duration
from spaces.activities import Activity

SILENCE_LIMIT = 60.0  # seconds without a beat of the worker after which it is said
COUNTED: Mapping[Activity, str] = {
    "training": "step {} of {}",
    "test": "testing, {} of {} languages done",
    "tokenising": "tokenising, {} of {} examples done",
}
UNCOUNTED: Mapping[Activity, str] = {
    "dev": "English dev",
    "test": "testing",
    "probing": "measuring its encoder",
    "checkpoints": "writing its state",
    "storing": "writing results",
}


def describe_position(running: RunningStage) -> str:
    """Return what a stage does, such as `step 20 of 400`, and for how long nothing was heard; empty if not known."""
    if running.activity is None:
        return ""
    text = UNCOUNTED.get(running.activity, running.activity)
    if running.total and running.activity in COUNTED:  # a short training of a preview counts as well: it is probing
        text = COUNTED[running.activity].format(running.done, running.total)
    is_silent = running.silent is not None and running.silent > SILENCE_LIMIT
    return f"{text}, nothing heard for {format_duration(running.silent or 0.0)}" if is_silent else text
