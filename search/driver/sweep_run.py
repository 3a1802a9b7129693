"""Run a request with Ray Tune: one trial is one stage, every start is a fresh Tuner over what is left."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from search.board.board import Board
from search.board.protocols import StoppingPolicy
from search.board.store import Store
from search.cluster.cluster import connect_to_ray, list_alive_nodes, list_node_types
from search.cluster.node_checks import check_nodes, find_smallest_gpu_memory
from search.cluster.own_node import OwnNodeMonitor
from search.cost.cost import estimate_work, make_arm_duration
from search.driver.damage import DamageReporter
from search.driver.manifest import SweepManifest
from search.process import signals
from search.process.ray_folder import create_ray_folder
from search.request.flag_values import MAX_TRIALS_PER_GPU
from search.request.options import RunOptions
from search.request.request import SweepRequest
from search.request.resources import count_cluster_slots, resource_request_of
from search.schedulers.seeds import RaceSeeds
from search.sweep.cleanup import find_temporaries, remove
from search.sweep.status_file import StatusWriter
from spaces.errors import UsageError
from spaces.space import Range
from trainables.record.context import StageContext
from trainables.storage.base import is_remote

if TYPE_CHECKING:
    from search.driver.early_stopping import EarlyStopping
    from search.driver.packing import GpuPacking


def make_board(
    request: SweepRequest, options: RunOptions | None, stopping_policy: StoppingPolicy | None, slots: int = 1
) -> Board:
    """The board of a request over what the store has, for so many stages at once; without options to look at."""
    if isinstance(request.axes.learning_rates, Range):
        from search.schedulers.rate_sampler import OptunaRateSampler

        journal = f"{request.name}/draws.journal"
        rates: Any = OptunaRateSampler(request.context.results, journal, sweep_seed=0, read_only=options is None)
    else:
        rates = None
    return Board(
        request.plan,
        request.maker,
        Store(request.context, read_only=options is None),
        rates,
        stopping_policy=stopping_policy,
        race=RaceSeeds(request.plan) if request.spec["scheduler"] == "racing" else None,
        arm_duration=make_arm_duration(estimate_work(request)),
        slots=slots,
        retry_failed=options is not None and options.retry_failed,
        keep="all" if options is None else options.keep,
    )


def run_sweep(
    request: SweepRequest, options: RunOptions, slots: int, damage_reporter: DamageReporter
) -> tuple[Board, bool]:
    """Run what is left of the request; returns the board and whether the run was interrupted."""
    console = Console(stderr=True)
    if not is_remote(request.context.results.url):  # object storage has no temporary names
        remove(request.context.results, find_temporaries(damage_reporter.files_at_start))
    gate = make_early_stopping(request, options.scheduler)
    board = make_board(request, options, gate, slots)
    damage_reporter.report_driver_damage(board)
    members = SweepManifest(request, board)
    beat = StatusWriter(request.context.results, request.name, slots, console.print)
    interrupted = False
    if board.is_complete:
        members.write()
    else:
        with create_ray_folder() as scratch, connect_to_ray(options, scratch):
            if options.uses_cluster:
                beat.slots = slots = _check_cluster(options, request.context, console)
                board.arrange(slots)
            members.write()
            beat.write_if_due(board)
            with _watch_own_node(options) as own:
                interrupted = _run_tuner(board, request, options, gate, slots, console, members, beat, scratch, own)
        members.write()
    beat.write_last(board, "interrupted" if interrupted else "done" if board.is_complete else "stopped")
    return board, interrupted


def make_early_stopping(request: SweepRequest, scheduler: str) -> "EarlyStopping | None":
    """The early stopping of a request, with what its rungs say already; None without one.

    Phases are never stopped: their winner is the parent of every target, and after half of its tenths the later winner
    leads in hardly more than half of them (docs/lab-log.md). They are the smaller part of the work.
    """
    from search.driver.early_stopping import RULES, EarlyStopping
    from search.schedulers.rungs import RungScores

    if scheduler == "none":
        return None
    arms = {
        stratum.id: stratum.arm_count for stratum in request.plan if stratum.kind == "target" and stratum.arm_count > 1
    }
    return EarlyStopping(RungScores(request.context.results, f"{request.name}/rungs"), RULES[scheduler], arms)


def _check_cluster(options: RunOptions, place: StageContext, console: Console) -> int:
    """Trials at once on the cluster; raises UsageError, before anything is trained, if it cannot do what is asked."""
    nodes = list_alive_nodes()
    slots = count_cluster_slots(options, nodes.values(), list_node_types())
    wrong, notes = check_nodes(nodes, place)
    if wrong:
        raise UsageError("\n".join(wrong))
    for line in notes:
        console.print(f"note: {line}", highlight=False, soft_wrap=True, markup=False)
    return slots


@contextmanager
def _watch_own_node(options: RunOptions) -> Iterator[OwnNodeMonitor | None]:
    """The node of a cluster that this process runs on, watched; None with a private Ray, which `connected` watches."""
    if not options.uses_cluster:
        yield None
        return
    import ray

    own = OwnNodeMonitor(ray.get_runtime_context().get_node_id(), list_alive_nodes, signals.end_now)
    with own.watch():
        yield own


def _make_packing(board: Board, slots: int, console: Console) -> "GpuPacking":
    """The shares of a GPU that trials get: with what is known already of the memory that they take."""
    from search.driver.packing import GpuPacking

    nodes = list_alive_nodes()
    memory, wrong = find_smallest_gpu_memory(nodes)
    for line in wrong:
        console.print(f"note: {line} Every trial gets a whole GPU.", highlight=False, soft_wrap=True, markup=False)
    # More slots than fit now are for nodes that join later.
    packing = GpuPacking(max(sum(node.gpus for node in nodes.values()), slots / MAX_TRIALS_PER_GPU), memory)
    for _, arm in board.iter_arms():
        if arm.outcome is not None:
            packing.record_peak(arm.stage, arm.outcome.memory)
    return packing


def _run_tuner(
    board: Board,
    request: SweepRequest,
    options: RunOptions,
    gate: "EarlyStopping | None",
    slots: int,
    console: Console,
    members: SweepManifest,
    beat: StatusWriter,
    scratch: Path,
    own: OwnNodeMonitor | None,
) -> bool:
    from ray import tune
    from ray.tune.schedulers import FIFOScheduler

    from search.driver.drain import DrainCallback, DrainingScheduler
    from search.driver.progress import ProgressCallback
    from search.driver.searcher import PlanSearcher, WorkerLossCallback
    from trainables.stage_trial import StageTrial, context_to_json

    ask = resource_request_of(options)
    gpus = _make_packing(board, slots, console) if options.packs_gpus else ask.gpus
    patience = 60.0 * options.hang_after
    waits = not options.uses_cluster  # a cluster might start nodes for trials that only wait
    searcher = PlanSearcher(
        board, context_to_json(request.context), members.write_if_due, patience, gpus, use_wait_trials=waits
    )
    losses = WorkerLossCallback(searcher, lambda text: console.print(text, highlight=False, soft_wrap=True))
    callbacks: list[tune.Callback] = [losses, ProgressCallback(board, slots, console, beat), DrainCallback()]
    if own is not None:
        from search.cluster.node_watch import NodeWatchCallback

        watch = NodeWatchCallback(ask, own, lambda new: check_nodes(new, request.context)[0], console)
        callbacks.insert(0, watch)  # before `losses`
    # Trials that did not complete are no news: their stages are tried again, or stand among the failures at the end.
    logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
    tuner = tune.Tuner(
        tune.with_resources(
            StageTrial, lambda config: tune.PlacementGroupFactory([{"CPU": ask.cpus, "GPU": config["gpus"]}])
        ),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=DrainingScheduler(gate or FIFOScheduler()),
            num_samples=-1,
            max_concurrent_trials=slots,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(scratch / "records"),
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
        still = [id_ for id_, group in board.states.items() if not group.is_settled]
        raise RuntimeError(
            f"nothing runs any more, yet {len(still)} strata have not come to their end, first {still[0]}. That is a "
            f"fault of this program; please report it with {request.url} (sweep.json, rungs/). No result is lost."
        )
    return True
