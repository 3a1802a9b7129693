"""What a rule of early stopping is: it decides within strata, on English dev, and remembers nothing."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from search.schedulers.rungs import RungEntry
from spaces.halving import Verdict


class StoppingRule(Protocol):
    """Decides within a stratum."""

    @property
    def rungs(self) -> tuple[int, ...]:
        """The tenths after which it decides, ascending."""

    @property
    def is_order_dependent(self) -> bool:
        """Whether the order in which scores come in decides: then what it was cannot be found out again."""

    def decide(self, entries: Sequence[RungEntry], arms: int, left: Collection[str]) -> Mapping[str, Verdict]:
        """What is to become of the stages of a stratum.

        Args:
            entries: their scores, in the order in which they came in
            arms: how many compete, also those that have not begun
            left: those that ended by themselves: nobody need wait for them
        """
