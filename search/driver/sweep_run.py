"""Run a request with Ray Tune: one trial is one stage, every start is a fresh Tuner over what is left."""

import logging
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from search.board.advisers import Gate
from search.board.board import Board
from search.board.store import Store
from search.cluster.cluster import alive_nodes, coming_nodes, connected
from search.cluster.node_checks import check_nodes, smallest_gpu
from search.cluster.own_node import OwnNode
from search.cost.cost import length_of, works_of
from search.driver.damage import Damage
from search.driver.members import Members
from search.process import signals
from search.process.scratch import scratch_folder
from search.request.request import Request
from search.request.slots import AUTO, MOST_ON_GPU, ask_of, cluster_slots
from search.schedulers.seeds import Seeds
from search.sweep.leftovers import remove, temporaries
from search.sweep.now import Beat
from spaces.errors import UsageError
from spaces.space import Range
from trainables.record.places import Place
from trainables.storage.base import is_remote

if TYPE_CHECKING:
    from search.driver.early_stopping import EarlyStopping
    from search.driver.packing import Packing


def make_board(request: Request, options: Namespace | None, gate: Gate | None, slots: int = 1) -> Board:
    """The board of a request over what the store has, for so many stages at once; without options to look at."""
    if isinstance(request.axes.learning_rates, Range):
        from search.schedulers.draws import Draws

        journal = f"{request.name}/draws.journal"
        rates: Any = Draws(request.place.results, journal, sweep_seed=0, read_only=options is None)
    else:
        rates = None
    return Board(
        request.plan,
        request.maker,
        Store(request.place, read_only=options is None),
        rates,
        gate=gate,
        seeds=Seeds(request.plan) if request.spec["scheduler"] == "racing" else None,
        length=length_of(works_of(request)),
        slots=slots,
        retry_failed=options is not None and options.retry_failed,
        keep="all" if options is None else options.keep,
    )


def run_sweep(request: Request, options: Namespace, slots: int, damage: Damage) -> tuple[Board, bool]:
    """Run what is left of the request; returns the board and whether the run was interrupted."""
    console = Console(stderr=True)
    if not is_remote(request.place.results.url):  # object storage has no temporary names
        remove(request.place.results, temporaries(damage.files))
    gate = make_gate(request, options.scheduler)
    board = make_board(request, options, gate, slots)
    damage.look(board)
    members = Members(request, board)
    beat = Beat(request.place.results, request.name, slots, console.print)
    interrupted = False
    if board.complete:
        members.write()
    else:
        with scratch_folder() as scratch, connected(options, scratch):
            if options.address is not None:
                beat.slots = slots = _check_cluster(options, request.place, console)
                board.arrange(slots)
            members.write()
            beat.show(board)
            with _watched_node(options) as own:
                interrupted = _tune(board, request, options, gate, slots, console, members, beat, scratch, own)
        members.write()
    beat.end(board, "interrupted" if interrupted else "done" if board.complete else "stopped")
    return board, interrupted


def make_gate(request: Request, scheduler: str) -> "EarlyStopping | None":
    """The early stopping of a request, with what its rungs say already; None without one.

    Phases are never stopped: their winner is the parent of every target, and after half of its tenths the later winner
    leads in hardly more than half of them (tests/LOG.md). They are the smaller part of the work.
    """
    from search.driver.early_stopping import RULES, EarlyStopping
    from search.schedulers.rungs import Rungs

    if scheduler == "none":
        return None
    arms = {stratum.id: stratum.arms for stratum in request.plan if stratum.kind == "target" and stratum.arms > 1}
    return EarlyStopping(Rungs(request.place.results, f"{request.name}/rungs"), RULES[scheduler], arms)


def _check_cluster(options: Namespace, place: Place, console: Console) -> int:
    """Trials at once on the cluster; raises UsageError, before anything is trained, if it cannot do what is asked."""
    nodes = alive_nodes()
    slots = cluster_slots(options, nodes.values(), coming_nodes())
    wrong, notes = check_nodes(nodes, place)
    if wrong:
        raise UsageError("\n".join(wrong))
    for line in notes:
        console.print(f"note: {line}", highlight=False, soft_wrap=True, markup=False)
    return slots


@contextmanager
def _watched_node(options: Namespace) -> Iterator[OwnNode | None]:
    """The node of a cluster that this process runs on, watched; None with a private Ray, which `connected` watches."""
    if options.address is None:
        yield None
        return
    import ray

    own = OwnNode(ray.get_runtime_context().get_node_id(), alive_nodes, signals.end_now)
    with own.watched():
        yield own


def _packing(board: Board, slots: int, console: Console) -> "Packing":
    """The shares of a GPU that trials get: with what is known already of the memory that they take."""
    from search.driver.packing import Packing

    nodes = alive_nodes()
    memory, wrong = smallest_gpu(nodes)
    for line in wrong:
        console.print(f"note: {line} Every trial gets a whole GPU.", highlight=False, soft_wrap=True, markup=False)
    # More slots than fit now are for nodes that join later.
    packing = Packing(max(sum(node.gpus for node in nodes.values()), slots / MOST_ON_GPU), memory)
    for _, arm in board.arms():
        if arm.outcome is not None:
            packing.learn(arm.stage, arm.outcome.memory)
    return packing


def _tune(
    board: Board,
    request: Request,
    options: Namespace,
    gate: "EarlyStopping | None",
    slots: int,
    console: Console,
    members: Members,
    beat: Beat,
    scratch: Path,
    own: OwnNode | None,
) -> bool:
    from ray import tune
    from ray.tune.schedulers import FIFOScheduler

    from search.driver.drain import Draining, EndOfTenths
    from search.driver.progress import Progress
    from search.driver.searcher import Losses, PlanSearcher
    from trainables.stage_trial import StageTrial, place_to_json

    ask = ask_of(options)
    gpus = _packing(board, slots, console) if options.gpus_per_trial == AUTO else ask.gpus
    patience = 60.0 * options.hang_after
    waits = options.address is None  # a cluster might start nodes for trials that only wait
    searcher = PlanSearcher(board, place_to_json(request.place), members.changed, patience, gpus, waits=waits)
    losses = Losses(searcher, lambda text: console.print(text, highlight=False, soft_wrap=True))
    callbacks: list[tune.Callback] = [losses, Progress(board, slots, console, beat), EndOfTenths()]
    if own is not None:
        from search.cluster.node_watch import NodeWatch

        watch = NodeWatch(ask, own, lambda new: check_nodes(new, request.place)[0], console)
        callbacks.insert(0, watch)  # before `losses`
    # Trials that did not complete are no news: their stages are tried again, or stand among the failures at the end.
    logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
    tuner = tune.Tuner(
        tune.with_resources(
            StageTrial, lambda config: tune.PlacementGroupFactory([{"CPU": ask.cpus, "GPU": config["gpus"]}])
        ),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=Draining(gate or FIFOScheduler()),
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
    with signals.finishing_tenths():
        tuner.fit()
    if board.complete or board.breaker.why is not None:
        return False
    if not signals.asked():
        still = [id_ for id_, group in board.groups.items() if not group.settled]
        raise RuntimeError(
            f"nothing runs any more, yet {len(still)} strata have not come to their end, first {still[0]}. That is a "
            f"fault of this program; please report it with {request.url} (sweep.json, rungs/). No result is lost."
        )
    return True
