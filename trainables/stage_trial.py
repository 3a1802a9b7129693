"""The trainable that Ray Tune runs: one trial is one stage, one call of `step` some of its tenths.

This is the only file in `trainables` that imports Ray. Actors are reused, and Tune may call `setup` in a spare process
for a trial that runs elsewhere. So `setup` and `reset_config` only store the configuration, and the first `step` opens
the stage.

A worker must start fast, so PyTorch and everything that needs it is imported by the first `step`. When a trial ends
while another one waits for its worker to start, Tune gives the free worker to the waiting trial and ends the starting
one. A start that takes longer than a stage would never be completed, and slots would stay empty.
"""

import json
import platform
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ray
from ray import tune

from trainables.data.task_data import DataSource
from trainables.record.context import StageContext
from trainables.record.outcome import Outcome
from trainables.storage.open import open_storage
from trainables.storage.temporary import make_user_folder
from trainables.worker.failures import ERROR, GPU_FAULT, UNFIT_NODE, StageFailedError, failure_of
from trainables.worker.heartbeat import watch_for_hang

if TYPE_CHECKING:
    from trainables.stage_run import StageRun

STEP_SECONDS = 2.0  # after this time a step ends with its current tenth: a sweep that is interrupted waits for it


def context_to_json(context: StageContext) -> str:
    """Return the context as text: only scalars are passed to Ray's workers."""
    source = {name: getattr(context.source, name) for name in DataSource.__dataclass_fields__ if name != "hub"}
    fields = {name: getattr(context, name) for name in StageContext.__dataclass_fields__ if name != "source"}
    return json.dumps({**fields, "results": context.results.url, "source": source})


def context_from_json(text: str) -> StageContext:
    """Return the context of a text by `context_to_json`, with the hub as the sweep recorded it."""
    fields = json.loads(text)
    results = open_storage(fields["results"])
    hub = None
    if fields["hub_record"] is not None:
        from trainables.repositories.record import read_hub

        hub = read_hub(results, fields["hub_record"])
    objects = {"results": results, "source": DataSource(**fields["source"], hub=hub)}
    lists = {name: tuple(fields[name]) for name in ("probes", "packages", "preview_targets")}
    return StageContext(**{**fields, **objects, **lists})


@dataclass(frozen=True, slots=True)
class Saved:
    """What Tune gets for a state that the stage has written itself: no checkpoint of Tune's."""

    checkpoint: None = None


