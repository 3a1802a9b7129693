"""The outcome of a stage: `outcome.json`, written last, so that its existence means that everything else is there."""

import dataclasses
import json
from dataclasses import dataclass

from spaces.columns import Status
from trainables.places import Place
from trainables.storage import write_text

FILE = "outcome.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a stage ended. `score` is its best English dev score; `curve[t - 1]` the score after tenth t."""

    key: str
    status: Status
    score: float | None
    tenth: int  # the last one trained
    best_tenth: int = 0  # the one whose weights were scored and handed on
    curve: tuple[float, ...] = ()
    steps: int = 0
    seconds: float = 0.0
    reason: str | None = None  # of degenerate and failed runs
    failure: str | None = None  # kind of failed runs, see trainables/failures.py
    details: str | None = None  # traceback of failed runs
    note: str | None = None  # e.g. a halved micro-batch
    attempts: int = 1  # this one and those that failed before it


def write_outcome(place: Place, outcome: Outcome) -> None:
    """Write the outcome into the stage's folder: from now on the stage is done."""
    write_text(place.results, place.name(outcome.key, FILE), json.dumps(dataclasses.asdict(outcome), indent=1))


def read_outcome(place: Place, key: str) -> Outcome | None:
    """The outcome in a stage's folder, None if there is none; raises ValueError for a file that is none."""
    content = place.results.read(place.name(key, FILE))
    if content is None:
        return None
    try:
        fields = json.loads(content)
        return Outcome(**{**fields, "curve": tuple(fields["curve"])})
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{place.name(key, FILE)} is damaged: {error}") from error
