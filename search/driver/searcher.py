"""The searcher: Tune asks it what to run next, it asks the board; and a callback that tells it of lost workers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.exceptions import RayError
from ray.tune.search import Searcher

from search.board.attempts import oom_retries
from search.board.board import Board
from search.driver.packing import GpuPacking
from search.process import signals
from spaces.plan import Stratum
from spaces.stage import Stage
from trainables.record.outcome import Outcome
from trainables.worker.failures import ERROR, WORKER, Failure, worker_failure_of

MIN_WAIT = 0.5  # seconds that a slot waits for a stage
MIN_WAIT_SPACING = 0.2  # seconds, at the least, between the ends of the waits of all slots: each costs the driver 0.03
MAX_WAIT_TRIALS = 25  # the others lose their workers; a sweep that ends, or is asked to, waits for these: 5 seconds


class PlanSearcher(Searcher):
    """One trial is one stage. While stages are under way that may unlock others, the answer is a trial that waits.

    Tune ends the workers of idle slots, and gives a trial whose worker is starting the first one that gets free: behind
    a single long stage all other slots would lose theirs, and among short ones never get them back. With `waits` off
    the answer is None: ask again.
    """

    def __init__(
        self,
        board: Board,
        context_json: str,
        on_change: Callable[[], None],
        hang_timeout: float = 0.0,
        gpus: float | GpuPacking = 0.0,
        *,
        use_wait_trials: bool = False,
    ) -> None:
        """`place` and `patience` (seconds) go to the workers; `changed` is called when stages become known.

        `gpus` is what each trial asks for, or what decides that. Trials that are packed are of many shapes, which have
        workers of their own: then none waits.
        """
        super().__init__(metric="dev", mode="max")
        self.board, self.context_json, self.on_change, self.hang_timeout = board, context_json, on_change, hang_timeout
        self.packing = gpus if isinstance(gpus, GpuPacking) else None
        self.gpus = 0.0 if isinstance(gpus, GpuPacking) else gpus
        self.trials: dict[str, tuple[Stratum, Stage]] = {}
        self.use_wait_trials, self.wait_trials = use_wait_trials and self.packing is None, set[str]()

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        """There is no parameter space: the board has the plan."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """The configuration of the next stage, None while it must wait, FINISHED at the end."""
        if signals.is_stop_requested():
            return str(Searcher.FINISHED)
        if self.packing is not None and self.packing.is_full:
            return None
        stage = self.board.start_next()
        if stage is None:
            return self._suggest_wait(trial_id)
        group, _ = self.board.running[stage.key]
        self.trials[trial_id] = (group.stratum, stage)
        self.on_change()
        tried = self.board.store.load_attempts(stage.key)
        gpus = self.gpus if self.packing is None else self.packing.add_trial(trial_id, stage, tried)
        return {
            "key": stage.key,
            "stratum": group.stratum.id,
            "context": self.context_json,
            "attempt": len(tried) + 1,
            "oom_retries": oom_retries(tried),
            "hang_timeout": self.hang_timeout,
            "gpus": gpus,
            "packed": self.packing is not None and gpus < 1,
            "rungs": []
            if self.board.stopping_policy is None
            else list(self.board.stopping_policy.rungs_of(group.stratum.id)),
        }

    def _suggest_wait(self, trial_id: str) -> Any:
        """The answer while no stage can start."""
        if not self.board.running:
            # None with nothing in flight would block Tune's loop for ten minutes at a time.
            return str(Searcher.FINISHED)
        if not self.use_wait_trials or len(self.wait_trials) >= MAX_WAIT_TRIALS:
            return None
        self.wait_trials.add(trial_id)
        return {"wait": max(MIN_WAIT, MIN_WAIT_SPACING * len(self.wait_trials)), "gpus": self.gpus}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """A stage goes on: it may be the one that the others of its stratum waited for."""
        if trial_id in self.wait_trials:
            return
        stratum, _ = self.trials[trial_id]
        self.board.judge_stratum(self.board.states[stratum.id])

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Note the outcome that the stage wrote itself, or else that it was halted or failed.

        After an error `fail` is called next.
        """
        if error or trial_id in self.wait_trials:
            self.wait_trials.discard(trial_id)
            return
        _, stage = self.trials.pop(trial_id)
        if self.packing is not None:
            self.packing.remove_trial(trial_id, (result or {}).get("memory"))
        outcome = self._load_own_outcome(stage)
        if result is not None and "error" in result:
            self.board.fail(stage.key, Failure(ERROR, result["error"], result["details"]))
        elif outcome is not None:
            self.board.end(stage.key, outcome)
        else:  # early stopping ended the trial, or it only finished a tenth since the run is to end
            assert result is not None
            self.board.halt(stage.key, result["steps"], result["seconds"])
        self.on_change()

    def _load_own_outcome(self, stage: Stage) -> Outcome | None:
        """The outcome of a stage that came to its own end."""
        outcome = self.board.store.load_outcome(stage.key)
        return outcome if outcome is not None and outcome.status in ("finished", "degenerate") else None

    def handle_lost_trial(self, trial_id: str, failure: Failure, *, moved: bool) -> str | None:
        """Note that a trial's process is lost; returns a line to show where its stage is going to be tried again."""
        _, stage = self.trials.pop(trial_id)
        if self.packing is not None:
            failure = self.packing.remove_failed_trial(trial_id, failure)
        outcome = self._load_own_outcome(stage)
        if outcome is not None:  # it had done all there was to do
            self.board.end(stage.key, outcome)
            return None
        if (
            signals.is_stop_requested()
        ):  # whoever ended the run may have ended the worker too: that is no failure of the stage
            self.board.release(stage.key)
            return None
        if failure.kind is WORKER:
            failure = self.board.store.pop_hang_failure(stage.key) or failure
        if self.board.fail(stage.key, failure, moved=moved):
            return f"tried again: {stage.key}  {stage.label}: {failure.kind.name}: {failure.reason}"
        return None

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the truth is in the store."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: every start is a fresh one."""


class WorkerLossCallback(tune.Callback):
    """Tells the searcher when a trial begins, and why one ended in an error: Tune itself only says that it did."""

    def __init__(self, searcher: PlanSearcher, print_line: Callable[[str], None]) -> None:
        self.searcher, self.print_line = searcher, print_line

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks; terminals stay behind."""
        return {"searcher": None, "print_line": None}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The trial has a worker, with its share of a GPU."""
        if self.searcher.packing is not None:
            self.searcher.packing.mark_running(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Comes right after the searcher's `on_trial_complete`. A trial that only waited has lost nothing."""
        if trial.trial_id not in self.searcher.trials:
            return
        moved = bool((trial.last_result or {}).get("curve"))
        line = self.searcher.handle_lost_trial(trial.trial_id, worker_failure_of(_read_error(trial)), moved=moved)
        if line is not None:
            self.print_line(line)


def _read_error(trial: Any) -> BaseException:
    """What ended the trial: Tune keeps it in its own folder of this run, errors of the cluster as text alone."""
    if trial.pickled_error_file is not None:
        error: BaseException = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
        return error
    return RayError(Path(trial.error_file).read_text(encoding="utf-8").partition("\n")[2])
