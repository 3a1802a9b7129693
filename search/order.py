"""Which stratum goes first where several could: seed by seed, and of a seed the critical path."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from spaces.plan import Stratum

Length = Callable[[Stratum], float]  # how long one arm of a stratum takes, in any unit


def order(plan: Sequence[Stratum], length: Length) -> list[str]:
    """The ids of a plan's strata, parents before children, in the order in which they should start.

    Of a seed those come first that have the longest way before them: their own arms, which may run side by side, and
    the longest way of their children. So what remains to the end is short, and no slot waits for one long chain.
    """
    ways: dict[str, float] = {}
    longest_child: defaultdict[str | None, float] = defaultdict(float)
    for stratum in reversed(plan):  # children before parents
        ways[stratum.id] = length(stratum) + longest_child[stratum.id]
        longest_child[stratum.parent] = max(longest_child[stratum.parent], ways[stratum.id])
    return [one.id for one in sorted(plan, key=lambda one: (one.seed, -ways[one.id]))]  # of equals the plan's order


class Ready:
    """Strata that may have something to start; each is here once."""

    def __init__(self, ids: Sequence[str]) -> None:
        """`ids` of all strata in their order."""
        self._ids = ids
        self._places: Mapping[str, int] = {id_: place for place, id_ in enumerate(ids)}
        self._heap: list[tuple[bool, int]] = []
        self._here: dict[int, tuple[bool, int]] = {}

    def add(self, id_: str, *, begun: bool) -> None:
        """A stratum may have something to start. Those that have begun come first: so few are under way at once."""
        place = self._places[id_]
        entry = not begun, place
        if place not in self._here or entry < self._here[place]:
            self._here[place] = entry
            heapq.heappush(self._heap, entry)

    def first(self) -> str | None:
        """The first of them; None if there is none."""
        while self._heap and self._here.get(self._heap[0][1]) != self._heap[0]:
            heapq.heappop(self._heap)  # it was added once more, further up
        return self._ids[self._heap[0][1]] if self._heap else None

    def drop_first(self) -> None:
        """The first one has nothing to start at the moment."""
        del self._here[heapq.heappop(self._heap)[1]]