class StageTrial(tune.Trainable):
    """A stage as a Tune trainable.

    Keys of the configuration:
        key, stratum, context: the stage, its stratum, and the context as JSON.
        rungs: the tenths after which the scheduler must be asked.
        is_known: True if this run of the sweep has handed out the stage before.
        attempt, oom_retries: the number of this try, and the number of tries that ran out of memory.
        targets: keys of target stages that are trained as this phase is.
        gpus, packed: the share of a GPU, and True if measured memory chose it.
        marker, precision: the file in the results with the facts of the driver's node (None: this is that node), and
            the precision of training, by which the worker's own machine is checked.
        kept_out: Ray's ids of nodes on which the trial may not run.
        hang_timeout: seconds without progress that count as a hang; 0 for no limit.
        wait: alone, for a trial that is no stage: it waits for this number of seconds, so that the slot keeps its
            worker until a stage can start.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Open nothing yet (see the module's docstring)."""
        self._run: StageRun | None = None
        self._node: str | None = None  # Ray's id of the node, on a cluster

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Accept another stage. The process, its imports and its encoded data stay."""
        self.cleanup()
        return True

    def step(self) -> dict[str, Any]:
        """Advance to the next rung, to the stage's end, or for STEP_SECONDS; by one tenth in the first call.

        The first call of a stage that an earlier run of the sweep began only tells how far it is.

        Each result sent to Tune costs as much as some steps of training. The first tenth is reported at once, for the
        time that is left. At a rung the state is written, since the stage may have to wait there.

        Deterministic errors are returned as results, so the worker survives. Other errors are raised as
        StageFailedError, which ends this process: another process may succeed.
        """
        if "wait" in self.config:
            import trainables.stage_run  # noqa: F401  # so that the first stage need not

            time.sleep(self.config["wait"])
            return {"dev": -1.0, "curve": [], "done": True}
        is_first, until = self._run is None, time.monotonic() + STEP_SECONDS
        try:
            outcome = (self._resume() if is_first else None) or self._advance()
            while not is_first and self._should_continue(outcome) and time.monotonic() < until:
                outcome = self._advance()
            if outcome.status == "stopped" and outcome.tenth in self.config["rungs"]:
                assert self._run is not None
                self._run.save()
        except Exception as error:  # any failure of a stage is recorded, and the sweep goes on
            failure = failure_of(error, json.loads(self.config["context"])["results"])
            if failure.kind in (UNFIT_NODE, GPU_FAULT):
                raise StageFailedError(failure.kind.name, str(error), self._node) from None
            if failure.kind is not ERROR:
                raise StageFailedError(failure.kind.name, failure.reason, failure.details) from None
            return {"dev": -1.0, "curve": [], "done": True, "error": failure.reason, "details": failure.details}
        return {
            "dev": outcome.curve[-1] if outcome.curve else -1.0,  # Tune needs a number in every result
            "curve": list(outcome.curve),
            "steps": outcome.steps,
            "seconds": outcome.seconds,
            "memory": outcome.memory,
            "node": self._node,
            "moved": self._run.has_moved if self._run is not None else False,
            "done": outcome.status != "stopped",
        }

    def save(self, checkpoint_dir: str | None = None) -> Saved:  # type: ignore[override]  # what Tune looks at
        """Write the stage's state and wait for it. Tune calls this before it stops a trial at the end of a run.

        Tune's own method would make a second checkpoint, in a folder that all nodes would have to share.
        """
        if self._run is not None:
            self._run.pause()
        return Saved()

    def _should_continue(self, outcome: Outcome) -> bool:
        return outcome.status == "stopped" and outcome.tenth not in self.config["rungs"]

    def _resume(self) -> Outcome | None:
        """Open the stage; return its outcome so far if it was begun before and this run has not heard of it."""
        if self.config["marker"] is not None:
            self._node = ray.get_runtime_context().get_node_id()
            _check_own_node(self.config, self._node)
        context = context_from_json(self.config["context"])
        with self._watch(context, opening=True):
            self._run = _open_stage(context, self.config)
            return None if self.config["is_known"] else self._run.resume()

    def _advance(self) -> Outcome:
        assert self._run is not None
        with self._watch(self._run.context, opening=self._run.training is None):
            return self._run.advance()

    def _watch(self, context: StageContext, *, opening: bool) -> AbstractContextManager[None]:
        return watch_for_hang(self.config["hang_timeout"], context.hang_path(self.config["key"]), opening=opening)

    def cleanup(self) -> None:
        """Close the stage."""
        if self._run is not None:
            self._run.close()
            self._run = None


def _check_own_node(config: dict[str, Any], node: str) -> None:
    """Raise UnfitNodeError if this machine lacks what stages need: before anything is written, as a watch does."""
    from trainables.node_gate import check_own_node
    from trainables.record.node_facts import Places

    report = make_user_folder() / f"gate-{config['key']}.txt"
    name = f"{platform.node()}/{node[:6]}"
    given = json.loads(config["context"])
    own = () if given["model"] is None else (given["model"],)
    places = Places(
        results=given["results"],
        data=given["source"]["data"],
        models=(*own, *given["ready_encoders"].values()),
        hub_record=given["hub_record"],
        packages=tuple(given["packages"]),
    )
    with watch_for_hang(config["hang_timeout"], report, opening=True):
        check_own_node(name, places, config["marker"], config["precision"] if config["gpus"] else None)


def _open_stage(context: StageContext, config: dict[str, Any]) -> "StageRun":
    """Return the stage, opened. The first call in a process imports PyTorch."""
    import torch

    from trainables.stage_run import StageRun
    from trainables.training.gpu_smoke import require_gpu
    from trainables.worker.memory import limit_gpu_memory

    torch.set_num_threads(1)  # several trials share the machine; two threads were slower than one
    if config["gpus"]:
        require_gpu()
    limit_gpu_memory(config["gpus"])
    given = {name: config[name] for name in ("attempt", "oom_retries", "gpus", "packed", "targets")}
    return StageRun(context, config["key"], **given)
