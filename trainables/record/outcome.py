"""The outcome of a stage: `outcome.json`, written last, so that its existence means that everything else is there."""

import dataclasses
import json
import math
import types
from dataclasses import MISSING, dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from spaces.columns import Status
from spaces.errors import UsageError
from spaces.stage import TENTHS
from trainables.record.context import StageContext
from trainables.storage.base import write_text

OUTCOME_FILE = "outcome.json"


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
    failure: str | None = None  # kind of failed runs, see trainables/worker/failures.py
    details: str | None = None  # traceback of failed runs
    note: str | None = None  # e.g. a halved micro-batch
    attempts: int = 1  # this one and those that failed before it
    scores: str | None = None  # the seal of scores.parquet
    memory: int | None = None  # the most bytes that torch held of a GPU's memory; None without a GPU


_HINTS = get_type_hints(Outcome)


def write_outcome(place: StageContext, outcome: Outcome) -> None:
    """Write the outcome into the stage's folder: from now on the stage is done."""
    write_text(
        place.results, place.file_name(outcome.key, OUTCOME_FILE), json.dumps(dataclasses.asdict(outcome), indent=1)
    )


def read_outcome(place: StageContext, key: str) -> Outcome | None:
    """The outcome in a stage's folder, None if there is none.

    Raises ValueError for a file that is none, and UsageError for one that a newer version of this program wrote: what
    that found must not be trained again by an older one.
    """
    name = place.file_name(key, OUTCOME_FILE)
    content = place.results.read(name)
    if content is None:
        return None
    try:
        fields = json.loads(content, parse_constant=_reject_constant)
        if not isinstance(fields, dict):
            raise ValueError("it is no JSON object")
        known = {field.name: fields[field.name] for field in dataclasses.fields(Outcome) if field.name in fields}
        outcome = _parse_outcome(known, key)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is damaged: {error}") from error
    if len(known) < len(fields):
        new = ", ".join(sorted(fields.keys() - known.keys()))
        raise UsageError(
            f"{place.results.url}/{name} was written by a newer version of this program (it has {new}): use that "
            "version, or other --results."
        )
    return outcome


def _reject_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _parse_outcome(fields: dict[str, Any], key: str) -> Outcome:
    """The outcome of these fields; raises ValueError for one that no stage could have left."""
    lacking = [one.name for one in dataclasses.fields(Outcome) if one.default is MISSING and one.name not in fields]
    wrong = [name for name, value in fields.items() if not _is_of_type(value, _HINTS[name])]
    if lacking or wrong:
        raise ValueError(f"without {', '.join(lacking)}" if lacking else f"{wrong[0]} is {fields[wrong[0]]!r}")
    outcome = Outcome(**{**fields, "curve": tuple(fields.get("curve", ()))})
    for holds, rule in (
        (outcome.key == key, f"it belongs to stage {outcome.key}"),
        (0 <= outcome.best_tenth <= outcome.tenth <= TENTHS, "its tenths are none"),
        (len(outcome.curve) in (0, outcome.tenth), "its curve has another length"),
        (outcome.score == max(outcome.curve, default=outcome.score), "its score is not the best of its curve"),
        (outcome.steps >= 0 and outcome.seconds >= 0, "its steps or seconds are negative"),
        (outcome.memory is None or outcome.memory >= 0, "its memory is negative"),
    ):
        if not holds:
            raise ValueError(rule)
    return outcome


def _is_of_type(value: Any, hint: Any) -> bool:
    """Whether a value from JSON is of a field's type. A whole number is a float too, but no boolean is a number."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_is_of_type(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple:
        return isinstance(value, list) and all(_is_of_type(one, inner[0]) for one in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, hint) and not isinstance(value, bool)
