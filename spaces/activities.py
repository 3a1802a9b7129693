"""What the time of a stage is spent on. Every second of a worker with an open stage belongs to one activity."""

from collections.abc import Mapping
from typing import Literal, get_args

Activity = Literal["training", "dev", "test", "probing", "checkpoints", "loading", "tokenising", "storing", "waiting"]
ACTIVITIES: tuple[Activity, ...] = get_args(Activity)
WAITING: Activity = "waiting"

ABOUT: Mapping[Activity, str] = {
    "training": "training steps",
    "dev": "evaluation on English dev after each tenth",
    "test": "evaluation on the test sets, or of a retrieval pool",
    "probing": "probes of its encoders",
    "checkpoints": "copying and writing its state while nothing else is done",
    "loading": "reading its encoder and its checkpoint, building its model",
    "tokenising": "reading and tokenising data that no table had yet",
    "storing": "writing encoder, scores and predictions",
    "waiting": "for other processes' locks, and for the driver between two reports",
}
FREE = ("probing", WAITING)  # no part of a stage's cost


def column_of(activity: str) -> str:
    """Return the name of the column of score rows that has the seconds of an activity."""
    return f"{activity}_seconds"


def sum_cost(seconds: Mapping[str, float]) -> float:
    """Return the seconds that a stage costs: all but its probes and its waiting."""
    return sum(spent for activity, spent in seconds.items() if activity not in FREE)
