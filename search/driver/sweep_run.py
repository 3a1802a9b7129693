"""Run a request with Ray Tune: a trial is a stage, and every start is a fresh Tuner over the stages that are left."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from search.board.board import Board
from search.board.protocols import StoppingPolicy
from search.board.store import Store
from search.cluster.cluster import connect_to_ray, list_alive_nodes
from search.cluster.lost_nodes import has_silent_node
from search.cluster.node_checks import check_nodes
from search.cluster.own_node import OwnNodeMonitor
from search.cluster.start_checks import check_all_gpus, check_cluster
from search.cost.cost import estimate_work, make_arm_duration
from search.driver.damage import DamageReporter
from search.driver.manifest import SweepManifest
from search.driver.status_writer import StatusWriter
from search.process import signals
from search.process.garbage_collection import pass_over_all_objects, pause_garbage_collection
from search.process.ray_folder import create_ray_folder, explain_substitute
from search.request.flag_values import MAX_TRIALS_PER_GPU
from search.request.options import RunOptions
from search.request.request import SweepRequest
from search.request.resources import resource_request_of
from search.schedulers.seeds import RaceSeeds
from search.sweep.cleanup import find_temporaries, remove
from spaces.space import Range
from spaces.streams import open_progress_stream
from trainables.storage.base import is_remote

if TYPE_CHECKING:
    from search.cluster.gpu_checks import GpuReport
    from search.driver.early_stopping import EarlyStopping
    from search.driver.packing import GpuPacking


@pause_garbage_collection()
def make_board(
    request: SweepRequest, options: RunOptions | None, stopping_policy: StoppingPolicy | None, slots: int = 1
) -> Board:
    """Return the board of a request over the stages in the store. Without options it is read-only, for a plan."""
    rate_sampler = None
    if isinstance(request.axes.learning_rates, Range):
        from search.schedulers.rate_sampler import OptunaRateSampler

        journal = f"{request.name}/draws.journal"
        rate_sampler = OptunaRateSampler(request.context.results, journal, sweep_seed=0, read_only=options is None)
    return Board(
        request.plan,
        request.maker,
        Store(request.context, request.name, read_only=options is None),
        rate_sampler,
        stopping_policy=stopping_policy,
        shared=request.shared,
        race=RaceSeeds(request.plan) if request.spec["scheduler"] == "racing" else None,
        arm_duration=make_arm_duration(estimate_work(request)),
        slots=slots,
        retry_failed=options is not None and options.retry_failed,
        keep="all" if options is None else options.keep,
    )


@dataclass(slots=True, kw_only=True)
class SweepRun:
    """A run of a sweep: its request and options, its board, and the writers of its files."""

    request: SweepRequest
    options: RunOptions
    board: Board
    early_stopping: "EarlyStopping | None"
    slots: int
    console: Console
    manifest: SweepManifest
    status_writer: StatusWriter


def run_sweep(request: SweepRequest, options: RunOptions, slots: int, damage: DamageReporter) -> tuple[Board, bool]:
    """Run the stages that are left; return the board, and True if interrupted. Raises UsageError."""
    run, interrupted = _read_state(request, options, slots, damage), False
    pass_over_all_objects()
    board = run.board
    if not board.is_complete:
        interrupted = _run_stages(run)
        damage.report(board.records.damage)
        damage.report_moved_by_workers()
    run.manifest.write()
    run.status_writer.write_last(board, "interrupted" if interrupted else "done" if board.is_complete else "stopped")
    return board, interrupted


@pause_garbage_collection()
def _read_state(request: SweepRequest, options: RunOptions, slots: int, damage: DamageReporter) -> SweepRun:
    """Return the run of a request with the state that earlier runs left on disk, and report damaged files."""
    console, results = Console(file=open_progress_stream(), highlight=False, markup=False), request.context.results
    if not is_remote(results.url):  # object storage has no temporary names
        remove(results, find_temporaries(damage.files_at_start))
    early_stopping = make_early_stopping(request, options.scheduler)
    board = make_board(request, options, early_stopping, slots)
    damage.report(board.records.damage)
    return SweepRun(
        request=request,
        options=options,
        board=board,
        early_stopping=early_stopping,
        slots=slots,
        console=console,
        manifest=SweepManifest(request, board),
        status_writer=StatusWriter(results, request.name, slots, partial(console.print, soft_wrap=True)),
    )


def _run_stages(run: SweepRun) -> bool:
    """Start Ray and run the stages; returns True if the run was interrupted."""
    if note := explain_substitute():
        run.console.print(f"note: {note}", soft_wrap=True)
    with create_ray_folder() as ray_folder, connect_to_ray(run.options, ray_folder):
        if run.options.uses_cluster:
            run.slots = run.status_writer.slots = check_cluster(run.options, run.request, run.console)
            run.board.arrange(run.slots)
        gpus = check_all_gpus(run.options, run.request, run.console)
        run.manifest.write()
        run.status_writer.write_if_due(run.board)
        with _watch_own_node(run.options) as own_node:
            return _run_tuner(run, ray_folder, own_node, gpus)


def make_early_stopping(request: SweepRequest, scheduler: str) -> "EarlyStopping | None":
    """Return the early stopping of a request, with the scores that its rungs have on disk; None without one.

    Phases are never stopped: their winner is the parent of every target, and after half of the tenths the final winner
    leads in hardly more than half of the phases (docs/lab-log.md). Phases are the smaller part of the work.
    """
    from search.driver.early_stopping import RULES, EarlyStopping
    from search.schedulers.rungs import RungScores

    if scheduler == "none":
        return None
    targets = [stratum for stratum in request.plan if stratum.kind == "target"]
    arm_counts = {stratum.id: stratum.arm_count for stratum in targets if stratum.arm_count > 1}
    return EarlyStopping(RungScores(request.context.results, f"{request.name}/rungs"), RULES[scheduler], arm_counts)


@contextmanager
def _watch_own_node(options: RunOptions) -> Iterator[OwnNodeMonitor | None]:
    """Watch the cluster node that this process runs on; yields None for a private Ray, which connect_to_ray watches."""
    if not options.uses_cluster:
        yield None
        return
    import ray

    own_node = OwnNodeMonitor(ray.get_runtime_context().get_node_id(), list_alive_nodes, signals.end_now)
    with own_node.watch():
        yield own_node


def _make_packing(board: Board, slots: int, gpu_memory: int | None) -> "GpuPacking":
    """Return the packing of GPUs, with the memory measured for stages that have ended."""
    from search.driver.packing import GpuPacking

    nodes = list_alive_nodes()
    # There may be more slots than fit now, for nodes that join later.
    packing = GpuPacking(max(sum(node.gpus for node in nodes.values()), slots / MAX_TRIALS_PER_GPU), gpu_memory)
    for _, arm in board.iter_arms():
        if arm.outcome is not None:
            packing.record_peak(arm.stage, arm.outcome.memory)
    return packing


def _run_tuner(run: SweepRun, ray_folder: Path, own_node: OwnNodeMonitor | None, gpus: "GpuReport | None") -> bool:
    """Run Tune's loop until no stage is left; returns True if the run was interrupted."""
    from ray import tune
    from ray.tune.schedulers import FIFOScheduler

    from search.driver.drain import DrainCallback, DrainingScheduler
    from search.driver.progress import ProgressCallback
    from search.driver.searcher import PlanSearcher, WorkerLossCallback
    from trainables.stage_trial import StageTrial, context_to_json

    board, context, options = run.board, run.request.context, run.options
    resources = resource_request_of(options)
    searcher = PlanSearcher(
        board,
        context_to_json(context),
        run.manifest.write_if_due,
        hang_timeout=60.0 * options.hang_after,
        gpus=resources.gpus,
        packing=_make_packing(board, run.slots, gpus.smallest_memory) if gpus and options.packs_gpus else None,
        use_wait_trials=not options.uses_cluster,  # a cluster might start nodes for trials that only wait
    )
    callbacks: list[tune.Callback] = [
        WorkerLossCallback(
            searcher,
            partial(run.console.print, soft_wrap=True),
            has_silent_node if options.uses_cluster else lambda: False,
        ),
        ProgressCallback(board, run.slots, run.console, run.status_writer),
        DrainCallback(),
    ]
    if own_node is not None:
        from search.cluster.node_watch import NodeWatchCallback

        node_watch = NodeWatchCallback(resources, own_node, lambda nodes: check_nodes(nodes, context)[0], run.console)
        callbacks.insert(0, node_watch)  # before WorkerLossCallback
    # Tune's warnings of incomplete trials are noise: their stages are tried again, or listed as failed at the end.
    logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
    tuner = tune.Tuner(
        tune.with_resources(
            StageTrial, lambda config: tune.PlacementGroupFactory([{"CPU": resources.cpus, "GPU": config["gpus"]}])
        ),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=DrainingScheduler(run.early_stopping or FIFOScheduler()),
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
            callbacks=callbacks,
        ),
    )
    with signals.defer_stop():
        tuner.fit()
    if board.is_complete or board.breaker.stop_reason is not None:
        return False
    if not signals.is_stop_requested():
        unsettled = [id_ for id_, state in board.states.items() if not state.is_settled]
        raise RuntimeError(
            f"no stage runs any more, but {len(unsettled)} strata are unfinished (first: {unsettled[0]}). This is a "
            f"bug: please report it with sweep.json and rungs/ from {run.request.url}. No result is lost."
        )
    return True
