"""Use of the slots of a virtual room, and lower bounds of its makespan."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from spaces.plan import Stratum

from .room import Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """Occupancy of all slots, in seconds of the virtual clock; busy, held and idle sum to slots x makespan.

    The steady state lasts from the first to the last moment at which all slots are taken: before it the first parents
    are trained, and after it not enough stages are left to fill the slots.
    """

    slots: int
    trials: int
    stages: int
    steps: int
    makespan: float
    busy: float  # workers compute
    held: float  # a trial has the slot, but opens its stage or waits for an answer
    idle: float  # no trial
    steady: tuple[float, float]  # start and end; (0, 0) if the slots were never all taken
    steady_busy: float  # share of the slots that compute in the steady state
    by_work: float  # lower bound of the makespan: busy / slots
    by_path: float  # lower bound: the longest path through the plan, with a slot for every arm

    @property
    def bound(self) -> float:
        """The makespan that no order of the same work can beat."""
        return max(self.by_work, self.by_path)


def occupancy(log: Log, plan: Sequence[Stratum]) -> Occupancy:
    """Return the occupancy of a room that ran a plan to its end."""
    taken, last, full = 0, 0.0, list[float]()
    spans: dict[int, list[tuple[float, float]]] = defaultdict(list)  # of trials, by slot
    began: dict[int, float] = {}
    for event in log.events:
        if taken == log.slots:
            full += [last, event.time]
        if event.what == "start":
            began[event.slot] = event.time
            taken += 1
        elif event.what != "result":
            spans[event.slot].append((began.pop(event.slot), event.time))
            taken -= 1
        last = event.time
    first, end = (full[0], full[-1]) if full else (0.0, 0.0)
    steady_seconds = sum(max(0.0, min(piece.ended, end) - max(piece.began, first)) for piece in log.pieces)
    busy = sum(piece.ended - piece.began for piece in log.pieces)
    return Occupancy(
        slots=log.slots,
        trials=sum(len(slot_spans) for slot_spans in spans.values()),
        stages=len({event.key for event in log.events}),
        steps=sum(piece.steps for piece in log.pieces),
        makespan=last,
        busy=busy,
        held=sum(stop - start for slot_spans in spans.values() for start, stop in slot_spans) - busy,
        idle=sum(_gaps(spans.get(slot, []), last) for slot in range(log.slots)),
        steady=(first, end),
        steady_busy=steady_seconds / (log.slots * (end - first)) if end > first else 0.0,
        by_work=busy / log.slots,
        by_path=_longest_path(log, plan),
    )


def _gaps(spans: list[tuple[float, float]], end: float) -> float:
    """Return the gaps in seconds between a slot's trials, which are in order, and up to `end`."""
    starts, stops = [start for start, _ in spans], [stop for _, stop in spans]
    return sum(start - before for before, start in zip([0.0, *stops], [*starts, end], strict=True))


def _longest_path(log: Log, plan: Sequence[Stratum]) -> float:
    """Return the seconds until the last stratum can be settled: its longest arm after its parent's."""
    durations: dict[str, float] = defaultdict(float)
    for piece in log.pieces:
        durations[piece.key] += piece.ended - piece.began
    longest: dict[str, float] = defaultdict(float)
    for key, id_ in {event.key: event.stratum for event in log.events}.items():
        longest[id_] = max(longest[id_], durations[key])
    settled: dict[str | None, float] = {None: 0.0}
    for stratum in plan:  # parents before children
        settled[stratum.id] = settled[stratum.parent] + longest[stratum.id]
    return max(settled.values())
