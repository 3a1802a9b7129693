"""A sweep's budget of time: nothing begins that cannot end in it, and at its end running stages write their state."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ray import tune

from search.board.arms import Arm, StratumState
from search.board.board import Board
from search.process import signals
from search.sweep.stage_durations import StageDurations, find_work
from search.sweep.units import format_duration
from spaces.stage import TENTHS

REFRESH_INTERVAL = 10.0  # seconds for which the durations of ended stages are used again


class TimeBudget:
    """What is left of a budget, and which stages still fit into it, by those that have ended."""

    def __init__(self, board: Board, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """The budget begins now."""
        self.board, self.seconds, self.clock = board, seconds, clock
        self.ends = clock() + seconds
        self.has_begun = False  # a stage, in this budget
        self.has_refused = False  # a stage that would not have ended in time
        self._work_of = partial(find_work, board.arm_duration)
        self._durations: tuple[float, StageDurations] | None = None

    @property
    def is_over(self) -> bool:
        """True once the time is up."""
        return self.clock() >= self.ends

    @property
    def length(self) -> str:
        """The whole budget, for people."""
        return format_duration(self.seconds)

    def allows(self, state: StratumState, arm: Arm) -> bool:
        """Return True if an arm of a stratum may begin, by the durations of stages like it that have ended.

        One whose like has never ended may, and so may the first of a budget, so that each budget brings the sweep on.
        """
        expected = self._find_durations().estimate_stage(state)
        left = None if expected is None else expected * (1 - arm.tenth / TENTHS)
        fits = left is None or not self.has_begun or self.clock() + left <= self.ends
        is_allowed = fits and not self.is_over
        self.has_begun |= is_allowed
        self.has_refused |= not is_allowed
        return is_allowed

    def _find_durations(self) -> StageDurations:
        now = self.clock()
        if self._durations is None or now - self._durations[0] >= REFRESH_INTERVAL:
            self._durations = now, StageDurations(self.board.states.values(), (), self._work_of)
        return self._durations[1]


class TimeBudgetCallback(tune.Callback):
    """Asks the run to end once the time is up."""

    def __init__(self, budget: TimeBudget) -> None:
        self.budget = budget

    def __getstate__(self) -> dict[str, Any]:
        """Return no state: Tune pickles its callbacks, and a board is large."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Look at the clock."""
        if self.budget.is_over and not signals.is_stop_requested():
            signals.request_stop(f"the {self.budget.length} of --hours are used")
