"""How well the slots of a room were used, and how much better it could have been."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from spaces.plan import Stratum

from .room import Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """Seconds are of the virtual clock. Busy, held and idle seconds of all slots sum to slots x makespan.

    The steady state lasts from the first to the last moment at which all slots were taken: before it the first parents
    are trained, and after it there is not enough left that could run.
    """

    slots: int
    trials: int
    stages: int
    steps: int
    makespan: float
    busy: float  # workers compute
    held: float  # a trial has the slot and does not compute: it opens its stage, or waits for an answer
    idle: float  # no trial
    steady: tuple[float, float]  # from when until when; (0, 0) where the slots were never all taken
    steady_busy: float  # share of the slots that compute in that time
    by_work: float  # lower bound of the makespan: busy / slots
    by_path: float  # and another: the longest way through the plan, were there a slot for every arm

    @property
    def bound(self) -> float:
        """No order of the same work ends earlier."""
        return max(self.by_work, self.by_path)


def occupancy(log: Log, plan: Sequence[Stratum]) -> Occupancy:
    """Sum up what happened in a room that ran a plan to its end."""
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
    within = sum(max(0.0, min(piece.ended, end) - max(piece.began, first)) for piece in log.pieces)
    busy = sum(piece.ended - piece.began for piece in log.pieces)
    return Occupancy(
        slots=log.slots,
        trials=sum(len(of_slot) for of_slot in spans.values()),
        stages=len({event.key for event in log.events}),
        steps=sum(piece.steps for piece in log.pieces),
        makespan=last,
        busy=busy,
        held=sum(stop - start for of_slot in spans.values() for start, stop in of_slot) - busy,
        idle=sum(_gaps(spans.get(slot, []), last) for slot in range(log.slots)),
        steady=(first, end),
        steady_busy=within / (log.slots * (end - first)) if end > first else 0.0,
        by_work=busy / log.slots,
        by_path=_longest_way(log, plan),
    )


def _gaps(spans: list[tuple[float, float]], end: float) -> float:
    """Seconds without a trial up to `end`, given the slot's trials in order."""
    starts, stops = [start for start, _ in spans], [stop for _, stop in spans]
    return sum(start - before for before, start in zip([0.0, *stops], [*starts, end], strict=True))


def _longest_way(log: Log, plan: Sequence[Stratum]) -> float:
    """Seconds until the last stratum can be settled: its longest arm after its parent's."""
    lengths: dict[str, float] = defaultdict(float)
    for piece in log.pieces:
        lengths[piece.key] += piece.ended - piece.began
    longest: dict[str, float] = defaultdict(float)
    for key, id_ in {event.key: event.stratum for event in log.events}.items():
        longest[id_] = max(longest[id_], lengths[key])
    settled: dict[str | None, float] = {None: 0.0}
    for stratum in plan:  # parents before children
        settled[stratum.id] = settled[stratum.parent] + longest[stratum.id]
    return max(settled.values())
