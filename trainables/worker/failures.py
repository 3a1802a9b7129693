"""What makes a stage fail, and what follows from it: one more try, a failed stage, or the end of the sweep.

An error is judged by its type, its number and its words, down the chain of what caused it. Errors of torch,
Ray and others are known by their names: status pages read failures too, and load nothing heavy.
"""

import errno
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_TRIES = 2  # of a stage whose failures may pass


@dataclass(frozen=True, slots=True)
class FailureKind:
    """A kind of failure.

    With `passes` a new process may do better. With `stops` it is not the stage's fault: the sweep ends, and the stage
    can be continued. A kind that is `own` has to do with the stage's task, whose other stages will fail alike.
    """

    name: str
    description: str
    is_transient: bool = False
    stops_sweep: bool = False
    is_task_related: bool = False


ERROR = FailureKind("error", "an error of code or data, which would come again", is_task_related=True)
INPUT = FailureKind("input", "something could not be read for the moment", is_transient=True, is_task_related=True)
MEMORY = FailureKind(
    "memory",
    "memory ran out; the second try takes half as many examples at a time",
    is_transient=True,
    is_task_related=True,
)
PACKED = FailureKind("packed", "memory ran out in a share of a GPU; the next try gets a whole one", is_transient=True)
DEVICE = FailureKind("device", "the GPU's driver gave up, and the process with it", is_transient=True)
WORKER = FailureKind("worker", "the worker's process ended", is_transient=True)
NODE = FailureKind("node", "the machine was lost", is_transient=True)
HANG = FailureKind("hang", "nothing went on for longer than --hang-after", is_transient=True)
STORAGE = FailureKind("storage", "the results cannot be written", stops_sweep=True)
FAILURE_KINDS = {kind.name: kind for kind in (ERROR, INPUT, MEMORY, PACKED, DEVICE, WORKER, NODE, HANG, STORAGE)}

