"""The orderly end of a sweep: each running stage finishes its tenth, writes its state, and nothing new starts.

So do the stages on a node that is about to leave the cluster, and they go on elsewhere.

Tune itself would give the stages five seconds and then kill them, which is less than a real tenth takes.
"""

import signal
from collections.abc import Callable
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.result import SHOULD_CHECKPOINT
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from search.process import signals

IsLeaving = Callable[[str | None], bool]  # of a node by Ray's id, as results name it; None on this machine alone


def must_stop(result: dict[str, Any], is_leaving: IsLeaving) -> bool:
    """Return True if the trial of a result is to stop now: the run ends, or its node leaves."""
    return signals.is_stop_requested() or is_leaving(result.get("node"))


class DrainingScheduler(FIFOScheduler):
    """Wraps a scheduler; once the run is asked to end, or its node leaves, a trial stops at its next result."""

    def __init__(self, scheduler: FIFOScheduler, is_leaving: IsLeaving) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.scheduler, self.is_leaving = scheduler, is_leaving

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Answer Tune after each result. The wrapped scheduler is always told of the result."""
        decision: str = self.scheduler.on_trial_result(tune_controller, trial, result)
        return str(TrialScheduler.STOP) if must_stop(result, self.is_leaving) else decision

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Return any pending live trial. Ray's own method walks through all trials that ever were, at every turn."""
        return next((trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING), None)


class DrainCallback(tune.Callback):
    """Lets stages that must stop write their state after their tenth, and ends Tune's loop after a stop's last one."""

    def __init__(self, is_leaving: IsLeaving) -> None:
        self.is_leaving = is_leaving

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Ask for a checkpoint of a stage that is about to stop: Tune calls `StageTrial.save`, then stops the trial.

        By now Tune calls every trial done that is to stop, also one that has not ended.
        """
        if must_stop(result, self.is_leaving):
            result[SHOULD_CHECKPOINT] = True

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Check after each turn of Tune's loop; a trial that waits for its worker has nothing to finish."""
        if signals.is_stop_requested() and not any(trial.status == Trial.RUNNING for trial in trials):
            signal.raise_signal(signal.SIGUSR1)  # Tune leaves its loop at this signal
