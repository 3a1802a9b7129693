"""Ray Tune's loop: a trial is a stage, and every start is a fresh Tuner over the stages that are left."""

import dataclasses
import logging
from functools import partial
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler

from search.board.board import Board
from search.cluster.cluster import list_alive_nodes
from search.cluster.lost_nodes import has_failing_node
from search.cluster.node_watch import NodeWatchCallback
from search.cluster.own_node import OwnNodeMonitor
from search.driver.drain import DrainCallback, DrainingScheduler
from search.driver.packing import GpuPacking
from search.driver.progress import ProgressCallback
from search.driver.run_state import SweepRun
from search.driver.searcher import PlanSearcher, WorkerLossCallback
from search.driver.time_budget import TimeBudgetCallback
from search.process import signals
from search.request.flag_values import MAX_TRIALS_PER_GPU
from search.request.resources import ResourceRequest, resource_request_of
from trainables.record.node_facts import NodeFacts
from trainables.stage_trial import StageTrial, context_to_json

NODE_LABEL = "ray.io/node-id"  # Ray gives it to every node


def run_tuner(
    run: SweepRun,
    ray_folder: Path,
    own_node: OwnNodeMonitor | None,
    own_facts: NodeFacts | None,
    packing: GpuPacking | None,
) -> bool:
    """Run Tune's loop until no stage is left; returns True if the run was interrupted.

    On a cluster there are a monitor and the facts of this node. With `packing` trials share GPUs.
    """
    board, options = run.board, run.options
    resources = dataclasses.replace(resource_request_of(options), memory=run.trial_memory)
    searcher = PlanSearcher(
        board,
        context_to_json(run.request.context),
        run.manifest.write_if_due,
        hang_timeout=60.0 * options.hang_after,
        precision=run.request.maker.precision,
        marker=None if own_facts is None else own_facts.marker,
        gpus=resources.gpus,
        packing=packing,
        budget=run.budget,
        use_wait_trials=not options.uses_cluster,  # a cluster might start nodes for trials that only wait
    )
    is_leaving = (lambda _: False) if own_node is None else own_node.is_leaving
    # Tune's warnings of incomplete trials are noise: their stages are tried again, or listed as failed at the end.
    logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
    tuner = tune.Tuner(
        tune.with_resources(StageTrial, partial(place_trial, resources)),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=DrainingScheduler(run.stopping_policy or FIFOScheduler(), is_leaving),
            num_samples=-1,
            max_concurrent_trials=run.slots,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(ray_folder / "records"),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=0),  # the board hands a stage out again, as a new trial
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            callbacks=[*_build_callbacks(run, searcher, resources, own_node), DrainCallback(is_leaving)],
        ),
    )
    with signals.defer_stop():
        tuner.fit()
    if board.is_complete or board.breaker.stop_reason is not None or run.is_preview_done:
        return False
    if run.budget is not None and run.budget.has_refused:
        signals.request_stop(f"no stage that is left would end in the {run.budget.length} of --hours", is_quiet=True)
    if not signals.is_stop_requested():
        unsettled = [id_ for id_, state in board.states.items() if not state.is_settled]
        raise RuntimeError(
            f"no stage runs any more, but {len(unsettled)} strata are unfinished (first: {unsettled[0]}). This is a "
            f"bug: please report it with sweep.json and rungs/ from {run.request.url}. No result is lost."
        )
    return True


def place_trial(resources: ResourceRequest, config: dict[str, Any]) -> tune.PlacementGroupFactory:
    """Return what a trial asks of Ray: its resources, on any node but those that were found unfit."""
    bundle = {
        "CPU": resources.cpus,
        "GPU": config["gpus"],
        **({"memory": resources.memory} if resources.memory else {}),
    }
    if not config.get("kept_out"):
        return tune.PlacementGroupFactory([bundle])
    # Nodes that join later are allowed: a list of those that are allowed would leave them out.
    allowed = {NODE_LABEL: f"!in({','.join(config['kept_out'])})"}
    return tune.PlacementGroupFactory([bundle], bundle_label_selector=[allowed])


def _build_callbacks(
    run: SweepRun, searcher: PlanSearcher, resources: ResourceRequest, own_node: OwnNodeMonitor | None
) -> list[tune.Callback]:
    print_line = partial(run.console.print, soft_wrap=True)
    find_failing_node = has_failing_node if run.options.uses_cluster else lambda: False
    callbacks: list[tune.Callback] = [
        WorkerLossCallback(searcher, print_line, find_failing_node),
        ProgressCallback(run.board, run.slots, run.console, run.status_writer),
    ]
    if run.budget is not None:
        callbacks.append(TimeBudgetCallback(run.budget))
    if own_node is not None:
        watch = NodeWatchCallback(resources, own_node, searcher.kept_out, run.console)
        callbacks.insert(0, watch)  # before WorkerLossCallback
    return callbacks


def make_packing(board: Board, slots: int, gpu_memory: int | None) -> GpuPacking:
    """Return the packing of GPUs, the smallest with `gpu_memory`, with what was measured for stages that have ended."""
    nodes = list_alive_nodes()
    # There may be more slots than fit now, for nodes that join later.
    packing = GpuPacking(max(sum(node.gpus for node in nodes.values()), slots / MAX_TRIALS_PER_GPU), gpu_memory)
    for _, arm in board.iter_arms():
        if arm.outcome is not None:
            packing.record_peak(arm.stage, arm.outcome.memory)
    return packing
