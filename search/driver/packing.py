"""Packing of several trials on one GPU: the share of each follows from the memory measured for similar stages.

Plain Python: the searcher reports the starts and ends of trials. Tune lets trials with small shares overtake one that
waits for a large share, as long as small ones come. So no trial is handed out while one waits for more than another one
holds.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from search.board.attempts import Attempt
from search.request.flag_values import MAX_TRIALS_PER_GPU
from spaces.stage import Stage
from trainables.worker.failures import DEVICE, MEMORY, PACKED, Failure
from trainables.worker.memory import CUDA_CONTEXT_BYTES

# Possible numbers of trials on one GPU. They are few, since a worker is reused only by a trial with the same share, and
# a new worker costs seconds; they are powers of two, so that free parts of a GPU fit other trials.
TRIALS_PER_GPU = (MAX_TRIALS_PER_GPU, 2, 1)
MEMORY_MARGIN = 1.2  # later batches may be longer, and the evaluation at a stage's end may need more than its training


def count_trials_per_gpu(peak: int, memory: int) -> int:
    """Return how many trials with a peak of torch's memory fit on a GPU with `memory`, both in bytes."""
    needed = peak * MEMORY_MARGIN + CUDA_CONTEXT_BYTES
    return next((count for count in TRIALS_PER_GPU if count * needed <= memory), 1)


def memory_class_of(stage: Stage) -> str:
    """Return a name for stages that take the same memory: all fields but seed, rate, chain and parent."""
    return dataclasses.replace(stage, seed=0, learning_rate=None, intermediate="", parent=None).to_json()


@dataclass(slots=True)
class _PackedTrial:
    stage: Stage
    share: float
    is_running: bool = False


class GpuPacking:
    """The shares of GPUs of a sweep's trials.

    A stage whose memory class was not measured gets a whole GPU. So does the next attempt at a stage that ran out of
    memory in a share, or whose device failed: libraries of GPUs do not always say that memory is short, and a fault of
    a neighbour may end all trials on a GPU (under MPS it does). So a device's fault in a share costs no try; on a whole
    GPU it is the stage's own.
    """

    def __init__(self, gpu_count: float, gpu_memory: int | None) -> None:
        """`gpu_count` of the cluster, and the bytes of its smallest GPU; None (unknown): nothing is packed."""
        self.gpu_count, self.gpu_memory = gpu_count, gpu_memory
        self.peak_by_class: dict[str, int] = {}
        self.trials: dict[str, _PackedTrial] = {}

    def record_peak(self, stage: Stage, peak: int | None) -> None:
        """Record the peak memory in bytes that a stage took (None: it had no GPU)."""
        if peak is not None:
            memory_class = memory_class_of(stage)
            self.peak_by_class[memory_class] = max(peak, self.peak_by_class.get(memory_class, 0))

    def share_of(self, stage: Stage, attempts: Sequence[Attempt]) -> float:
        """Return the share of a GPU for a stage with these failed attempts."""
        peak = self.peak_by_class.get(memory_class_of(stage))
        needs_whole_gpu = any(attempt.kind in (PACKED.name, DEVICE.name) for attempt in attempts)
        if peak is None or self.gpu_memory is None or needs_whole_gpu:
            return 1.0
        return 1 / count_trials_per_gpu(peak, self.gpu_memory)

    @property
    def is_full(self) -> bool:
        """True if no trial may be handed out: no GPU is free, or a trial waits for more than another one holds."""
        waiting = [trial.share for trial in self.trials.values() if not trial.is_running]
        running = [trial.share for trial in self.trials.values() if trial.is_running]
        if sum(waiting) + sum(running) >= self.gpu_count:
            return True
        return bool(waiting and running) and max(waiting) > min(running)

    def add_trial(self, trial_id: str, stage: Stage, attempts: Sequence[Attempt]) -> float:
        """Add a new trial; returns its share."""
        share = self.share_of(stage, attempts)
        self.trials[trial_id] = _PackedTrial(stage, share)
        return share

    def mark_running(self, trial_id: str) -> None:
        """Mark a trial as holding its share."""
        self.trials[trial_id].is_running = True

    def remove_trial(self, trial_id: str, peak: int | None = None) -> None:
        """Remove a trial that has ended; `peak` as in `record_peak`."""
        self.record_peak(self.trials.pop(trial_id).stage, peak)

    def remove_failed_trial(self, trial_id: str, failure: Failure) -> Failure:
        """Remove a trial that has failed; returns its failure, told apart as PACKED where that came of its share."""
        trial = self.trials.pop(trial_id)
        if failure.kind not in (MEMORY, DEVICE):
            return failure
        if failure.kind is MEMORY and self.gpu_memory is not None:
            # It needed more than its share, and so will others of its class.
            self.record_peak(trial.stage, int(trial.share * self.gpu_memory))
        return dataclasses.replace(failure, kind=PACKED) if trial.share < 1 else failure
