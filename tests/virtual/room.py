"""A machine room on a virtual clock: Ray Tune's loop around the real searcher and scheduler, with made-up workers.

What is called, in which order and with what, is as in Ray 2.60 (`TuneController.step` and what it calls):

- before each event the searcher is asked for more until it has none or all slots are taken, through Tune's own
  ConcurrencyLimiter, and the scheduler is told of each new trial (`on_trial_add`); FINISHED is final;
- the scheduler is asked which trial to run (`choose_trial_to_run`);
- one event is handled: a result goes to the scheduler, but not where it says `done`, which is a stop in any case;
  unless the answer is STOP it goes to the searcher too, and the trial goes on;
- at a stop the scheduler is told (`on_trial_complete`), then the searcher, with the last result, by keyword. The slot
  is free, and the next trial takes it when the searcher is asked again.

The driver does one thing after the other, as Tune's does: with many slots results wait for it.
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
from .worker import Work, open_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """Seconds beside those of the stages themselves."""

    opening: float = 0.0  # of a trial before its first tenth: imports, encoder, checkpoint
    answer: float = 0.0  # from a result to the worker's next call, if the driver is free
    start: float = 0.0  # of the driver, for each trial
    result: float = 0.0  # of the driver, for each result


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in the room, at `time` seconds."""

    time: float
    what: Literal["start", "result", "stop", "done"]  # a stop may be for good or a pause: that is the board's business
    key: str
    stratum: str
    slot: int
    tenth: int  # the last whole one


@dataclass(frozen=True, slots=True)
class Piece:
    """A worker's call: it computes from `began` to `ended`."""

    slot: int
    key: str
    began: float
    ended: float
    steps: int


@dataclass(slots=True, eq=False)
class RoomTrial:
    """What searcher and scheduler see of a trial."""

    trial_id: str
    config: dict[str, Any]
    slot: int
    status: str = Trial.PENDING
    last_result: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Log:
    """What happened: in order of time, and how long the calls of the real code took on this machine."""

    slots: int
    events: list[Event] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    taken: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # seconds of processor time by call
    longest: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def makespan(self) -> float:
        """Seconds from the start to the last event."""
        return self.events[-1].time if self.events else 0.0


class VirtualRoom:
    """Runs what a searcher suggests on `slots` workers. The same `seed` gives the same events."""

    def __init__(
        self,
        searcher: PlanSearcher,
        scheduler: TrialScheduler,
        place: StageContext,
        courses: Courses,
        slots: int,
        *,
        delays: Delays | None = None,
        seed: int = 0,
    ) -> None:
        """`seed` decides which of two results that come at the same moment is heard first."""
        self.searcher, self.scheduler = ConcurrencyLimiter(searcher, max_concurrent=slots), scheduler
        self.place, self.courses, self.delays = place, courses, delays or Delays()
        self.log = Log(slots)
        self.now = 0.0
        self.trials: list[RoomTrial] = []
        self.live: set[RoomTrial] = set()
        self._random = random.Random(seed)
        self._free = list(range(slots))
        self._coming: list[tuple[float, float, RoomTrial, Work]] = []
        self._finished = False

    def get_trials(self) -> list[RoomTrial]:
        """All trials that there ever were: the room is what the scheduler takes for Tune's controller."""
        return self.trials

    def get_live_trials(self) -> set[RoomTrial]:
        """Those that have not ended."""
        return self.live

    def run(self, events: int | None = None) -> Log:
        """Go on to the end, or vanish after so many events, as a killed driver does."""
        while events is None or len(self.log.events) < events:
            self._ask()
            if not self._coming:
                break
            self._hear()
        return self.log

    def _ask(self) -> None:
        started = list[RoomTrial]()
        while not self._finished and self._free:
            trial_id = f"{len(self.trials):08x}"
            suggestion = self._call("suggest", self.searcher.suggest, trial_id)
            if suggestion == Searcher.FINISHED:
                self._finished = True
            elif suggestion is None:
                if not self._coming and not started:
                    raise RuntimeError("the searcher has nothing while nothing runs: Tune would wait for ever.")
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
        work = open_stage(self.place, trial.config["key"], self.courses)
        self._note("start", trial, work)
        self._train(trial, work, self.now + self.delays.opening)

    def _train(self, trial: RoomTrial, work: Work, began: float) -> None:
        heapq.heappush(self._coming, (began + work.seconds, self._random.random(), trial, work))

    def _hear(self) -> None:
        came, _, trial, work = heapq.heappop(self._coming)
        began, before = came - work.seconds, work.steps
        result = {**work.advance(), "trial_id": trial.trial_id}
        self.log.pieces.append(Piece(trial.slot, work.key, began, came, work.steps - before))
        self.now = max(self.now, came) + self.delays.result
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
            raise ValueError(f"the room knows no decision {decision}.")
        self._note("done" if ended else "stop", trial, work)
        self._call("complete", self.scheduler.on_trial_complete, self, trial, dict(result))
        self._call("complete (searcher)", self.searcher.on_trial_complete, trial_id=trial.trial_id, result=dict(result))
        trial.status = Trial.TERMINATED
        self.live.remove(trial)
        heapq.heappush(self._free, trial.slot)

    def _note(self, what: Literal["start", "result", "stop", "done"], trial: RoomTrial, work: Work) -> None:
        stratum = trial.config["stratum"]
        self.log.events.append(Event(self.now, what, work.key, stratum, trial.slot, work.tenth))

    def _call(self, name: str, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        began = time.process_time()
        answer = function(*args, **named)
        taken = time.process_time() - began
        self.log.calls[name] += 1
        self.log.taken[name] += taken
        self.log.longest[name] = max(taken, self.log.longest[name])
        return answer
