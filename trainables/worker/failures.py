"""Kinds of failure of a stage, and their consequence: another try, a failed stage, or the end of the sweep.

An error is classified by its type, its number and its text, and then by its causes. Errors of torch, Ray and others are
recognised by their class names, so that status pages can read failures without importing those libraries.
"""

import errno
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spaces.errors import first_line_of

MAX_TRIES = 2  # of a stage whose failures are transient
MAX_LOSSES = 10  # failures that cost no try, at the same place: more may be the stage's own fault


@dataclass(frozen=True, slots=True)
class FailureKind:
    """A kind of failure.

    A new process may succeed after a transient failure, and some are not the stage's fault: they cost no try. A failure
    that stops the sweep is not the stage's fault either: the stage can be continued later. A task-related failure will
    probably recur in other stages of the same task.
    """

    name: str
    is_transient: bool = False
    costs_try: bool = True
    stops_sweep: bool = False
    is_task_related: bool = False


ERROR = FailureKind("error", is_task_related=True)  # deterministic, of code or data
INPUT = FailureKind("input", is_transient=True, is_task_related=True)  # something could not be read for the moment
MEMORY = FailureKind("memory", is_transient=True, is_task_related=True)  # the second try halves the micro-batch
# Out of memory in a share of a GPU, or a fault of that GPU, maybe a neighbour's; the next try gets a whole one.
PACKED = FailureKind("packed", is_transient=True, costs_try=False)
HOST_MEMORY = FailureKind("host-memory", is_transient=True)  # Ray ended the worker, since its machine ran out of memory
DEVICE = FailureKind("device", is_transient=True)  # the GPU's driver failed, and the process with it
GPU_FAULT = FailureKind("gpu-fault", is_transient=True, costs_try=False)  # before a stage began on the GPU
WORKER = FailureKind("worker", is_transient=True)  # the worker's process ended
NODE = FailureKind("node", is_transient=True, costs_try=False)  # the machine was lost
UNFIT_NODE = FailureKind("unfit-node", is_transient=True, costs_try=False)  # it lacks what stages need: it is kept out
HANG = FailureKind("hang", is_transient=True)  # no progress for longer than --hang-after
STORAGE = FailureKind("storage", stops_sweep=True)  # the results cannot be written
_KINDS = (ERROR, INPUT, MEMORY, PACKED, HOST_MEMORY, DEVICE, GPU_FAULT, WORKER, NODE, UNFIT_NODE, HANG, STORAGE)
FAILURE_KINDS = {kind.name: kind for kind in _KINDS}

_UNWRITABLE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_TRANSIENT_ERRNOS = {
    getattr(errno, name)
    for name in "EIO ESTALE EAGAIN EINTR EBUSY EREMOTEIO ENETDOWN ENETUNREACH EHOSTDOWN EHOSTUNREACH ETIMEDOUT".split()
    if hasattr(errno, name)
}
# Class names, since clients of hubs and object stores have their own error types, and may not be installed.
_TRANSIENT_TYPES = {"ConnectionError", "TimeoutError", "Timeout", "TransportError", "IncompleteRead", "ProtocolError"}
_TRANSIENT_TYPES |= {"LockedError"}  # an earlier worker still has the stage open
_LOST_WORKER_TYPES = {"RayActorError", "WorkerCrashedError", "LocalRayletDiedError"}
_DEVICE_TYPES = {"AcceleratorError", "NoGpuError"}
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
    """One failed try: its kind, its reason in one line, and the traceback or stacks."""

    kind: FailureKind
    reason: str
    details: str | None = None

    @property
    def signature(self) -> str:
        """Kind and reason, with numbers, keys and paths masked: equal for the same failure of different stages."""
        return f"{self.kind.name}: {_mask_details(self.reason)}"


class StageFailedError(Exception):
    """A failure that ends the worker's process. It holds only strings, so that it can be pickled."""

    def __init__(self, kind: str, reason: str, details: str | None) -> None:
        super().__init__(kind, reason, details)

    @property
    def failure(self) -> Failure:
        """The failure."""
        kind, reason, details = self.args
        return Failure(FAILURE_KINDS[kind], reason, details)


