"""A sweep in a virtual room: like `search/driver/tuner.py`, with the room in the place of Ray."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ray.tune.schedulers import FIFOScheduler

from search.board.board import Board
from search.driver.drain import DrainingScheduler
from search.driver.run_state import make_board, make_stopping_policy
from search.driver.searcher import PlanSearcher
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
    """A sweep that can run in a virtual room."""

    request: SweepRequest
    options: RunOptions

    def room(
        self, courses: Courses, slots: int, *, delays: Delays | None = None, seed: int = 0
    ) -> tuple[VirtualRoom, Board]:
        """Return a room for the stages that are left; it continues after a room that was killed."""
        early_stopping = make_stopping_policy(self.request, self.options.scheduler)
        board = make_board(self.request, self.options, early_stopping, slots)
        searcher = PlanSearcher(board, "{}", on_change=lambda: None)
        scheduler = DrainingScheduler(early_stopping or FIFOScheduler(), lambda _: False)
        context = self.request.context
        return VirtualRoom(searcher, scheduler, context, courses, slots=slots, delays=delays, seed=seed), board

    def run(
        self, courses: Courses, slots: int, *, delays: Delays | None = None, seed: int = 0
    ) -> tuple[Log, Occupancy, Board]:
        """Run the sweep to the end; raises RuntimeError if strata are unfinished."""
        room, board = self.room(courses, slots, delays=delays, seed=seed)
        log = room.run()
        if not board.is_complete:
            raise RuntimeError("the searcher has finished, but not all strata are settled.")
        return log, occupancy(log, self.request.plan), board


def virtual_sweep(flags: Sequence[str], storage: Storage | None = None) -> VirtualSweep:
    """Return the sweep of flags of `search/run.py`, with its results in memory or in `storage`."""
    options = parse_options(flags)
    return in_memory(make_request(options), options, storage)


def in_memory(request: SweepRequest, options: RunOptions, storage: Storage | None = None) -> VirtualSweep:
    """Return the sweep of a request, with its results in memory or in `storage`."""
    return VirtualSweep(replace(request, context=replace(request.context, results=storage or MemoryStorage())), options)


def winners(board: Board) -> dict[str, float | None]:
    """Return the winning rate of each stratum with competing arms, which early stopping may change."""
    return {
        id_: None if state.winner is None else state.winner.stage.learning_rate
        for id_, state in board.states.items()
        if state.arm_count > 1
    }
