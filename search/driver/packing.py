"""Several trials on one GPU: which share each asks for, by the memory that stages like it took before.

Plain Python: the searcher tells what starts and ends. Tune lets trials with small shares overtake those that wait for a
large one, for as long as small ones come; so nothing is handed out while a trial waits for more than others hold.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from search.board.attempts import Attempt
from search.request.slots import MOST_ON_GPU
from spaces.stage import Stage
from trainables.training.gpu_share import CONTEXT
from trainables.worker.failures import DEVICE, MEMORY, PACKED, Failure

# Trials on one GPU. Few numbers, since a worker is reused only by a trial with the same share, and a new one costs
# seconds; powers of two, so that what is free on a GPU is no odd rest.
TOGETHER = (MOST_ON_GPU, 2, 1)
MARGIN = 1.2  # later batches may be longer, and the tests at the end of a stage may need more than its training


def together(peak: int, memory: int) -> int:
    """How many trials with this peak of torch's memory share a GPU, both in bytes."""
    return next((number for number in TOGETHER if number * (peak * MARGIN + CONTEXT) <= memory), 1)


def memory_class(stage: Stage) -> str:
    """What decides how much memory a stage takes: all of it but seed, rate, chain and parent."""
    return dataclasses.replace(stage, seed=0, learning_rate=None, intermediate="", parent=None).to_json()


@dataclass(slots=True)
class _Trial:
    stage: Stage
    share: float
    running: bool = False


class Packing:
    """The shares of a sweep's trials.

    A stage whose class was not measured gets a whole GPU, and so does the next try of one that failed for want of
    memory in a share.
    """

    def __init__(self, gpus: float, memory: int | None) -> None:
        """`gpus` of the cluster, and bytes of the smallest; where that is not known (None) nothing is packed."""
        self.gpus, self.memory = gpus, memory
        self.peaks: dict[str, int] = {}
        self.trials: dict[str, _Trial] = {}

    def learn(self, stage: Stage, peak: int | None) -> None:
        """A stage of this class took so many bytes (None: it had no GPU)."""
        if peak is not None:
            name = memory_class(stage)
            self.peaks[name] = max(peak, self.peaks.get(name, 0))

    def share(self, stage: Stage, tried: Sequence[Attempt]) -> float:
        """The share of a GPU that a stage with these failed tries asks for."""
        peak = self.peaks.get(memory_class(stage))
        if peak is None or self.memory is None or any(one.kind in (PACKED.name, DEVICE.name) for one in tried):
            return 1.0
        return 1 / together(peak, self.memory)

    @property
    def full(self) -> bool:
        """Whether nothing more is to be handed out: no GPU is free, or a trial waits for more than others hold."""
        waiting = [trial.share for trial in self.trials.values() if not trial.running]
        running = [trial.share for trial in self.trials.values() if trial.running]
        if sum(waiting) + sum(running) >= self.gpus:
            return True
        return bool(waiting and running) and max(waiting) > min(running)

    def hand_out(self, trial: str, stage: Stage, tried: Sequence[Attempt]) -> float:
        """Note a new trial; returns its share."""
        share = self.share(stage, tried)
        self.trials[trial] = _Trial(stage, share)
        return share

    def started(self, trial: str) -> None:
        """The trial has its share."""
        self.trials[trial].running = True

    def ended(self, trial: str, peak: int | None = None) -> None:
        """The trial has given its share back; `peak` as in `learn`."""
        self.learn(self.trials.pop(trial).stage, peak)

    def failed(self, trial: str, failure: Failure) -> Failure:
        """The trial has failed: what that was, since in a share memory runs out for another reason."""
        one = self.trials.pop(trial)
        if failure.kind is not MEMORY:
            return failure
        if self.memory is not None:  # it needed more than it had, and so will others of its class
            self.learn(one.stage, int(one.share * self.memory))
        return dataclasses.replace(failure, kind=PACKED) if one.share < 1 else failure
