"""Classification of errors, also of those that wrap others."""

import errno
import pickle

import pytest
import torch
from ray import exceptions
from ray.core.generated.common_pb2 import ActorDiedErrorContext
from ray.tune import TuneError
from safetensors import SafetensorError

from spaces.errors import UsageError
from trainables.storage.base import LockedError
from trainables.worker.failures import (
    DEVICE,
    ERROR,
    FAILURE_KINDS,
    HOST_MEMORY,
    INPUT,
    MEMORY,
    NODE,
    STORAGE,
    WORKER,
    Failure,
    FailureKind,
    StageFailedError,
    classify,
    failure_of,
    worker_failure_of,
)

RESULTS = "/results"
# Messages of Ray 2.60, from experiments: a killed worker, its memory monitor, a lost node.
KILLED = (
    "The actor died unexpectedly before finishing this task.\n\tclass_name: ResourceTrainable\n"
    "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker "
    "unexpectedly exits with a connection error code 2. End of file. Some common causes include: (1) the process was "
    "killed by the OOM killer due to high memory usage, (2) ray stop --force was called, or (3) the worker crashed."
)
CROWDED = "1 worker(s) were killed due to the node running low on memory. Memory on the node was 31GB / 32GB."
GONE = "The actor died because its node has died. Node Id: 5f0c. the actor's node was terminated unexpectedly"


