"""The progress of a sweep while it runs: what its workers tell after and within tenths, and the time left by it."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from search.board.board import Board
from search.driver.worker_positions import WorkerPositions
from search.sweep.estimate import TimeLeft, estimate_time_left
from search.sweep.stage_durations import BegunStage, StageProgress, find_work
from search.sweep.status_file import RunningStage, format_utc_now
from spaces.stage import TENTHS
from trainables.record.position import StagePosition


@dataclass(slots=True)
class StageReports:
    """The reports of one stage in this run: the first and the last of them."""

    first_tenth: int
    first_seconds: float  # that the tenths up to then took, in all runs
    tenth: int
    seconds: float
    reported: float  # by the tracker's clock
    dev: float
    node: str | None

    @property
    def pace(self) -> float:
        """Seconds per tenth: without the first report, which includes loading encoder and data, if there are others."""
        if self.tenth > self.first_tenth:
            return max(0.0, self.seconds - self.first_seconds) / (self.tenth - self.first_tenth)
        return self.seconds / self.tenth


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """The running stages, the tenths of all stages that have begun and not ended, and the seconds left.

    `tenths` count parts of tenths, `whole_tenths` do not.
    """

    running: tuple[RunningStage, ...]
    whole_tenths: int
    tenths: float
    left: float | None


class ProgressTracker:
    """Records what workers report, and observes the board by it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, estimates_left: bool = True) -> None:
        """`clock` is in seconds. Of a preview no time left is estimated: its phases end after a few of their tenths."""
        self.clock, self.estimates_left = clock, estimates_left
        self._reports: dict[str, StageReports] = {}  # by key
        self._started: dict[str, tuple[str, float]] = {}  # of running stages, in UTC and by the clock
        self.positions = WorkerPositions()
        self._first_paces: dict[str, float] = {}  # seconds of the first tenth of running stages, by its steps so far

    def record(self, key: str, curve: Sequence[float], seconds: float, node: str | None) -> None:
        """Record a stage's report: its English dev scores so far, and the seconds that its tenths took."""
        if not curve or len(curve) == TENTHS:  # without tenths, or at its end
            self._reports.pop(key, None)
            return
        known, tenth, now = self._reports.get(key), len(curve), self.clock()
        if known is None or tenth < known.tenth:  # a stage may begin again, without its checkpoint
            known = self._reports[key] = StageReports(tenth, seconds, tenth, seconds, now, curve[-1], node)
        if tenth > known.tenth:
            known.tenth, known.seconds, known.reported = tenth, seconds, now
        known.dev, known.node = curve[-1], node

    def observe(self, board: Board, slots: int) -> SweepProgress:
        """Return the progress at this moment, with the time left on so many slots."""
        now = (format_utc_now(), self.clock())
        self._started = {key: self._started.get(key, now) for key in board.running}
        self.positions.refresh(board.store.context, board.running, now[1])
        self._first_paces = {key: pace for key, pace in self._first_paces.items() if key in board.running}
        begun = self._list_begun(board, now[1])
        left = estimate_time_left(board.states.values(), slots, begun, partial(find_work, board.arm_duration))
        running = tuple(self._describe(key, board, now[1], left) for key in board.running)
        whole = sum(progress.tenth for _, progress in begun.values())
        tenths = whole + sum(map(self._find_part, board.running))
        return SweepProgress(running, whole, tenths, left.sweep if self.estimates_left else None)

    def _list_begun(self, board: Board, now: float) -> dict[str, BegunStage]:
        """Return the stages that run, and those that wait at a rung, by key."""
        begun: dict[str, BegunStage] = {}
        for state in board.states.values():
            if state.is_settled or not state.has_begun:
                continue
            for arm in state.arms:
                reports = self._reports.get(arm.stage.key)
                if arm.outcome is not None or arm.is_measured or not (arm.is_running or reports):
                    continue
                since = max(reports.reported if reports else 0.0, self._started.get(arm.stage.key, ("", now))[1])
                elapsed = now - since if arm.is_running else 0.0
                progress = StageProgress(elapsed=elapsed, pace=self._find_first_pace(arm.stage.key))
                if reports:
                    progress = StageProgress(
                        tenth=reports.tenth, seconds=reports.seconds, pace=reports.pace, elapsed=elapsed
                    )
                begun[arm.stage.key] = state, progress
        return begun

    def _find_position(self, key: str) -> tuple[StagePosition, float] | None:
        """Return what the worker of a stage told last, and the seconds since; None if a later tenth has come since."""
        known, reports = self.positions.find(key), self._reports.get(key)
        return None if known is None or (reports and known[0].tenth < reports.tenth) else known

    def _find_part(self, key: str) -> float:
        """Return how much of a stage has been trained beyond its last reported tenth, in tenths."""
        if (known := self._find_position(key)) is None:
            return 0.0
        position, reports = known[0], self._reports.get(key)
        is_within = position.activity == "training" and position.total > 0 and position.tenth < TENTHS
        part = position.done / position.total if is_within else 0.0
        return position.tenth + part - (reports.tenth if reports else 0)

    def _find_first_pace(self, key: str) -> float | None:
        """Return the seconds that the first tenth will take by its steps so far; None before they tell."""
        known = self._find_position(key)
        if known is not None and known[0].tenth == 0 and known[0].activity == "training" and known[0].done:
            self._first_paces[key] = known[0].seconds / known[0].done * known[0].total
        return self._first_paces.get(key)

    def _describe(self, key: str, board: Board, now: float, left: TimeLeft) -> RunningStage:
        since, started = self._started[key]
        reports, known = self._reports.get(key), self._find_position(key)
        stage = RunningStage(
            key=key,
            label=board.running[key][1].stage.label,
            since=since,
            seconds=round(now - started, 1),
            tenth=reports.tenth if reports else 0,
            dev=reports.dev if reports else None,
            node=reports.node if reports else None,
            left=left.stages.get(key) if self.estimates_left else None,
        )
        if known is None:
            return stage
        position, silent = known
        return dataclasses.replace(
            stage,
            tenth=position.tenth,
            activity=position.activity,
            done=position.done,
            total=position.total,
            silent=round(silent, 1),
        )
