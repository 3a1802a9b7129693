"""The searcher: Tune asks it what to run next, it asks the board; and a callback that tells it of lost workers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import cloudpickle, tune
from ray.exceptions import RayError
from ray.tune.search import Searcher

from search.board.attempts import halvings
from search.board.board import Board
from search.driver.packing import Packing
from search.process import signals
from spaces.plan import Stratum
from spaces.stage import Stage
from trainables.record.outcome import Outcome
from trainables.worker.failures import ERROR, WORKER, Failure, lost

WAIT = 0.5  # seconds that a slot waits for a stage
TURNS = 0.2  # seconds, at the least, between the ends of the waits of all slots: each costs the driver 0.03
MOST_WAITS = 25  # the others lose their workers; a sweep that ends, or is asked to, waits for these: 5 seconds


class PlanSearcher(Searcher):
    """One trial is one stage. While stages are under way that may unlock others, the answer is a trial that waits.

    Tune ends the workers of idle slots, and gives a trial whose worker is starting the first one that gets free: behind
    a single long stage all other slots would lose theirs, and among short ones never get them back. With `waits` off
    the answer is None: ask again.
    """

    def __init__(
        self,
        board: Board,
        place: str,
        changed: Callable[[], None],
        patience: float = 0.0,
        gpus: float | Packing = 0.0,
        *,
        waits: bool = False,
    ) -> None:
        """`place` and `patience` (seconds) go to the workers; `changed` is called when stages become known.

        `gpus` is what each trial asks for, or what decides that. Trials that are packed are of many shapes, which have
        workers of their own: then none waits.
        """
        super().__init__(metric="dev", mode="max")
        self.board, self.place, self.changed, self.patience = board, place, changed, patience
        self.packing = gpus if isinstance(gpus, Packing) else None
        self.gpus = 0.0 if isinstance(gpus, Packing) else gpus
        self.trials: dict[str, tuple[Stratum, Stage]] = {}
        self.waits, self.waiting = waits and self.packing is None, set[str]()

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        """There is no parameter space: the board has the plan."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """The configuration of the next stage, None while it must wait, FINISHED at the end."""
        if signals.asked():
            return str(Searcher.FINISHED)
        if self.packing is not None and self.packing.full:
            return None
        stage = self.board.next()
        if stage is None:
            return self._nothing(trial_id)
        group, _ = self.board.running[stage.key]
        self.trials[trial_id] = (group.stratum, stage)
        self.changed()
        tried = self.board.store.attempts(stage.key)
        gpus = self.gpus if self.packing is None else self.packing.hand_out(trial_id, stage, tried)
        return {
            "key": stage.key,
            "stratum": group.stratum.id,
            "place": self.place,
            "attempt": len(tried) + 1,
            "halvings": halvings(tried),
            "patience": self.patience,
            "gpus": gpus,
            "packed": self.packing is not None and gpus < 1,
            "rungs": [] if self.board.gate is None else list(self.board.gate.tenths(group.stratum.id)),
        }

    def _nothing(self, trial_id: str) -> Any:
        """The answer while no stage can start."""
        if not self.board.running:
            # None with nothing in flight would block Tune's loop for ten minutes at a time.
            return str(Searcher.FINISHED)
        if not self.waits or len(self.waiting) >= MOST_WAITS:
            return None
        self.waiting.add(trial_id)
        return {"wait": max(WAIT, TURNS * len(self.waiting)), "gpus": self.gpus}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """A stage goes on: it may be the one that the others of its stratum waited for."""
        if trial_id in self.waiting:
            return
        stratum, _ = self.trials[trial_id]
        self.board.look(self.board.groups[stratum.id])

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Note the outcome that the stage wrote itself, or else that it was halted or failed.

        After an error `fail` is called next.
        """
        if error or trial_id in self.waiting:
            self.waiting.discard(trial_id)
            return
        _, stage = self.trials.pop(trial_id)
        if self.packing is not None:
            self.packing.ended(trial_id, (result or {}).get("memory"))
        outcome = self._ended(stage)
        if result is not None and "error" in result:
            self.board.fail(stage.key, Failure(ERROR, result["error"], result["details"]))
        elif outcome is not None:
            self.board.end(stage.key, outcome)
        else:  # early stopping ended the trial, or it only finished a tenth since the run is to end
            assert result is not None
            self.board.halt(stage.key, result["steps"], result["seconds"])
        self.changed()

    def _ended(self, stage: Stage) -> Outcome | None:
        """The outcome of a stage that came to its own end."""
        outcome = self.board.store.outcome(stage.key)
        return outcome if outcome is not None and outcome.status in ("finished", "degenerate") else None

    def fail(self, trial_id: str, failure: Failure, *, moved: bool) -> str | None:
        """Note that a trial's process is lost; returns a line to show where its stage is going to be tried again."""
        _, stage = self.trials.pop(trial_id)
        if self.packing is not None:
            failure = self.packing.failed(trial_id, failure)
        outcome = self._ended(stage)
        if outcome is not None:  # it had done all there was to do
            self.board.end(stage.key, outcome)
            return None
        if signals.asked():  # whoever ended the run may have ended the worker too: that is no failure of the stage
            self.board.release(stage.key)
            return None
        if failure.kind is WORKER:
            failure = self.board.store.take_hang(stage.key) or failure
        if self.board.fail(stage.key, failure, moved=moved):
            return f"tried again: {stage.key}  {stage.label}: {failure.kind.name}: {failure.reason}"
        return None

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the truth is in the store."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: every start is a fresh one."""


class Losses(tune.Callback):
    """Tells the searcher when a trial begins, and why one ended in an error: Tune itself only says that it did."""

    def __init__(self, searcher: PlanSearcher, say: Callable[[str], None]) -> None:
        self.searcher, self.say = searcher, say

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks; terminals stay behind."""
        return {"searcher": None, "say": None}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """The trial has a worker, with its share of a GPU."""
        if self.searcher.packing is not None:
            self.searcher.packing.started(trial.trial_id)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Comes right after the searcher's `on_trial_complete`. A trial that only waited has lost nothing."""
        if trial.trial_id not in self.searcher.trials:
            return
        moved = bool((trial.last_result or {}).get("curve"))
        line = self.searcher.fail(trial.trial_id, lost(_error(trial)), moved=moved)
        if line is not None:
            self.say(line)


def _error(trial: Any) -> BaseException:
    """What ended the trial: Tune keeps it in its own folder of this run, errors of the cluster as text alone."""
    if trial.pickled_error_file is not None:
        error: BaseException = cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
        return error
    return RayError(Path(trial.error_file).read_text(encoding="utf-8").partition("\n")[2])
