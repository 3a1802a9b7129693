"""What Ray Tune runs: one trial is one stage, one call of `step` a few tenths of it. The only file here that knows Ray.

Actors are reused, and Tune may call `setup` in a spare process for a trial that runs elsewhere: so `setup` and
`reset_config` only take note of the configuration, and the first `step` opens the stage.

A worker must start fast, so PyTorch and all that needs it is imported by its first `step`. When a trial ends while
another one waits for its worker to start, Tune gives that one the free worker and ends the one that was starting. A
start that takes longer than a stage would never come to its end, and slots would stay empty.
"""

import json
import time
from typing import TYPE_CHECKING, Any

from ray import tune

from trainables.data.task_data import DataSource
from trainables.record.context import StageContext
from trainables.record.outcome import Outcome
from trainables.storage.open import open_storage
from trainables.worker.failures import ERROR, StageFailedError, failure_of
from trainables.worker.heartbeat import watch_for_hang

if TYPE_CHECKING:
    from trainables.stage_run import StageRun

STEP_SECONDS = 2.0  # seconds after which a step ends with its tenth: a sweep that is asked to end waits for it


def context_to_json(place: StageContext) -> str:
    """A place as text: only scalars cross the boundary to Ray's workers."""
    source = {name: getattr(place.source, name) for name in DataSource.__dataclass_fields__}
    own = {name: getattr(place, name) for name in ("model", "keep_predictions", "probes", "scratch")}
    return json.dumps({**own, "results": place.results.url, "source": source})


def context_from_json(text: str) -> StageContext:
    """The inverse of `place_to_json`."""
    fields = json.loads(text)
    read = {"results": open_storage(fields["results"]), "source": DataSource(**fields["source"])}
    return StageContext(**{**fields, **read, "probes": tuple(fields["probes"])})


class StageTrial(tune.Trainable):
    """A stage as a Tune trainable.

    The configuration holds its `key`, its `stratum` and the `context`, the `rungs` (tenths after which the scheduler must
    be asked), which try this is (`attempt`), how many tries ended for want of memory (`oom_retries`), the share of a GPU
    (`gpus`) and whether measured memory chose it (`packed`), and the `hang_timeout`: seconds without progress that are a
    hang (0: none are). One with `wait` alone is no stage: it waits for so many seconds, so that the slot keeps its
    worker until a stage can start.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Nothing but a note: see the module's docstring."""
        self._run: StageRun | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take another stage; the process, its imports and its encoded data stay."""
        self.cleanup()
        return True

    def step(self) -> dict[str, Any]:
        """The next tenths, up to a rung, the stage's end or SPAN; of a stage that is only just open, one.

        Each answer to Tune costs as much as some steps of training. The first tenth is told at once: a stage that has
        gone on before its process is lost counts its tries anew. Each tenth is on disk before the next one begins.

        An error that would come again goes to the driver as a result: it fells no process. Any other one is raised as
        StageFailedError, which ends this process: another one may do better.
        """
        if "wait" in self.config:
            import trainables.stage_run  # noqa: F401  # so that the first stage need not

            time.sleep(self.config["wait"])
            return {"dev": -1.0, "curve": [], "done": True}
        first, until = self._run is None, time.monotonic() + STEP_SECONDS
        try:
            outcome = self._advance()
            while not first and self._should_continue(outcome) and time.monotonic() < until:
                outcome = self._advance()
        except Exception as error:  # whatever goes wrong in a stage is recorded, and the sweep goes on
            failure = failure_of(error, json.loads(self.config["context"])["results"])
            if failure.kind is not ERROR:
                raise StageFailedError(failure.kind.name, failure.reason, failure.details) from None
            return {"dev": -1.0, "curve": [], "done": True, "error": failure.reason, "details": failure.details}
        return {
            "dev": outcome.curve[-1] if outcome.curve else -1.0,  # Tune wants a number in every result
            "curve": list(outcome.curve),
            "steps": outcome.steps,
            "seconds": outcome.seconds,
            "memory": outcome.memory,
            "done": outcome.status != "stopped",
        }

    def _should_continue(self, outcome: Outcome) -> bool:
        return outcome.status == "stopped" and outcome.tenth not in self.config["rungs"]

    def _advance(self) -> Outcome:
        key, config = self.config["key"], self.config
        place = context_from_json(config["context"]) if self._run is None else self._run.context
        with watch_for_hang(config["hang_timeout"], place.hang_path(key), opening=self._run is None):
            if self._run is None:
                self._run = _open_stage(place, config)
            return self._run.advance()

    def cleanup(self) -> None:
        """Let go of the stage."""
        if self._run is not None:
            self._run.close()
            self._run = None


def _open_stage(place: StageContext, config: dict[str, Any]) -> "StageRun":
    """A stage, opened; the first one of a process brings the imports."""
    import torch

    from trainables.stage_run import StageRun
    from trainables.training.gpu_share import limit_gpu_memory

    torch.set_num_threads(1)  # several trials share the machine; two threads were slower than one
    limit_gpu_memory(config["gpus"])
    tries = {name: config[name] for name in ("attempt", "oom_retries", "packed")}
    return StageRun(place, config["key"], **tries)
