"""How a sweep ends when it was asked to: each running stage finishes its tenth and keeps it, and nothing new starts.

Tune itself would give the stages five seconds and then kill them, which is less than a tenth of a real one.
"""

import signal
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from search.process import signals


class DrainingScheduler(FIFOScheduler):
    """Lets another scheduler decide, until the run was asked to end: then every trial ends at its next result."""

    def __init__(self, scheduler: FIFOScheduler) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.scheduler = scheduler

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Tune's question after every tenth. The gate is told in any case."""
        decision: str = self.scheduler.on_trial_result(tune_controller, trial, result)
        return str(TrialScheduler.STOP) if signals.is_stop_requested() else decision

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """Any that waits for a worker. Ray's own looks at every turn through all trials that there ever were."""
        return next((trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING), None)

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Metric and mode are the gate's."""
        return bool(self.scheduler.set_search_properties(metric, mode, **spec))

    def debug_string(self) -> str:
        """One line for Tune's log."""
        return str(self.scheduler.debug_string())


class DrainCallback(tune.Callback):
    """Ends Tune's loop as soon as the last running stage has finished its tenth."""

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Called at every turn of Tune's loop; a trial that only waits for its worker has nothing to finish."""
        if signals.is_stop_requested() and not any(trial.status == Trial.RUNNING for trial in trials):
            signal.raise_signal(signal.SIGUSR1)  # Tune's word for: leave the loop
