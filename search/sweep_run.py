"""Run a request with Ray Tune: one trial is one stage, every start is a fresh Tuner over what is left."""

import logging
import os
import signal
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from search import signals
from search.board import Board, Gate
from search.processes import end_started, mark, watched
from search.request import Request
from search.scratch import scratch_folder
from search.store import Store
from search.sweep import read_sweep, write_sweep
from spaces.errors import UsageError
from spaces.space import Range

ROOT = Path(__file__).resolve().parents[1]
RAYS_OWN = ("gcs_server", "raylet")  # without them the driver would wait for a minute and be aborted
WRITE_EVERY = 2.0  # seconds between updates of sweep.json

# Read by Ray when it is imported: no usage report, no loggers of its own, no boxes and tracebacks on the screen.
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",  # Tune's snapshots are never read
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # search/signals.py has it
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",  # it answers SIGTERM with an abort
}


def make_board(request: Request, options: Namespace | None, gate: Gate | None) -> Board:
    """The board of a request over what the store has."""
    if isinstance(request.axes.learning_rates, Range):
        from search.draws import Draws

        rates: Any = Draws(request.place.results, f"{request.name}/draws.journal", sweep_seed=0)
    else:
        rates = None
    return Board(
        request.plan,
        request.maker,
        Store(request.place),
        rates,
        gate=gate,
        retry_failed=options is not None and options.retry_failed,
        keep="all" if options is None else options.keep,
    )


def run_sweep(request: Request, options: Namespace, slots: int) -> tuple[Board, bool]:
    """Run what is left of the request; returns the board and whether the run was interrupted."""
    os.environ.update(QUIET | mark())
    console = Console(stderr=True)
    gate = None
    if options.scheduler == "asha":
        from search.asha import StratifiedAsha

        gate = StratifiedAsha(request.place.results, f"{request.name}/rungs", request.competing)
    board = make_board(request, options, gate)
    members = Members(request, board)
    members.write()
    if board.complete:
        return board, False
    with scratch_folder() as scratch, _ray(options, scratch):
        if options.address is not None:
            slots = _cluster_slots(options)
        interrupted = _tune(board, request, options, gate, slots, console, members, scratch)
    members.write()
    return board, interrupted


class Members:
    """Keeps `sweep.json` up to date with the keys that belong to the sweep."""

    def __init__(self, request: Request, board: Board) -> None:
        self.request, self.board, self.written = request, board, 0.0
        old = read_sweep(request.place.results, request.name)
        self.stages: dict[str, str] = {} if old is None else dict(old["stages"])

    def changed(self) -> None:
        """Write, if the last time is long enough ago."""
        if time.monotonic() - self.written >= WRITE_EVERY:
            self.write()

    def write(self) -> None:
        """Write all keys that are known."""
        self.stages |= {arm.stage.key: stratum.id for stratum, arm in self.board.arms()}
        request = self.request
        write_sweep(request.place.results, request.name, request.spec, self.stages, request.sources)
        self.written = time.monotonic()


@contextmanager
def _ray(options: Namespace, scratch: Path) -> Iterator[None]:
    """Ray, quiet, with the project's root on the workers' path and nothing left behind."""
    import ray

    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = {"PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false"}
    if not options.gpus_per_trial:
        variables["CUDA_VISIBLE_DEVICES"] = ""  # a trial that asked for no GPU must not crowd one
    common: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": "ERROR",
        "runtime_env": {"env_vars": variables},
    }
    with signals.taken_down(end_started):
        try:
            with signals.kept_from_children(signal.SIGHUP):  # a closing terminal sends it to all of them
                if options.address is not None:
                    ray.init(address=options.address, **common)
                else:
                    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
                    own: dict[str, Any] = {"object_store_memory": 100 * 2**20, "_temp_dir": str(scratch)}
                    ray.init(num_cpus=cpus, include_dashboard=False, **own, **common)
        except SystemExit:  # how Ray answers SIGTERM while it starts
            signals.end_now()
        signals.install_again()
        try:
            with watched(RAYS_OWN, lambda name: signals.end_now(f"interrupted: {name} of Ray ended")):
                yield
        finally:
            ray.shutdown()
            end_started()


def _cluster_slots(options: Namespace) -> int:
    """Trials at once on the cluster; raises UsageError for a trial that fits on no node and would wait for ever."""
    import ray

    from search.slots import slots

    fits = []
    for node in ray.nodes():
        if node["Alive"]:
            resources = node["Resources"]
            try:
                one = Namespace(**{**vars(options), "max_concurrent": None})
                fits.append(slots(one, resources.get("CPU", 0), resources.get("GPU", 0)))
            except UsageError:
                continue
    if not fits:
        raise UsageError(
            f"no node of the cluster has {options.cpus_per_trial} CPUs and {options.gpus_per_trial:g} GPUs for a trial."
        )
    return min(sum(fits), options.max_concurrent or sum(fits))


def _tune(
    board: Board,
    request: Request,
    options: Namespace,
    gate: Any,
    slots: int,
    console: Console,
    members: Members,
    scratch: Path,
) -> bool:
    from ray import tune
    from ray.tune.schedulers import FIFOScheduler

    from search.drain import Draining, EndOfTenths
    from search.progress import Progress
    from search.searcher import Losses, PlanSearcher
    from trainables.stage_trial import StageTrial, place_to_json

    searcher = PlanSearcher(board, place_to_json(request.place), members.changed, patience=60.0 * options.hang_after)
    losses = Losses(searcher, lambda text: console.print(text, highlight=False, soft_wrap=True))
    # Trials that did not complete are no news: their stages are tried again, or stand among the failures at the end.
    logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)
    tuner = tune.Tuner(
        tune.with_resources(StageTrial, {"cpu": options.cpus_per_trial, "gpu": options.gpus_per_trial}),
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
            callbacks=[losses, Progress(board, slots, console), EndOfTenths()],
        ),
    )
    with signals.finishing_tenths():
        tuner.fit()
    return not board.complete and board.breaker.why is None
