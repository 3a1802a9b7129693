"""The searcher, through which Tune gets its trials from the board, and a callback that reports lost workers to it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.exceptions import RayError
from ray.tune.search import Searcher

from search.board.attempts import oom_retries
from search.board.board import Board
from search.driver.packing import GpuPacking
from search.driver.time_budget import TimeBudget
from search.process import signals
from spaces.plan import Stratum
from spaces.stage import Precision, Stage
from trainables.record.outcome import Outcome
from trainables.worker.failures import ERROR, GPU_FAULT, NODE, UNFIT_NODE, WORKER, Failure, worker_failure_of

MIN_WAIT = 0.5  # shortest wait of a slot for a stage, in seconds
MIN_WAIT_SPACING = 0.2  # seconds between the ends of waits over all slots; each end costs the driver 0.03 s
MAX_WAIT_TRIALS = 25  # further slots lose their workers; the end of a sweep waits for all of these: 5 seconds


class PlanSearcher(Searcher):
    """Searcher whose trials are stages. While no stage can start, but running ones may unlock others, a trial waits.

    Tune ends the workers of idle slots, and gives the first worker that gets free to a trial whose own worker is still
    starting. Without trials that wait, all slots behind a single long stage would lose their workers, and among short
    stages never get them back. With `use_wait_trials` off the answer is None: ask again.
    """

    def __init__(
        self,
        board: Board,
        context_json: str,
        on_change: Callable[[], None],
        *,
        hang_timeout: float = 0.0,
        precision: Precision = "fp32",
        marker: str | None = None,
        gpus: float = 0.0,
        packing: GpuPacking | None = None,
        budget: TimeBudget | None = None,
        use_wait_trials: bool = False,
    ) -> None:
        """`context_json` and `hang_timeout` (seconds) go to workers; `on_change` is called when stages start or end.

        On a cluster `marker` is the file with this node's facts: workers check theirs, and their GPU by `precision`.
        With a `budget` of time no stage begins that would not end in it. `gpus` are those of each trial, unless
        `packing` chooses them. Packed trials have many shapes with workers of their own, so none of them waits.
        """
        super().__init__(metric="dev", mode="max")
        self.board, self.context_json, self.on_change, self.hang_timeout = board, context_json, on_change, hang_timeout
        self.gpus, self.packing = gpus, packing
        self.precision, self.marker, self.budget = precision, marker, budget
        self.kept_out = set[str]()  # Ray's ids of nodes that lack what stages need, or leave
        self._faulty = set[str]()  # those with a GPU that failed once before a stage
        self.trials: dict[str, tuple[Stratum, Stage]] = {}
        self._handed_out = set[str]()  # keys, in this run
        self.use_wait_trials, self.wait_trials = use_wait_trials and packing is None, set[str]()

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        """Accept any parameter space, since the board has the plan."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """Return the configuration of the next stage, None while it must wait, FINISHED at the end."""
        if signals.is_stop_requested():
            return str(Searcher.FINISHED)
        if self.packing is not None and self.packing.is_full:
            return None
        stage = self.board.start_next() if self.budget is None else self.board.start_next(self.budget.allows)
        if stage is None:
            return self._suggest_wait(trial_id)
        stratum = self.board.running[stage.key][0].stratum
        self.trials[trial_id] = (stratum, stage)
        self.on_change()
        is_known = stage.key in self._handed_out
        self._handed_out.add(stage.key)
        attempts = self.board.store.load_attempts(stage.key)
        gpus = self.gpus if self.packing is None else self.packing.add_trial(trial_id, stage, attempts)
        return {
            "key": stage.key,
            "stratum": stratum.id,
            "context": self.context_json,
            "attempt": len(attempts) + 1,
            "oom_retries": oom_retries(attempts),
            "hang_timeout": self.hang_timeout,
            "marker": self.marker,
            "precision": self.precision,
            "kept_out": sorted(self.kept_out),
            "gpus": gpus,
            "packed": self.packing is not None and gpus < 1,
            "rungs": self.board.records.rungs_of(stratum.id),
            "targets": self.board.prepare_targets(stage.key),
            "is_known": is_known,
        }

    def _suggest_wait(self, trial_id: str) -> Any:
        """Return the answer while no stage can start."""
        if not self.board.running:
            # None while nothing runs would block Tune's loop for ten minutes at a time.
            return str(Searcher.FINISHED)
        if not self.use_wait_trials or len(self.wait_trials) >= MAX_WAIT_TRIALS:
            return None
        self.wait_trials.add(trial_id)
        return {"wait": max(MIN_WAIT, MIN_WAIT_SPACING * len(self.wait_trials)), "gpus": self.gpus}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Judge the stratum of a stage that goes on: other stages may have waited for it at a rung."""
        if trial_id in self.wait_trials:
            return
        stratum, _ = self.trials[trial_id]
        self.board.judge_stratum(self.board.states[stratum.id])

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Record the outcome that the stage wrote itself, or else that it was halted or failed.

        After an error Tune calls the callbacks, and WorkerLossCallback calls `handle_lost_trial`.
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
        else:  # early stopping ended the trial, or the run is to end and the trial finished its tenth
            assert result is not None
            self.board.halt(stage.key, len(result["curve"]), result["steps"], result["seconds"])
        self.on_change()

    def _load_own_outcome(self, stage: Stage) -> Outcome | None:
        """Return the outcome of a stage that ended by itself; None if it did not."""
        outcome = self.board.store.load_outcome(stage.key)
        return outcome if outcome is not None and outcome.status in ("finished", "degenerate") else None

    def handle_lost_trial(self, trial_id: str, failure: Failure, *, moved: bool) -> str | None:
        """Record the loss of a trial's process; returns a line to print if its stage will be tried again."""
        _, stage = self.trials.pop(trial_id)
        if self.packing is not None:
            failure = self.packing.remove_failed_trial(trial_id, failure)
        outcome = self._load_own_outcome(stage)
        if outcome is not None:  # the stage had finished before
            self.board.end(stage.key, outcome)
            return None
        if signals.is_stop_requested():  # the signal may have ended the worker too, which is no failure of the stage
            self.board.release(stage.key)
            return None
        if failure.kind is UNFIT_NODE:
            return self._keep_out(stage, failure)
        if failure.kind is GPU_FAULT:
            return self._handle_gpu_fault(stage, failure)
        if failure.kind is WORKER:
            failure = self.board.store.pop_hang_failure(stage.key) or failure
        if self.board.fail(stage.key, failure, moved=moved):
            return f"tried again: {stage.key}  {stage.label}: {failure.kind.name}: {failure.reason}"
        return None

    def _keep_out(self, stage: Stage, failure: Failure) -> str | None:
        """Start no more trials on a node that its worker found unfit; returns a line to print at the first time.

        The stage is released as if it had never been there.
        """
        is_new = failure.details not in self.kept_out
        self.kept_out.add(str(failure.details))
        self.board.release(stage.key)
        return f"kept out: {failure.reason} Stages run on other nodes." if is_new else None

    def _handle_gpu_fault(self, stage: Stage, failure: Failure) -> str | None:
        """Try again after the first failure of a GPU of a node, and keep the node out after the second."""
        node = str(failure.details)
        if node in self._faulty:
            return self._keep_out(stage, failure)
        self._faulty.add(node)
        self.board.release(stage.key)
        return f"tried again: {stage.key}  {stage.label}: {failure.kind.name}: {failure.reason}"

    def save(self, checkpoint_path: str) -> None:
        """Save nothing, since the truth is in the store."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing, since every start reads the store."""


