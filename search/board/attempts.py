"""The tries of a stage that failed: `attempts.json` in its folder, written by the driver alone.

They are counted on disk and not by Tune, so that a stage gets its tries and no more, however often the driver is killed
in between. That itself counts as none: nobody is left to note it.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from trainables.worker.failures import FAILURE_KINDS, MAX_TRIES, MEMORY, PACKED, Failure

ATTEMPTS_FILE = "attempts.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try that failed: the name of the failure's kind, why, and when (UTC). `moved` says that it finished a tenth."""

    kind: str
    reason: str
    details: str | None
    ended: str
    moved: bool


def make_attempt(failure: Failure, *, moved: bool) -> Attempt:
    """The attempt that has just failed."""
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    return Attempt(kind=failure.kind.name, reason=failure.reason, details=failure.details, ended=ended, moved=moved)


def can_retry(attempts: Sequence[Attempt]) -> bool:
    """Whether a stage with these failed tries gets another one.

    What may pass is tried twice at the same place: a stage that went on in between starts to count anew, since on
    machines that can be taken away at any time a long stage may lose its worker more than once. That it was packed too
    tightly is not the stage's fault, and costs it none of its tries.
    """
    here: list[str] = []
    for attempt in reversed(attempts):
        here.append(attempt.kind)
        if attempt.moved:
            break
    return FAILURE_KINDS[here[0]].is_transient and len(here) < MAX_TRIES + (PACKED.name in here)


def oom_retries(attempts: Sequence[Attempt]) -> int:
    """How often memory ran out: the next try takes so many times half as many examples at a time."""
    return sum(attempt.kind == MEMORY.name for attempt in attempts)


def attempts_to_json(attempts: Sequence[Attempt]) -> str:
    """The file's text."""
    return json.dumps([dataclasses.asdict(attempt) for attempt in attempts], indent=1)


def attempts_from_json(text: str) -> tuple[Attempt, ...]:
    """The inverse of `to_json`; raises ValueError for a text that is none."""
    try:
        attempts = tuple(Attempt(**fields) for fields in json.loads(text))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{ATTEMPTS_FILE} is damaged: {error}") from error
    unknown = {str(attempt.kind) for attempt in attempts} - set(FAILURE_KINDS)
    if unknown:
        raise ValueError(
            f"{ATTEMPTS_FILE} is damaged: it has kinds of failure that there are not: {', '.join(sorted(unknown))}"
        )
    return attempts
