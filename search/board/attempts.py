"""Failed attempts at a stage: `attempts.json` in its folder, written by the driver alone.

Attempts are counted on disk and not by Tune, so a stage gets its tries and no more, however often the driver is killed
in between. A killed driver costs the stage no try, since nobody is left to record one.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from trainables.worker.failures import FAILURE_KINDS, MAX_LOSSES, MAX_TRIES, MEMORY, Failure

ATTEMPTS_FILE = "attempts.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A failed attempt: kind of failure, reason, traceback and time (UTC). `moved`: it left a later state."""

    kind: str
    reason: str
    details: str | None
    ended: str
    moved: bool


def make_attempt(failure: Failure, *, moved: bool) -> Attempt:
    """Return the attempt that has just ended in a failure."""
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    return Attempt(kind=failure.kind.name, reason=failure.reason, details=failure.details, ended=ended, moved=moved)


def can_retry(attempts: Sequence[Attempt]) -> bool:
    """Return True if a stage with these failed attempts gets another one.

    A transient failure allows MAX_TRIES attempts at the same place. An attempt that left a later state resets the
    count, since a long stage may lose its worker more than once on machines that can be taken away at any time. The
    loss of a machine, or packing too tightly, is not the stage's fault: it costs no attempt, up to MAX_LOSSES.
    """
    kinds = []
    for attempt in reversed(attempts):
        kinds.append(FAILURE_KINDS[attempt.kind])
        if attempt.moved:
            break
    tries = sum(kind.costs_try for kind in kinds)
    return kinds[0].is_transient and tries < MAX_TRIES and len(kinds) - tries < MAX_LOSSES


def oom_retries(attempts: Sequence[Attempt]) -> int:
    """Return how many attempts ran out of memory: the next one halves the micro-batch as many times."""
    return sum(attempt.kind == MEMORY.name for attempt in attempts)


def attempts_to_json(attempts: Sequence[Attempt]) -> str:
    """Return the text of the file."""
    return json.dumps([dataclasses.asdict(attempt) for attempt in attempts], indent=1)


def attempts_from_json(text: str) -> tuple[Attempt, ...]:
    """Parse the text of the file, the inverse of `attempts_to_json`; raises ValueError for a damaged text."""
    try:
        attempts = tuple(Attempt(**fields) for fields in json.loads(text))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{ATTEMPTS_FILE} is damaged: {error}") from error
    unknown = {str(attempt.kind) for attempt in attempts} - set(FAILURE_KINDS)
    if unknown:
        raise ValueError(f"{ATTEMPTS_FILE} is damaged: unknown kinds of failure: {', '.join(sorted(unknown))}")
    return attempts