_UNWRITABLE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_TRANSIENT_ERRNOS = {
    getattr(errno, name)
    for name in "EIO ESTALE EAGAIN EINTR EBUSY EREMOTEIO ENETDOWN ENETUNREACH EHOSTDOWN EHOSTUNREACH ETIMEDOUT".split()
    if hasattr(errno, name)
}
# Names, since the clients of hubs and object stores have types of their own that need not be installed.
_TRANSIENT_TYPES = {"ConnectionError", "TimeoutError", "Timeout", "TransportError", "IncompleteRead", "ProtocolError"}
_TRANSIENT_TYPES |= {"LockedError"}  # an earlier worker that has the stage open still
_LOST_WORKER_TYPES = {"RayActorError", "WorkerCrashedError", "LocalRayletDiedError"}
_UNWRITABLE_TEXT = re.compile(
    "no space left on device|disk quota exceeded|read-only file system|AWS Error (ACCESS_DENIED|NO_SUCH_BUCKET)", re.I
)
_DENIED_TEXT = re.compile("(?:Permission denied|Operation not permitted): '([^']+)'")
_TRANSIENT_TEXT = re.compile(
    "AWS Error (NETWORK_CONNECTION|SLOW_DOWN|SERVICE_UNAVAILABLE|THROTTLING|INTERNAL_FAILURE|REQUEST_TIMEOUT)|curlCode"
)
_MEMORY_TEXT = re.compile("out of memory|can't allocate memory|cannot allocate memory", re.I)
_DEVICE_TEXT = re.compile("CUDA error|CUDA driver error|CUBLAS_STATUS|CUDNN_STATUS|cuDNN error|HIP error")
_NODE_TEXT = re.compile(r"\bnode (has |was |is )?(died|dead|lost|terminated|preempted|drained|removed)", re.I)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed try: its kind, a line that says why, and the traceback or stack."""

    kind: FailureKind
    reason: str
    details: str | None = None

    @property
    def signature(self) -> str:
        """Kind and reason without what differs from stage to stage: numbers, keys, paths."""
        return f"{self.kind.name}: {_mask_details(self.reason)}"


class StageFailedError(Exception):
    """Leaves a worker whose process must not go on. Only strings are in it, so that it can be pickled."""

    def __init__(self, kind: str, reason: str, details: str | None) -> None:
        super().__init__(kind, reason, details)

    @property
    def failure(self) -> Failure:
        """What happened."""
        kind, reason, details = self.args
        return Failure(FAILURE_KINDS[kind], reason, details)


def failure_of(error: BaseException, results: str) -> Failure:
    """Judge an error that ended a stage in its own process; `results` is the folder or address it writes to."""
    lines = str(error).splitlines()
    if lines and lines[0].startswith("Traceback"):  # so Tune tells of errors in the driver
        lines = lines[-1:]
    reason = " ".join(f"{type(error).__name__}: {' '.join(lines)}".split())
    return Failure(classify(error, results), reason, "".join(traceback.format_exception(error)))


def worker_failure_of(error: BaseException) -> Failure:
    """Judge an error by which the driver learns that a worker is gone."""
    told = next((one for one in _iter_causes(error) if isinstance(one, StageFailedError)), None)
    if told is not None:
        return told.failure
    text, kind = str(error), classify(error)
    if kind is ERROR:  # an error of Ray's that has no name here, as when a worker cannot be started
        return Failure(kind, f"{type(error).__name__}: {_first_line_of(text)}", text)
    said = re.search(r"Worker exit type: (\w+)\s+Worker exit detail: ([^.]*)", text)
    if kind is WORKER and said is not None:
        guess = "killed, crashed, or out of the machine's memory"
        return Failure(kind, f"WorkerDied: {guess} ({said[1]}: {said[2]})", text)
    names = {MEMORY: "OutOfMemory", NODE: "NodeDied"}
    return Failure(kind, f"{names.get(kind, 'WorkerDied')}: {_first_line_of(text)}", text)


def classify(error: BaseException, results: str | None = None) -> FailureKind:
    """The kind of an error, or of the nearest of its causes that is more than an error."""
    return next((kind for one in _iter_causes(error) if (kind := _kind_of(one, results)) is not ERROR), ERROR)


def _iter_causes(error: BaseException) -> Iterator[BaseException]:
    """The error, then what it came from; each once, since chains can be rings."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or any(one is other for other in seen):
            continue
        seen.append(one)
        inner = getattr(one, "cause", None)  # where Ray keeps what a worker raised, around which there is only a frame
        if isinstance(inner, BaseException):
            waiting.append(inner)
            continue
        yield one
        waiting += [one.__cause__, None if one.__suppress_context__ else one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def _kind_of(error: BaseException, results: str | None) -> FailureKind:
    if isinstance(error, StageFailedError):
        return error.failure.kind
    names, text = {base.__name__ for base in type(error).__mro__}, str(error)
    # Words are looked at too, since libraries (and Tune) pass those of the system on, but not its numbers.
    if (
        (isinstance(error, OSError) and error.errno in _UNWRITABLE_ERRNOS)
        or _UNWRITABLE_TEXT.search(text)
        or _is_results_denied(text, results)
    ):
        return STORAGE
    if "OutOfMemoryError" in names or isinstance(error, MemoryError):
        return MEMORY
    if isinstance(error, RuntimeError | OSError) and _MEMORY_TEXT.search(text):
        return MEMORY
    if "AcceleratorError" in names or (isinstance(error, RuntimeError) and _DEVICE_TEXT.search(text)):
        return DEVICE
    if "RayError" in names:
        if "low on memory" in text:  # Ray's memory monitor; its other texts name memory as one guess of several
            return MEMORY
        if _NODE_TEXT.search(text) or getattr(error, "preempted", False):
            return NODE
        return WORKER if names & _LOST_WORKER_TYPES else ERROR
    if names & _TRANSIENT_TYPES or _is_server_busy(error):
        return INPUT
    if isinstance(error, OSError) and (error.errno in _TRANSIENT_ERRNOS or _TRANSIENT_TEXT.search(text)):
        return INPUT
    return ERROR


def _is_results_denied(text: str, results: str | None) -> bool:
    """Whether it is one of the results' files that may not be written or read."""
    return results is not None and any(Path(name).is_relative_to(results) for name in _DENIED_TEXT.findall(text))


def _is_server_busy(error: BaseException) -> bool:
    """Whether a server asks to come again later."""
    code = getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(code, int) and (code in (408, 429) or code >= 500)


def _mask_details(reason: str) -> str:
    reason = re.sub(r"\S*/\S+", "PATH", reason)
    reason = re.sub(r"\b(0x)?(?=[0-9a-f]*\d)[0-9a-f]{6,}\b", "KEY", reason)
    return re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "N", reason)


def _first_line_of(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "it said nothing")
