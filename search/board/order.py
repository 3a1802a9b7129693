"""The order of strata: critical path first, with as few seeds at once as keep all slots busy."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from spaces.plan import Stratum

ArmDuration = Callable[[Stratum], float]  # time that one arm of a stratum takes, in any unit


def order_strata(plan: Sequence[Stratum], arm_duration: ArmDuration, slots: int | None) -> list[str]:
    """Return the ids of a plan's strata in the order in which they should start, parents before children.

    Within a wave of seeds the longest path comes first: a stratum's own arms, which may run side by side, and the
    longest path of its children. So little is left at the end, and no slot waits for one long chain.
    """
    paths = _longest_paths_of(plan, arm_duration)
    waves = assign_waves(plan, arm_duration, slots)
    # The sort is stable: ties keep the order of the plan.
    ordered = sorted(plan, key=lambda stratum: (waves[stratum.seed], -paths[stratum.id], stratum.seed))
    return [stratum.id for stratum in ordered]


def assign_waves(plan: Sequence[Stratum], arm_duration: ArmDuration, slots: int | None) -> Mapping[int, int]:
    """Return the wave of each seed, from 0; seeds of one wave start together. With `slots` None each seed is a wave.

    A wave has work for all slots for twice the duration of the longest chain. With few slots that is one seed: seed 0
    is complete soon, and few encoders are on disk at once. With so many slots that one seed cannot keep them busy a
    wave holds several seeds, or all: otherwise the last seed's longest chain would begin when nothing else is left.
    """
    sizes = Counter(stratum.seed for stratum in plan if stratum.kind != "pretrain")  # seeds of few chains are small
    seeds = sorted({stratum.seed for stratum in plan})
    count = len(seeds)
    longest = 0.0 if slots is None else max(_longest_paths_of(plan, arm_duration).values(), default=0.0)
    if slots is not None and longest > 0:
        work = sum(arm_duration(stratum) * stratum.arm_count for stratum in plan)
        count = max(1, min(count, int(work / (2 * slots * longest))))
    before = accumulate((sizes[seed] for seed in seeds), initial=0)
    return {seed: start * count // max(1, sizes.total()) for seed, start in zip(seeds, before, strict=False)}


def _longest_paths_of(plan: Sequence[Stratum], arm_duration: ArmDuration) -> Mapping[str, float]:
    """Return the shortest possible time from each stratum's start to the end of its last descendant."""
    paths: dict[str, float] = {}
    longest_child: defaultdict[str | None, float] = defaultdict(float)
    for stratum in reversed(plan):  # children before parents
        paths[stratum.id] = arm_duration(stratum) + longest_child[stratum.id]
        for source in stratum.sources:
            longest_child[source] = max(longest_child[source], paths[stratum.id])
    return paths


class ReadyQueue:
    """Queue of strata that may have an arm to start, each of them once."""

    def __init__(self, ids: Sequence[str]) -> None:
        """`ids` of all strata in their order."""
        self._ids = ids
        self._positions: Mapping[str, int] = {id_: position for position, id_ in enumerate(ids)}
        self._heap: list[tuple[bool, int]] = []
        self._queued: dict[int, tuple[bool, int]] = {}

    def add(self, id_: str, *, begun: bool) -> None:
        """Add a stratum. Strata that have begun come first, so that few are under way at once."""
        position = self._positions[id_]
        entry = not begun, position
        if position not in self._queued or entry < self._queued[position]:
            self._queued[position] = entry
            heapq.heappush(self._heap, entry)

    def peek(self) -> str | None:
        """Return the first stratum without removing it; None if the queue is empty."""
        while self._heap and self._queued.get(self._heap[0][1]) != self._heap[0]:
            heapq.heappop(self._heap)  # an outdated entry: the stratum was added again, further up
        return self._ids[self._heap[0][1]] if self._heap else None

    def drop_first(self) -> None:
        """Remove the first stratum, which has nothing to start at the moment."""
        del self._queued[heapq.heappop(self._heap)[1]]
