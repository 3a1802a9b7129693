"""A machine room on a virtual clock: Ray Tune's loop around the real searcher and scheduler, with made-up workers.

Calls, their order and their arguments are those of Ray 2.60 (`TuneController.step` and the methods it calls):

- Before each event the searcher is asked for trials until it has none or all slots are taken, through Tune's own
  ConcurrencyLimiter, and the scheduler is told of each new trial (`on_trial_add`). FINISHED is final.
- The scheduler chooses the trial to run (`choose_trial_to_run`).
- One event is handled. A result goes to the scheduler, unless it is `done`, which always stops the trial. If the answer
  is not STOP, the result goes to the searcher too, and the trial goes on.
- At a stop the scheduler is told (`on_trial_complete`), then the searcher, with the last result, by keyword. The slot
  is free, and the next trial takes it when the searcher is asked again.

The driver does one thing after the other, as Tune's does: with many slots, results wait for it.
"""

import heapq
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import ConcurrencyLimiter, Searcher

from search.driver.searcher import PlanSearcher
from trainables.record.context import StageContext

from .courses import Courses
from .worker import StageWork, open_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Delays in seconds, besides the durations of the stages themselves."""

    opening: float = 0.0  # of a trial before its first tenth: imports, encoder, checkpoint
    answer: float = 0.0  # from a result to the worker's next call, if the driver is free
    start: float = 0.0  # of the driver, for each trial
    result: float = 0.0  # of the driver, for each result


@dataclass(frozen=True, slots=True)
class Event:
    """An event in the room, at `time` seconds."""

    time: float
    what: Literal["start", "result", "stop", "done"]  # whether a stop is final is up to the board
    key: str
    stratum: str
    slot: int
    tenth: int  # the last whole one


@dataclass(frozen=True, slots=True)
class Piece:
    """A call of a worker, which computes from `began` to `ended`."""

    slot: int
    key: str
    began: float
    ended: float
    steps: int


@dataclass(slots=True, eq=False)
class RoomTrial:
    """A trial, as searcher and scheduler see it."""

    trial_id: str
    config: dict[str, Any]
    slot: int
    status: str = Trial.PENDING
    last_result: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Log:
    """Events in order of time, and the processor time that calls of the real code took on this machine."""

    slots: int
    events: list[Event] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    taken: dict[str, float] = field(
        default_factory=lambda: defaultdict(float)
    )  # seconds of processor time by kind of call
    longest: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def makespan(self) -> float:
        """Seconds from the start to the last event."""
        return self.events[-1].time if self.events else 0.0


class VirtualRoom:
    """Runs the trials of a searcher on `slots` workers. The same `seed` gives the same events."""

    def __init__(
        self,
        searcher: PlanSearcher,
        scheduler: TrialScheduler,
        context: StageContext,
        courses: Courses,
        *,
        slots: int,
        delays: Delays | None = None,
        seed: int = 0,
    ) -> None:
        """`seed` decides which of two results that arrive at the same moment is handled first."""
        self.searcher, self.scheduler = ConcurrencyLimiter(searcher, max_concurrent=slots), scheduler
        self.context, self.courses, self.delays = context, courses, delays or Delays()
        self.log = Log(slots)
        self.now = 0.0
        self.trials: list[RoomTrial] = []
        self.live: set[RoomTrial] = set()
        self._random = random.Random(seed)
        self._free = list(range(slots))
        self._calls: list[tuple[float, float, RoomTrial, StageWork]] = []
        self._finished = False

    def get_trials(self) -> list[RoomTrial]:
        """Return all trials that ever were; for the scheduler the room is Tune's controller."""
        return self.trials

    def get_live_trials(self) -> set[RoomTrial]:
        """Return the trials that have not ended."""
        return self.live

    def run(self, events: int | None = None) -> Log:
        """Run to the end, or return after `events` events as if the driver was killed."""
        while events is None or len(self.log.events) < events:
            self._start_trials()
            if not self._calls:
                break
            self._handle_result()
        return self.log

    def _start_trials(self) -> None:
        started = list[RoomTrial]()
        while not self._finished and self._free:
            trial_id = f"{len(self.trials):08x}"
            suggestion = self._call("suggest", self.searcher.suggest, trial_id)
            if suggestion == Searcher.FINISHED:
                self._finished = True
            elif suggestion is None:
                if not self._calls and not started:
                    raise RuntimeError("the searcher has no trial while none runs: Tune would wait for ever.")
                break
            else:
                trial = RoomTrial(trial_id, suggestion, heapq.heappop(self._free))
                self.trials.append(trial)
                self.live.add(trial)
                self._call("add", self.scheduler.on_trial_add, self, trial)
                started.append(trial)
        self._call("choose", self.scheduler.choose_trial_to_run, self)
        for trial in started:
            trial.status = Trial.RUNNING
            self._start(trial)

    def _start(self, trial: RoomTrial) -> None:
        self.now += self.delays.start
        work = open_stage(self.context, trial.config["key"], self.courses)
        self._note("start", trial, work)
        self._train(trial, work, self.now + self.delays.opening)

    def _train(self, trial: RoomTrial, work: StageWork, began: float) -> None:
        heapq.heappush(self._calls, (began + work.seconds, self._random.random(), trial, work))

    def _handle_result(self) -> None:
        arrival, _, trial, work = heapq.heappop(self._calls)
        began, steps_before = arrival - work.seconds, work.steps
        result = {**work.advance(), "trial_id": trial.trial_id}
        self.log.pieces.append(Piece(trial.slot, work.key, began, arrival, work.steps - steps_before))
        self.now = max(self.now, arrival) + self.delays.result
        ended, decision = result["done"], TrialScheduler.STOP
        if not ended:
            decision = self._call("result", self.scheduler.on_trial_result, self, trial, dict(result))
        if decision == TrialScheduler.STOP:
            result["done"] = True
        else:
            self._call("result (searcher)", self.searcher.on_trial_result, trial.trial_id, dict(result))
        trial.last_result = result
        if decision == TrialScheduler.CONTINUE:
            self._note("result", trial, work)
            self._train(trial, work, self.now + self.delays.answer)
            return
        if decision != TrialScheduler.STOP:
            raise ValueError(f"unknown decision of the scheduler: {decision}")
        self._note("done" if ended else "stop", trial, work)
        self._call("complete", self.scheduler.on_trial_complete, self, trial, dict(result))
        self._call("complete (searcher)", self.searcher.on_trial_complete, trial_id=trial.trial_id, result=dict(result))
        trial.status = Trial.TERMINATED
        self.live.remove(trial)
        heapq.heappush(self._free, trial.slot)

    def _note(self, what: Literal["start", "result", "stop", "done"], trial: RoomTrial, work: StageWork) -> None:
        stratum = trial.config["stratum"]
        self.log.events.append(Event(self.now, what, work.key, stratum, trial.slot, work.tenth))

    def _call(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        began = time.process_time()
        answer = function(*args, **kwargs)
        taken = time.process_time() - began
        self.log.calls[name] += 1
        self.log.taken[name] += taken
        self.log.longest[name] = max(taken, self.log.longest[name])
        return answer
