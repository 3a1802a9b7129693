"""Several trials on one GPU: which share each asks for, by the memory that stages like it took before.

Plain Python: the searcher tells what starts and ends. Tune lets trials with small shares overtake those that wait for a
large one, for as long as small ones come; so nothing is handed out while a trial waits for more than others hold.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from search.board.attempts import Attempt
from search.request.flag_values import MAX_TRIALS_PER_GPU
from spaces.stage import Stage
from trainables.training.memory import CUDA_CONTEXT_BYTES
from trainables.worker.failures import DEVICE, MEMORY, PACKED, Failure

# Trials on one GPU. Few numbers, since a worker is reused only by a trial with the same share, and a new one costs
# seconds; powers of two, so that what is free on a GPU is no odd rest.
TRIALS_PER_GPU = (MAX_TRIALS_PER_GPU, 2, 1)
MEMORY_MARGIN = 1.2  # later batches may be longer, and the tests at the end of a stage may need more than its training


def count_trials_per_gpu(peak: int, memory: int) -> int:
    """How many trials with this peak of torch's memory share a GPU, both in bytes."""
    return next(
        (number for number in TRIALS_PER_GPU if number * (peak * MEMORY_MARGIN + CUDA_CONTEXT_BYTES) <= memory), 1
    )


def memory_class_of(stage: Stage) -> str:
    """What decides how much memory a stage takes: all of it but seed, rate, chain and parent."""
    return dataclasses.replace(stage, seed=0, learning_rate=None, intermediate="", parent=None).to_json()


@dataclass(slots=True)
class _PackedTrial:
    stage: Stage
    share: float
    is_running: bool = False


class GpuPacking:
    """The shares of a sweep's trials.

    A stage whose class was not measured gets a whole GPU, and so does the next try of one that failed for want of
    memory in a share.
    """

    def __init__(self, gpus: float, memory: int | None) -> None:
        """`gpus` of the cluster, and bytes of the smallest; where that is not known (None) nothing is packed."""
        self.gpu_count, self.gpu_memory = gpus, memory
        self.peak_by_class: dict[str, int] = {}
        self.trials: dict[str, _PackedTrial] = {}

    def record_peak(self, stage: Stage, peak: int | None) -> None:
        """A stage of this class took so many bytes (None: it had no GPU)."""
        if peak is not None:
            name = memory_class_of(stage)
            self.peak_by_class[name] = max(peak, self.peak_by_class.get(name, 0))

    def share_of(self, stage: Stage, tried: Sequence[Attempt]) -> float:
        """The share of a GPU that a stage with these failed tries asks for."""
        peak = self.peak_by_class.get(memory_class_of(stage))
        if peak is None or self.gpu_memory is None or any(one.kind in (PACKED.name, DEVICE.name) for one in tried):
            return 1.0
        return 1 / count_trials_per_gpu(peak, self.gpu_memory)

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be handed out: no GPU is free, or a trial waits for more than others hold."""
        waiting = [trial.share for trial in self.trials.values() if not trial.is_running]
        running = [trial.share for trial in self.trials.values() if trial.is_running]
        if sum(waiting) + sum(running) >= self.gpu_count:
            return True
        return bool(waiting and running) and max(waiting) > min(running)

    def add_trial(self, trial: str, stage: Stage, tried: Sequence[Attempt]) -> float:
        """Note a new trial; returns its share."""
        share = self.share_of(stage, tried)
        self.trials[trial] = _PackedTrial(stage, share)
        return share

    def mark_running(self, trial: str) -> None:
        """The trial has its share."""
        self.trials[trial].is_running = True

    def remove_trial(self, trial: str, peak: int | None = None) -> None:
        """The trial has given its share back; `peak` as in `learn`."""
        self.record_peak(self.trials.pop(trial).stage, peak)

    def remove_failed_trial(self, trial: str, failure: Failure) -> Failure:
        """The trial has failed: what that was, since in a share memory runs out for another reason."""
        one = self.trials.pop(trial)
        if failure.kind is not MEMORY:
            return failure
        if self.gpu_memory is not None:  # it needed more than it had, and so will others of its class
            self.record_peak(one.stage, int(one.share * self.gpu_memory))
        return dataclasses.replace(failure, kind=PACKED) if one.share < 1 else failure
