"""A sweep in a virtual room: what `search/driver/sweep_run.py` puts together, with the room in the place of Ray."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ray.tune.schedulers import FIFOScheduler

from search.board.board import Board
from search.driver.drain import DrainingScheduler
from search.driver.searcher import PlanSearcher
from search.driver.sweep_run import make_board, make_early_stopping
from search.request.options import RunOptions, parse_options
from search.request.request import SweepRequest, make_request
from trainables.storage.base import Storage

from .courses import Courses
from .memory_storage import MemoryStorage
from .occupancy import Occupancy, occupancy
from .room import Delays, Log, VirtualRoom

SCHEDULERS = ("none", "asha", "halving")


@dataclass(frozen=True, slots=True)
class VirtualSweep:
    """A sweep that could run, and where its results are."""

    request: SweepRequest
    options: RunOptions

    def room(
        self, courses: Courses, slots: int, *, delays: Delays | None = None, seed: int = 0
    ) -> tuple[VirtualRoom, Board]:
        """A room that runs what is left of the sweep; it goes on where another one vanished."""
        place, gate = self.request.context, make_early_stopping(self.request, self.options.scheduler)
        board = make_board(self.request, self.options, gate, slots)
        searcher = PlanSearcher(board, "{}", on_change=lambda: None)
        scheduler = DrainingScheduler(gate or FIFOScheduler())
        return VirtualRoom(searcher, scheduler, place, courses, slots, delays=delays, seed=seed), board

    def run(
        self, courses: Courses, slots: int, *, delays: Delays | None = None, seed: int = 0
    ) -> tuple[Log, Occupancy, Board]:
        """Run it to the end; raises RuntimeError if something is left over."""
        room, board = self.room(courses, slots, delays=delays, seed=seed)
        log = room.run()
        if not board.is_complete:
            raise RuntimeError("the searcher said FINISHED, and not all strata are settled.")
        return log, occupancy(log, self.request.plan), board


def virtual_sweep(flags: Sequence[str], storage: Storage | None = None) -> VirtualSweep:
    """The sweep of a command line of `search/run.py`, with its results in memory or in `storage`."""
    options = parse_options(flags)
    return in_memory(make_request(options), options, storage)


def in_memory(request: SweepRequest, options: RunOptions, storage: Storage | None = None) -> VirtualSweep:
    """A request with its results in memory, or in `storage`."""
    return VirtualSweep(replace(request, context=replace(request.context, results=storage or MemoryStorage())), options)


def winners(board: Board) -> dict[str, float | None]:
    """The rate that won each stratum that has competing arms: what early stopping may change."""
    return {
        id_: None if group.winner is None else group.winner.stage.learning_rate
        for id_, group in board.states.items()
        if group.stratum.arm_count > 1
    }