class HTTPError(Exception):
    """An error as clients of hubs raise it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status} from the server")
        self.response = type("Response", (), {"status_code": status})()


class ReadTimeoutError(TimeoutError):
    """An error as clients of HTTP raise it."""


def died(message: str) -> exceptions.ActorDiedError:
    return exceptions.ActorDiedError(ActorDiedErrorContext(error_message=message, actor_id=b"1" * 16))


CASES: list[tuple[BaseException, FailureKind]] = [
    (ValueError("no such column"), ERROR),
    (KeyError("label"), ERROR),
    (UsageError("xnli: no usable row"), ERROR),
    (AssertionError(), ERROR),
    (RuntimeError("mat1 and mat2 shapes cannot be multiplied (32x64 and 16x2)"), ERROR),
    (RuntimeError("Error(s) in loading state_dict for XLMRobertaModel"), ERROR),
    (SafetensorError("Error while deserializing header: HeaderTooLarge"), ERROR),
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "/data/x"), ERROR),
    (PermissionError(errno.EACCES, "Permission denied", "/data/x"), ERROR),
    (PermissionError(errno.EACCES, "Permission denied", "/results2/x"), ERROR),
    (HTTPError(404), ERROR),
    (exceptions.RuntimeEnvSetupError("no such folder"), ERROR),
    (ConnectionError("the hub did not answer"), INPUT),
    (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), INPUT),
    (BrokenPipeError(errno.EPIPE, "Broken pipe"), INPUT),
    (TimeoutError("timed out"), INPUT),
    (ReadTimeoutError("read timed out"), INPUT),
    (OSError(errno.EIO, "Input/output error", "/results/x"), INPUT),
    (OSError(errno.ESTALE, "Stale file handle"), INPUT),
    (InterruptedError(errno.EINTR, "Interrupted system call"), INPUT),
    (OSError("AWS Error NETWORK_CONNECTION during GetObject operation: curlCode: 7"), INPUT),
    (HTTPError(503), INPUT),
    (HTTPError(429), INPUT),
    (LockedError("process 17 on node"), INPUT),
    (MemoryError(), MEMORY),
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."), MEMORY),
    (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."), MEMORY),
    (OSError(errno.ENOMEM, "Cannot allocate memory"), MEMORY),
    (torch.AcceleratorError("CUDA error: out of memory"), MEMORY),
    (exceptions.OutOfMemoryError(CROWDED), HOST_MEMORY),
    (exceptions.RayError(CROWDED), HOST_MEMORY),
    (died(CROWDED), HOST_MEMORY),
    (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), DEVICE),
    (RuntimeError("CUDA error: device-side assert triggered"), DEVICE),
    (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), DEVICE),
    (OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), STORAGE),
    (OSError(errno.EDQUOT, "Disk quota exceeded", "/results/x"), STORAGE),
    (OSError(errno.EROFS, "Read-only file system", "/results/x"), STORAGE),
    (PermissionError(errno.EACCES, "Permission denied", "/results/stages/x"), STORAGE),
    (SafetensorError("I/O error: No space left on device (os error 28)"), STORAGE),
    (OSError("When uploading part: AWS Error ACCESS_DENIED during PutObject operation"), STORAGE),
    (
        TuneError("Traceback (most recent call last):\n  File\nOSError: [Errno 28] No space left on device: 'x'"),
        STORAGE,
    ),
    (
        TuneError("Traceback (most recent call last):\nPermissionError: [Errno 13] Permission denied: '/results/x'"),
        STORAGE,
    ),
    (died(KILLED), WORKER),
    (exceptions.ActorDiedError(), WORKER),
    (exceptions.WorkerCrashedError(), WORKER),
    (exceptions.ActorUnavailableError("the actor is unavailable", b"1" * 16), WORKER),
    (exceptions.NodeDiedError("the node died"), NODE),
    (exceptions.RayError(GONE), NODE),
    (died(GONE), NODE),
]
IDS = [f"{type(error).__name__}-{str(error)[:30]}" for error, _ in CASES]


@pytest.mark.parametrize(("error", "kind"), CASES, ids=IDS)
def test_the_kind_of_an_error(error: BaseException, kind: FailureKind) -> None:
    assert classify(error, RESULTS) is kind


def test_of_an_error_that_is_a_traceback_the_last_line_is_told() -> None:
    error = TuneError("Traceback (most recent call last):\n  File x\nOSError: [Errno 28] No space left on device")
    assert failure_of(error, RESULTS).reason == "TuneError: OSError: [Errno 28] No space left on device"


def chained(error: BaseException, how: str) -> BaseException:
    """Return an error that has this one as a cause."""
    try:
        try:
            raise error
        except BaseException as caught:
            if how == "cause":
                raise UsageError("xnli: its rows cannot be read") from caught
            if how == "context":
                raise KeyError("rows")  # noqa: B904
            raise
    except BaseException as outer:
        if how == "group":
            return ExceptionGroup("several", [ValueError("one"), outer]) if isinstance(outer, Exception) else outer
        return outer


@pytest.mark.parametrize("how", ["cause", "context", "group"])
@pytest.mark.parametrize(("error", "kind"), CASES, ids=IDS)
def test_a_cause_shows_through_what_it_is_wrapped_in(error: BaseException, kind: FailureKind, how: str) -> None:
    assert classify(chained(error, how), RESULTS) is kind


def test_what_was_meant_to_be_hidden_is_hidden() -> None:
    try:
        try:
            raise ConnectionError("the first place does not answer")
        except ConnectionError:
            raise ValueError("no place has it") from None
    except ValueError as error:
        assert classify(error) is ERROR


def test_a_ring_of_causes_ends() -> None:
    error, cause = ValueError("one"), ValueError("other")
    error.__cause__, cause.__cause__ = cause, error
    assert classify(error) is ERROR


@pytest.mark.parametrize(("error", "kind"), CASES, ids=IDS)
def test_it_is_the_same_on_the_other_side(error: BaseException, kind: FailureKind) -> None:
    # The driver receives an error in a worker pickled, wrapped, and with the traceback as its text.
    failure = failure_of(error, RESULTS)
    received = pickle.loads(pickle.dumps(StageFailedError(failure.kind.name, failure.reason, failure.details)))
    wrapped = exceptions.RayTaskError("train", f"a traceback\n{CROWDED}\n{KILLED}", received).as_instanceof_cause()
    assert worker_failure_of(wrapped) == failure
    assert failure.kind is kind and failure.reason.startswith(type(error).__name__)
    assert "\n" not in failure.reason


def test_a_lost_worker_is_told_in_one_line() -> None:
    assert worker_failure_of(died(KILLED)).reason.endswith(
        "memory (SYSTEM_ERROR: Worker unexpectedly exits with a connection error code 2)"
    )
    assert worker_failure_of(exceptions.RayError(CROWDED)).reason.startswith("OutOfHostMemory: 1 worker(s) were killed")
    for error, _ in CASES:
        failure = worker_failure_of(error)
        assert failure.reason and "\n" not in failure.reason


def test_no_kind_is_both_tried_again_and_the_end() -> None:
    assert not [kind for kind in FAILURE_KINDS.values() if kind.is_transient and kind.stops_sweep]
    assert {name: kind.name for name, kind in FAILURE_KINDS.items()} == {name: name for name in FAILURE_KINDS}


@pytest.mark.parametrize(
    ("reason", "other_reason", "alike"),
    [
        ("ValueError: row 17 of 300", "ValueError: row 9 of 2", True),
        ("OSError: /runs/a/x is damaged", "OSError: /runs/b/y.json is damaged", True),
        ("KeyError: stage 0ec3866a44f760ac", "KeyError: stage 1ea085ff3a1f99af", True),
        ("Hang: no progress in 0:30:00", "Hang: no progress in 2:00:00", True),
        ("ValueError: no column 'label'", "ValueError: no column 'words'", False),
        ("ValueError: no column", "KeyError: no column", False),
        ("ValueError: a defaced facade", "ValueError: a decade", False),
    ],
)
def test_failures_are_alike_but_for_numbers_keys_and_paths(reason: str, other_reason: str, alike: bool) -> None:
    assert (Failure(ERROR, reason).signature == Failure(ERROR, other_reason).signature) is alike
    assert Failure(ERROR, reason).signature != Failure(INPUT, reason).signature
