"""The outcome of a stage: `outcome.json`, written last, so that its existence means that the stage is complete."""

import dataclasses
import json
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from spaces.columns import Status
from spaces.errors import UsageError
from spaces.stage import OUTCOME_FILE, TENTHS
from trainables.record.context import StageContext
from trainables.storage.base import write_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a stage. `score` is its best English dev score; `curve[t - 1]` is the score after tenth t."""

    key: str
    status: Status
    score: float | None
    tenth: int  # the last one trained
    best_tenth: int = 0  # the one whose weights were evaluated and handed on
    curve: tuple[float, ...] = ()
    steps: int = 0
    seconds: float = 0.0  # that it cost: without probes and waiting
    spent: Mapping[str, float] = field(default_factory=dict)  # seconds by activity, see spaces/activities.py
    written: int = 0  # bytes of checkpoints
    reason: str | None = None  # of degenerate and failed runs
    failure: str | None = None  # kind of failed runs, see trainables/worker/failures.py
    details: str | None = None  # traceback of failed runs
    note: str | None = None  # e.g. a halved micro-batch
    attempts: int = 1  # this try and the failed ones before it
    scores: str | None = None  # checksum of scores.parquet
    device: str | None = None  # what it ended on: CPU, or the name of a GPU, with the share if below 1
    memory: int | None = None  # peak bytes of GPU memory that tensors held; None without a GPU


def _build_check(hint: Any) -> Callable[[Any], bool]:
    """Return a function that says whether a JSON value has a type. A whole number is a float too; a boolean is none."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        members = [_build_check(member) for member in inner]
        return lambda value: any(is_member(value) for is_member in members)
    if origin is Literal:
        return lambda value: value in inner
    if origin is Mapping:
        is_item = _build_check(inner[1])
        return lambda value: isinstance(value, dict) and all(map(is_item, value.values()))
    if origin is tuple:
        is_entry = _build_check(inner[0])
        return lambda value: isinstance(value, list) and all(map(is_entry, value))
    if hint is float:
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return lambda value: isinstance(value, hint) and not isinstance(value, bool)


_CHECKS = {name: _build_check(hint) for name, hint in get_type_hints(Outcome).items()}
_REQUIRED = [
    each.name for each in dataclasses.fields(Outcome) if each.default is MISSING and each.default_factory is MISSING
]


def write_outcome(context: StageContext, outcome: Outcome) -> None:
    """Write the outcome into the stage's folder, after everything else: from now on the stage is done."""
    name = context.file_name(outcome.key, OUTCOME_FILE)
    write_text(context.results, name, json.dumps(dataclasses.asdict(outcome), indent=1))


def read_outcome(context: StageContext, key: str) -> Outcome | None:
    """Return the outcome in a stage's folder; None if there is none.

    Raises ValueError for a damaged file, and UsageError for one that a newer version of this program wrote, since an
    older version must not train its stages again.
    """
    name = context.file_name(key, OUTCOME_FILE)
    content = context.results.read(name)
    if content is None:
        return None
    try:
        fields = json.loads(content, parse_constant=_reject_constant)
        if not isinstance(fields, dict):
            raise ValueError("it is not a JSON object")
        known = {name: fields[name] for name in _CHECKS if name in fields}
        outcome = _parse_outcome(known, key)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is damaged: {error}") from error
    if len(known) < len(fields):
        new = ", ".join(sorted(fields.keys() - known.keys()))
        raise UsageError(
            f"{context.results.url}/{name} was written by a newer version of this program (it has {new}). "
            "Use that version, or other --results."
        )
    return outcome


def _reject_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _parse_outcome(fields: dict[str, Any], key: str) -> Outcome:
    """Return the outcome of these fields; raises ValueError for values that no stage could have written."""
    lacking = [name for name in _REQUIRED if name not in fields]
    wrong = [name for name, value in fields.items() if not _CHECKS[name](value)]
    if lacking or wrong:
        raise ValueError(f"without {', '.join(lacking)}" if lacking else f"{wrong[0]} is {fields[wrong[0]]!r}")
    outcome = Outcome(**{**fields, "curve": tuple(fields.get("curve", ()))})
    for holds, rule in (
        (outcome.key == key, f"it belongs to stage {outcome.key}"),
        (0 <= outcome.best_tenth <= outcome.tenth <= TENTHS, "its tenths are none"),
        (len(outcome.curve) in (0, outcome.tenth), "its curve has another length"),
        (outcome.score == max(outcome.curve, default=outcome.score), "its score is not the best of its curve"),
        (outcome.steps >= 0 and outcome.seconds >= 0, "its steps or seconds are negative"),
        (min(outcome.spent.values(), default=0.0) >= 0 and outcome.written >= 0, "what it spent is negative"),
        (outcome.memory is None or outcome.memory >= 0, "its memory is negative"),
    ):
        if not holds:
            raise ValueError(rule)
    return outcome