def failure_of(error: BaseException, results: str) -> Failure:
    """Return the failure for an error raised in the worker's process.

    `results` is the folder or address that the stage writes to: an error about its files stops the sweep.
    """
    lines = str(error).splitlines()
    if lines and lines[0].startswith("Traceback"):  # Tune's form for errors in the driver
        lines = lines[-1:]
    reason = " ".join(f"{type(error).__name__}: {' '.join(lines)}".split())
    return Failure(classify(error, results), reason, "".join(traceback.format_exception(error)))


def worker_failure_of(error: BaseException) -> Failure:
    """Return the failure for an error that the driver receives for a worker that ended."""
    own_error = next((cause for cause in _iter_causes(error) if isinstance(cause, StageFailedError)), None)
    if own_error is not None:
        return own_error.failure
    text, kind = str(error), classify(error)
    exit_report = re.search(r"Worker exit type: (\w+)\s+Worker exit detail: ([^.]*)", text)
    if kind is WORKER and exit_report is not None:
        guess = "killed, crashed, or out of the machine's memory"
        return Failure(kind, f"WorkerDied: {guess} ({exit_report[1]}: {exit_report[2]})", text)
    # ERROR stands for an error of Ray that is unknown here, e.g. if a worker cannot be started.
    names = {HOST_MEMORY: "OutOfHostMemory", NODE: "NodeDied", ERROR: type(error).__name__}
    return Failure(kind, f"{names.get(kind, 'WorkerDied')}: {first_line_of(error)}", text)


def classify(error: BaseException, results: str | None = None) -> FailureKind:
    """Return the kind of an error, or of its nearest cause of another kind than ERROR."""
    return next((kind for cause in _iter_causes(error) if (kind := _kind_of(cause, results)) is not ERROR), ERROR)


def _iter_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, then its causes, nearest first; each once, since chains can be cyclic."""
    seen: list[BaseException] = []
    queue: list[BaseException | None] = [error]
    while queue:
        cause = queue.pop(0)
        if cause is None or any(cause is other for other in seen):
            continue
        seen.append(cause)
        inner = getattr(cause, "cause", None)  # Ray wraps the error of a worker and keeps it here
        if isinstance(inner, BaseException):
            queue.append(inner)
            continue
        yield cause
        queue += [cause.__cause__, None if cause.__suppress_context__ else cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            queue += cause.exceptions


def _kind_of(error: BaseException, results: str | None) -> FailureKind:
    if isinstance(error, StageFailedError):
        return error.failure.kind
    names, text = {base.__name__ for base in type(error).__mro__}, str(error)
    if "UnfitNodeError" in names:
        return UNFIT_NODE
    if "GpuFaultError" in names:
        return GPU_FAULT
    # Texts are searched too, since libraries (and Tune) pass on the system's message, but not its error number.
    if (
        (isinstance(error, OSError) and error.errno in _UNWRITABLE_ERRNOS)
        or _UNWRITABLE_TEXT.search(text)
        or _is_results_denied(text, results)
    ):
        return STORAGE
    if "RayError" in names and "low on memory" in text:  # Ray's memory monitor; other texts name memory among causes
        return HOST_MEMORY
    if "OutOfMemoryError" in names or isinstance(error, MemoryError):
        return MEMORY
    if isinstance(error, RuntimeError | OSError) and _MEMORY_TEXT.search(text):
        return MEMORY
    if names & _DEVICE_TYPES or (isinstance(error, RuntimeError) and _DEVICE_TEXT.search(text)):
        return DEVICE
    if "RayError" in names:
        if _NODE_TEXT.search(text) or getattr(error, "preempted", False):
            return NODE
        return WORKER if names & _LOST_WORKER_TYPES else ERROR
    if names & _TRANSIENT_TYPES or _is_server_busy(error):
        return INPUT
    if isinstance(error, OSError) and (error.errno in _TRANSIENT_ERRNOS or _TRANSIENT_TEXT.search(text)):
        return INPUT
    return ERROR


def _is_results_denied(text: str, results: str | None) -> bool:
    """Return True if access to one of the results' files was denied."""
    return results is not None and any(Path(name).is_relative_to(results) for name in _DENIED_TEXT.findall(text))


def _is_server_busy(error: BaseException) -> bool:
    """Return True if a server asked to try again later."""
    code = getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(code, int) and (code in (408, 429) or code >= 500)


def _mask_details(reason: str) -> str:
    reason = re.sub(r"\S*/\S+", "PATH", reason)
    reason = re.sub(r"\b(0x)?(?=[0-9a-f]*\d)[0-9a-f]{6,}\b", "KEY", reason)
    return re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "N", reason)
