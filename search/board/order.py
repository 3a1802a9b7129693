"""Which stratum goes first where several could: the critical path, in as few seeds at once as keep all slots busy."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from spaces.plan import Stratum

ArmDuration = Callable[[Stratum], float]  # how long one arm of a stratum takes, in any unit


def order_strata(plan: Sequence[Stratum], arm_duration: ArmDuration, slots: int | None) -> list[str]:
    """The ids of a plan's strata, parents before children, in the order in which they should start.

    Of the seeds of a wave those come first that have the longest way before them: their own arms, which may run side by
    side, and the longest way of their children. So what remains to the end is short, and no slot waits for one long
    chain.
    """
    ways = _longest_paths_of(plan, arm_duration)
    wave = _assign_waves(plan, arm_duration, slots, max(ways.values(), default=0.0))
    # Of equals the plan's order.
    return [one.id for one in sorted(plan, key=lambda one: (wave[one.seed], -ways[one.id], one.seed))]


def assign_waves(plan: Sequence[Stratum], arm_duration: ArmDuration, slots: int | None) -> Mapping[int, int]:
    """The wave of each seed, from 0: those of a wave start together. `slots` None: each seed is one.

    A wave has work for all slots for twice as long as the longest chain takes. With few slots that is one seed, and
    seed 0 is soon complete, with few encoders on disk at once; with so many that one seed cannot keep them busy it is
    several, or all: the last seed's longest chain would begin when nothing else is left.
    """
    return _assign_waves(plan, arm_duration, slots, max(_longest_paths_of(plan, arm_duration).values(), default=0.0))


def _assign_waves(plan: Sequence[Stratum], length: ArmDuration, slots: int | None, longest: float) -> Mapping[int, int]:
    seeds = sorted({one.seed for one in plan})
    number = len(seeds)
    if slots is not None and longest > 0:
        work = sum(length(one) * one.arm_count for one in plan)
        number = max(1, min(number, int(work / (2 * slots * longest))))
    return {seed: place * number // len(seeds) for place, seed in enumerate(seeds)}


def _longest_paths_of(plan: Sequence[Stratum], length: ArmDuration) -> Mapping[str, float]:
    """How long it takes at least from each stratum's start to the end of its last child."""
    ways: dict[str, float] = {}
    longest_child: defaultdict[str | None, float] = defaultdict(float)
    for stratum in reversed(plan):  # children before parents
        ways[stratum.id] = length(stratum) + longest_child[stratum.id]
        longest_child[stratum.parent] = max(longest_child[stratum.parent], ways[stratum.id])
    return ways


class ReadyQueue:
    """Strata that may have something to start; each is here once."""

    def __init__(self, ids: Sequence[str]) -> None:
        """`ids` of all strata in their order."""
        self._ids = ids
        self._positions: Mapping[str, int] = {id_: place for place, id_ in enumerate(ids)}
        self._heap: list[tuple[bool, int]] = []
        self._queued: dict[int, tuple[bool, int]] = {}

    def add(self, id_: str, *, begun: bool) -> None:
        """A stratum may have something to start. Those that have begun come first: so few are under way at once."""
        place = self._positions[id_]
        entry = not begun, place
        if place not in self._queued or entry < self._queued[place]:
            self._queued[place] = entry
            heapq.heappush(self._heap, entry)

    def peek(self) -> str | None:
        """The first of them; None if there is none."""
        while self._heap and self._queued.get(self._heap[0][1]) != self._heap[0]:
            heapq.heappop(self._heap)  # it was added once more, further up
        return self._ids[self._heap[0][1]] if self._heap else None

    def drop_first(self) -> None:
        """The first one has nothing to start at the moment."""
        del self._queued[heapq.heappop(self._heap)[1]]
