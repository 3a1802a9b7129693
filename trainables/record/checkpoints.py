"""The checkpoints of a stage: written when the work at risk is worth it, and always where the stage pauses.

stages/<key>/checkpoint/state.safetensors   exact state after a tenth: weights, optimizer, random states, curve
                        best-3.safetensors  weights of the best tenth, written once; none if those are the state's

A checkpoint is due after a tenth if the time since the last one exceeds MIN_RISK and RISK_FACTOR times what one takes,
or would exceed MAX_RISK before the next tenth ends. So a kill repeats at most one tenth or ten minutes, whichever is
larger, and what is being written at that moment; and checkpoints take at most a twentieth of the time.

State on a GPU is copied to the host at once and written in the background, one checkpoint at a time. State in the
host's memory is written where it lies: a copy would double what a worker on a laptop needs.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from safetensors.torch import load_file
from torch import Tensor

from spaces.activities import ACTIVITIES
from spaces.stage import TENTHS
from trainables.record.context import CHECKPOINT
from trainables.record.tensor_file import AbandonedError, write_tensors
from trainables.storage.base import Storage
from trainables.worker.memory import copy_to_host

STATE = "state.safetensors"
# Tensors in it beside those of the training.
TENTH, BEST_TENTHS, PHASE = "run.tenth", "run.best_tenths", "run.phase"
SPENT, WRITTEN = "run.spent", "run.written"
RISK_FACTOR = 20  # times the duration of a checkpoint
MIN_RISK, MAX_RISK = 2.0, 600.0  # seconds
FIRST_SPEED = 2e8  # bytes per second, before a process has written any
FIRST_LATENCY = 0.01  # seconds


@dataclass(slots=True)
class _Speed:
    """What the last checkpoint of this process took, at one address."""

    nbytes: int
    seconds: float

    def estimate(self, nbytes: int) -> float:
        return self.seconds * max(1.0, nbytes / max(1, self.nbytes))


_speeds: dict[str, _Speed] = {}  # by the address of the results: a process keeps its encoder's size from stage to stage


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """The state of a training after a tenth."""

    tenth: int
    tensors: Mapping[str, Tensor]
    best: Mapping[int, Mapping[str, Tensor]] = field(default_factory=dict)  # weights of best tenths not in `tensors`
    spent: Mapping[str, float] = field(default_factory=dict)  # seconds
    written: int = 0  # bytes of the stage's checkpoints up to this one, where it was read
    phase: str | None = None  # key of the stage that trained it, if that was another one

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(map(_count_bytes, (self.tensors, *self.best.values())))


def is_worthwhile(at_risk: float, tenth_seconds: float, expected: float) -> bool:
    """Return True if a checkpoint that takes `expected` seconds is due after a tenth, with so many seconds at risk."""
    return at_risk >= max(MIN_RISK, RISK_FACTOR * expected) or at_risk + tenth_seconds + expected > MAX_RISK


def count_checkpoints(tenth_seconds: float, expected: float, rungs: Collection[int] = ()) -> int:
    """Return the number of checkpoints of a whole stage: those that are due, and one at each rung, if tenths are equal.

    >>> count_checkpoints(60.0, 1.0), count_checkpoints(60.0, 9.0), count_checkpoints(1.0, 9.0, rungs=(4, 7))
    (10, 3, 2)
    """
    count, at_risk = 0, 0.0
    for tenth in range(1, TENTHS + 1):
        at_risk += tenth_seconds
        if tenth in rungs or is_worthwhile(at_risk, tenth_seconds, expected):
            count, at_risk = count + 1, 0.0
    return count


def read_state(results: Storage, folder: str) -> TrainingState | None:
    """Return the state of the checkpoint in a stage's folder, None if there is none.

    Its tensors are mapped from the files. Raises FileNotFoundError, KeyError, ValueError or SafetensorError for a
    damaged one.
    """
    tensors = _read_tensors(results, f"{folder}/{CHECKPOINT}/{STATE}")
    if tensors is None:
        return None
    tenth, best = int(tensors.pop(TENTH)), {}
    spent, written = tensors.pop(SPENT).tolist(), int(tensors.pop(WRITTEN))
    phase = bytes(tensors.pop(PHASE).tolist()).decode() or None
    for number in tensors.pop(BEST_TENTHS).tolist():
        name = f"{folder}/{CHECKPOINT}/{_best_file_of(number)}"
        weights = _read_tensors(results, name)
        if weights is None:
            raise ValueError(f"{name} is missing")
        best[number] = weights
    return TrainingState(
        tenth=tenth,
        tensors=tensors,
        best=best,
        spent=dict(zip(ACTIVITIES, spent, strict=True)),
        written=written,
        phase=phase,
    )


def _read_tensors(results: Storage, name: str) -> dict[str, Tensor] | None:
    if not results.has(name):
        return None
    with results.open_local(name) as path:
        return load_file(path)


def _best_file_of(tenth: int) -> str:
    return f"best-{tenth}.safetensors"


class Checkpoints:
    """The checkpoints of one stage that is open in this process. `folder` is the stage's, in the results."""

    def __init__(self, results: Storage, folder: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.results, self.folder, self.clock = results, f"{folder}/{CHECKPOINT}", clock
        self.saved_tenth = 0  # of the checkpoint that is complete in the results
        self.written_bytes = 0  # by all processes that worked on the stage
        self._safe_since = clock()  # when the state was taken that a kill at this moment would leave
        self._writer: threading.Thread | None = None
        self._error: BaseException | None = None
        self._ending, self._is_abandoned = threading.Lock(), False

    def is_due(self, nbytes: int, tenth_seconds: float) -> bool:
        """Return True if a checkpoint of so many bytes is worth its time now, with tenths of this duration.

        Raises the error of the last one if that could not be written.
        """
        if self._is_writing():
            return False
        return is_worthwhile(self.clock() - self._safe_since, tenth_seconds, self._estimate(nbytes))

    def _estimate(self, nbytes: int) -> float:
        speed = _speeds.get(self.results.url)
        return FIRST_LATENCY + nbytes / FIRST_SPEED if speed is None else speed.estimate(nbytes)

    def write(self, state: TrainingState, *, in_background: bool = False) -> None:
        """Write a checkpoint, after an earlier one that is still being written. In the background it is copied first.

        Raises OSError: at once, or in a later call if it is written in the background.
        """
        self.finish()
        taken = self.clock()
        if not in_background:
            self._write(state, taken)
            return
        copied = replace(state, tensors=copy_to_host(state.tensors))  # nothing changes the best weights
        self._writer = threading.Thread(target=self._write_or_keep_error, args=(copied, taken), daemon=True)
        self._writer.start()

    def _write_or_keep_error(self, state: TrainingState, taken: float) -> None:
        try:
            self._write(state, taken)
        except AbandonedError:
            pass
        except BaseException as error:  # raised by the next call in the stage's own thread
            self._error = error
        with self._ending:
            self._writer = None
            if self._is_abandoned:
                self.results.remove(self.folder)

    def _write(self, state: TrainingState, taken: float) -> None:
        began = self.clock()
        for tenth, weights in state.best.items():
            if not self.results.has(f"{self.folder}/{_best_file_of(tenth)}"):
                self._write_file(_best_file_of(tenth), weights)
        content = {**state.tensors, **_build_marks(state), WRITTEN: torch.tensor(self.written_bytes)}
        content[WRITTEN] += _count_bytes(content)
        self._write_file(STATE, content)
        self.saved_tenth, self._safe_since = state.tenth, taken
        needed = {f"{self.folder}/{file}" for file in (STATE, *map(_best_file_of, state.best))}
        for name in self.results.list_sizes(self.folder).keys() - needed:
            self.results.remove(name)
        _speeds[self.results.url] = _Speed(state.nbytes, self.clock() - began)

    def _write_file(self, file: str, tensors: Mapping[str, Tensor]) -> None:
        fill = partial(write_tensors, tensors=tensors, is_abandoned=lambda: self._is_abandoned)
        self.results.write_file(f"{self.folder}/{file}", fill)
        self.written_bytes += _count_bytes(tensors)

    def _is_writing(self) -> bool:
        """Return True while a checkpoint is being written; raises the error of one that could not be."""
        if self._writer is not None:
            return True
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return False

    def finish(self) -> None:
        """Wait until the checkpoint that is being written is complete; raises its error."""
        if (writer := self._writer) is not None:
            writer.join()
        self._is_writing()

    def discard(self) -> None:
        """Remove the stage's checkpoint, since the stage has ended; one that is being written is not waited for."""
        with self._ending:
            self._is_abandoned = True
            if self._writer is None:
                self.results.remove(self.folder)


def _build_marks(state: TrainingState) -> dict[str, Tensor]:
    """Return what a state holds beside the tensors of its training, as tensors."""
    spent = [state.spent.get(activity, 0.0) for activity in ACTIVITIES]
    return {
        TENTH: torch.tensor(state.tenth),
        BEST_TENTHS: torch.tensor(list(state.best), dtype=torch.int64),
        SPENT: torch.tensor(spent, dtype=torch.float64),
        PHASE: torch.tensor(list((state.phase or "").encode()), dtype=torch.uint8),
    }


def _count_bytes(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())
