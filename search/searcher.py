"""The searcher: Tune asks it what to run next, it asks the board."""

from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from search import signals
from search.board import Board
from spaces.plan import Stratum
from spaces.stage import Stage
from trainables.outcome import Outcome


class PlanSearcher(Searcher):
    """One trial is one stage. While a stage is under way that may unlock others the answer is None: ask again."""

    def __init__(self, board: Board, place: str, changed: Callable[[], None]) -> None:
        """`place` goes to the workers; `changed` is called when stages become known."""
        super().__init__(metric="dev", mode="max")
        self.board, self.place, self.changed = board, place, changed
        self.trials: dict[str, tuple[Stratum, Stage]] = {}
        self.results: dict[str, dict[str, Any]] = {}

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        """There is no parameter space: the board has the plan."""
        return True

    def suggest(self, trial_id: str) -> Any:
        """The configuration of the next stage, None while it must wait, FINISHED at the end."""
        if signals.asked():
            return str(Searcher.FINISHED)
        stage = self.board.next()
        if stage is None:
            # None with nothing in flight would block Tune's loop for ten minutes at a time.
            return None if self.board.running else str(Searcher.FINISHED)
        group, _ = self.board.running[stage.key]
        self.trials[trial_id] = (group.stratum, stage)
        self.changed()
        return {"key": stage.key, "stratum": group.stratum.id, "place": self.place}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing to learn before the end."""

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Note the outcome: what the stage wrote itself, or else that it was stopped or failed."""
        _, stage = self.trials.pop(trial_id)
        if signals.asked() and not self._ended(stage, result or {}):
            self.board.release(stage.key)  # it only finished a tenth: the next start goes on with it
            return
        self.board.end(stage.key, self._outcome(stage, result or {}, error))
        self.changed()

    def _ended(self, stage: Stage, result: dict[str, Any]) -> bool:
        """Whether a stage that ran when the run was asked to end has come to its own end."""
        gate, outcome = self.board.gate, self.board.store.outcome(stage.key)
        stopped = gate is not None and gate.stopped_curve(stage.key) is not None
        done = outcome is not None and outcome.status in ("finished", "degenerate")
        return stopped or done or "error" in result

    def _outcome(self, stage: Stage, result: dict[str, Any], error: bool) -> Outcome:
        store = self.board.store
        if "error" in result:
            return store.write_failed(stage, result["error"], result["details"])
        outcome = store.outcome(stage.key)
        if outcome is not None and outcome.status in ("finished", "degenerate"):
            return outcome
        if error:
            return store.write_failed(stage, "WorkerDied: the worker process ended twice before the stage was done")
        # A stage whose last tenth before a kill was not heard of may have trained one beyond the rung that stops it.
        judged = None if self.board.gate is None else self.board.gate.stopped_curve(stage.key)
        return store.write_stopped(stage, judged or result["curve"], result["steps"], result["seconds"])

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the truth is in the store."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: every start is a fresh one."""
