"""A run of a sweep: its request and options, and the state that earlier runs left on disk."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from search.board.board import Board
from search.board.protocols import KeepPolicy, StoppingPolicy
from search.board.store import Store
from search.cost.cost import estimate_work, make_arm_duration
from search.driver.damage import DamageReporter
from search.driver.manifest import SweepManifest
from search.driver.status_writer import StatusWriter
from search.driver.time_budget import TimeBudget
from search.process.garbage_collection import pause_garbage_collection
from search.request.options import RunOptions
from search.request.request import SweepRequest
from search.schedulers.seeds import RaceSeeds
from search.sweep.cleanup import find_temporaries, remove
from spaces.space import Range
from spaces.streams import open_progress_stream
from trainables.storage.base import is_remote

if TYPE_CHECKING:
    from search.driver.early_stopping import EarlyStopping
    from search.driver.preview_stop import PreviewStop


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
        race=RaceSeeds(request.plan) if request.spec["scheduler"] == "racing" and not request.whole_plan else None,
        arm_duration=make_arm_duration(estimate_work(request)),
        slots=slots,
        retry_failed=options is not None and options.retry_failed,
        keep=_choose_keep_policy(request, options),
    )


def _choose_keep_policy(request: SweepRequest, options: RunOptions | None) -> KeepPolicy:
    if options is None:
        return "all"
    return options.keep if request.whole_plan is None else "winners"  # the sweep needs what its preview leaves


@dataclass(slots=True, kw_only=True)
class SweepRun:
    """A run of a sweep: its request and options, its board, and the writers of its files."""

    request: SweepRequest
    options: RunOptions
    board: Board
    stopping_policy: "EarlyStopping | PreviewStop | None"
    slots: int
    trial_memory: int = 0  # bytes that each trial asks Ray for
    budget: TimeBudget | None = None
    console: Console
    manifest: SweepManifest
    status_writer: StatusWriter

    @property
    def is_preview_done(self) -> bool:
        """True if this is a preview whose phases all wait where they were measured, or have ended."""
        left = [state for state in self.board.states.values() if not state.is_settled]
        arms = [arm for state in left for arm in state.arms if arm.outcome is None]
        are_all_known = all(len(state.arms) == state.arm_count for state in left)
        return self.request.whole_plan is not None and are_all_known and all(arm.is_waiting for arm in arms)


@pause_garbage_collection()
def read_state(request: SweepRequest, options: RunOptions, slots: int, damage: DamageReporter) -> SweepRun:
    """Return the run of a request with the state that earlier runs left on disk, and report damaged files."""
    stream, results = open_progress_stream(), request.context.results
    # FORCE_COLOR, which notebooks set, makes no terminal of a pipe.
    console = Console(file=stream, force_terminal=stream.isatty(), highlight=False, markup=False)
    if not is_remote(results.url):  # object storage has no temporary names
        remove(results, find_temporaries(damage.files_at_start))
    stopping_policy = make_stopping_policy(request, options.scheduler)
    board = make_board(request, options, stopping_policy, slots)
    damage.report(board.records.damage)
    return SweepRun(
        request=request,
        options=options,
        board=board,
        stopping_policy=stopping_policy,
        slots=slots,
        budget=None if options.hours is None else TimeBudget(board, 3600 * options.hours),
        console=console,
        manifest=SweepManifest(request, board),
        status_writer=StatusWriter(
            results,
            request.name,
            slots,
            partial(console.print, soft_wrap=True),
            estimates_left=request.whole_plan is None,
        ),
    )


def make_stopping_policy(request: SweepRequest, scheduler: str) -> "EarlyStopping | PreviewStop | None":
    """Return the early stopping of a request, with the scores that its rungs have on disk; None without one.

    Phases are never stopped: their winner is the parent of every target, and after half of the tenths the final winner
    leads in hardly more than half of the phases (docs/lab-log.md). Phases are the smaller part of the work.
    """
    from search.driver.early_stopping import RULES, EarlyStopping
    from search.schedulers.rungs import RungScores

    if request.whole_plan is not None:
        from search.driver.preview_stop import PreviewStop

        return PreviewStop(request.context)
    if scheduler == "none":
        return None
    targets = [stratum for stratum in request.plan if stratum.kind == "target"]
    arm_counts = {stratum.id: stratum.arm_count for stratum in targets if stratum.arm_count > 1}
    return EarlyStopping(RungScores(request.context.results, f"{request.name}/rungs"), RULES[scheduler], arm_counts)
