"""What a rule of early stopping is: it decides within strata, on English dev."""

from enum import Enum
from typing import Protocol


class Verdict(Enum):
    """What is to become of an arm."""

    GO = "go on"
    WAIT = "wait until the others have come as far"
    STOP = "stop"


class Rule(Protocol):
    """Decides within strata."""

    @property
    def rungs(self) -> tuple[int, ...]:
        """The tenths after which it decides, ascending."""

    def enter(self, stratum: str, key: str, tenth: int, score: float) -> None:
        """Take note of a stage's score."""

    def leave(self, stratum: str, key: str) -> None:
        """Take note that a stage ended by itself: it is judged no more, and nobody need wait for it."""

    def stopped_before(self, stratum: str, key: str) -> None:
        """Take note of a stage that this sweep stopped, as far as can be told, though its rungs do not say so."""

    def verdict(self, stratum: str, key: str) -> Verdict:
        """What is to become of a stage."""
