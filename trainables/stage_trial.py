"""What Ray Tune runs: one trial is one stage, one call of `step` is one tenth of it. The only file here that knows Ray.

Actors are reused, and Tune may call `setup` in a spare process for a trial that runs elsewhere: so `setup` and
`reset_config` only take note of the configuration, and the first `step` opens the stage.
"""

import json
from typing import Any

import torch
from ray import tune

from trainables.data import Source
from trainables.failures import ERROR, StageFailedError, failure_of
from trainables.gpu_share import open_share
from trainables.heartbeat import watched
from trainables.outcome import Outcome
from trainables.places import Place
from trainables.stage_run import StageRun
from trainables.storage import open_storage


def place_to_json(place: Place) -> str:
    """A place as text: only scalars cross the boundary to Ray's workers."""
    source = {name: getattr(place.source, name) for name in Source.__dataclass_fields__}
    own = {name: getattr(place, name) for name in ("model", "predictions", "probes", "scratch")}
    return json.dumps({**own, "results": place.results.url, "source": source})


def place_from_json(text: str) -> Place:
    """The inverse of `place_to_json`."""
    fields = json.loads(text)
    read = {"results": open_storage(fields["results"]), "source": Source(**fields["source"])}
    return Place(**{**fields, **read, "probes": tuple(fields["probes"])})


class StageTrial(tune.Trainable):
    """A stage as a Tune trainable.

    The configuration holds its `key`, its `stratum` and the `place`, which try this is (`attempt`), how many tries
    ended for want of memory (`halvings`), the share of a GPU (`gpus`) and whether measured memory chose it (`packed`),
    and the `patience`: seconds without progress that are a hang (0: none are).
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Nothing but a note: see the module's docstring."""
        self._run: StageRun | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take another stage; the process, its imports and its encoded data stay."""
        self.cleanup()
        return True

    def step(self) -> dict[str, Any]:
        """The next tenth.

        An error that would come again goes to the driver as a result: it fells no process. Any other one is raised as
        StageFailedError, which ends this process: another one may do better.
        """
        try:
            outcome = self._advance()
        except Exception as error:  # whatever goes wrong in a stage is recorded, and the sweep goes on
            failure = failure_of(error, json.loads(self.config["place"])["results"])
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

    def _advance(self) -> Outcome:
        key, config = self.config["key"], self.config
        place = place_from_json(config["place"]) if self._run is None else self._run.place
        with watched(config["patience"], place.hang(key), opening=self._run is None):
            if self._run is None:
                torch.set_num_threads(1)  # several trials share the machine; two threads were slower than one
                open_share(config["gpus"])
                tries = {name: config[name] for name in ("attempt", "halvings", "packed")}
                self._run = StageRun(place, key, **tries)
            return self._run.advance()

    def cleanup(self) -> None:
        """Let go of the stage."""
        if self._run is not None:
            self._run.close()
            self._run = None