class WorkerLossCallback(tune.Callback):
    """Tells the searcher which trial has started, and why a trial was lost: Tune tells it only that it was.

    `has_failing_node` says whether a machine is being lost at this moment: the error of a worker may not tell it yet.
    """

    def __init__(
        self, searcher: PlanSearcher, print_line: Callable[[str], None], has_failing_node: Callable[[], bool]
    ) -> None:
        self.searcher, self.print_line, self.has_failing_node = searcher, print_line, has_failing_node

    def __getstate__(self) -> dict[str, Any]:
        """Leave the terminal out when Tune pickles its callbacks."""
        return {"searcher": None, "print_line": None, "has_failing_node": None}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Record that a trial has its worker, and its share of a GPU."""
        if self.searcher.packing is not None:
            self.searcher.packing.mark_running(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Report a lost trial, after the searcher's `on_trial_complete`. A trial that only waited has lost nothing."""
        if trial.trial_id not in self.searcher.trials:
            return
        moved = bool((trial.last_result or {}).get("moved"))
        failure = worker_failure_of(_read_error(trial))
        if failure.kind is WORKER and self.has_failing_node():
            failure = dataclasses.replace(failure, kind=NODE)
        line = self.searcher.handle_lost_trial(trial.trial_id, failure, moved=moved)
        if line is not None:
            self.print_line(line)


def _read_error(trial: Any) -> BaseException:
    """Return the error that ended a trial. Tune keeps it in its folder of this run; errors of the cluster as text."""
    if trial.pickled_error_file is not None:
        error: BaseException = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
        return error
    return RayError(Path(trial.error_file).read_text(encoding="utf-8").partition("\n")[2])
