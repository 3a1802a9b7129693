"""Whom the board asks: for rates of a sampled axis, for early stopping, and for the seeds of a race."""

from collections.abc import Collection, Sequence
from typing import Protocol

from spaces.halving import Verdict
from spaces.plan import Stratum
from trainables.record.outcome import Outcome


class Rates(Protocol):
    """Where the learning rates of an axis that is a range come from."""

    def rate(self, stratum: Stratum, index: int) -> float:
        """The rate of draw `index` of a stratum, the same at every call."""

    def tell(self, stratum: Stratum, index: int, outcome: Outcome) -> None:
        """How that draw ended."""


class Gate(Protocol):
    """What the board asks the early stopping."""

    def tenths(self, stratum: str) -> Sequence[int]:
        """The tenths after which a stage of the stratum must ask whether to go on."""

    def compete(self, stratum: str, keys: Collection[str]) -> None:
        """Take note of the stages that are a stratum's arms, as far as they are known."""

    def verdict(self, stratum: str, key: str) -> Verdict:
        """What is to become of a stage."""

    def curve(self, key: str) -> Sequence[float]:
        """English dev by tenth of a stage, as far as it counts."""

    def ended(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Take note of a stage that ended by itself, in this sweep or in another one."""

    def stopped_before(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Take note of an outcome that says that a stage was stopped."""


class Seeds(Protocol):
    """What the board asks a race."""

    @property
    def record(self) -> dict[str, dict[str, object]]:
        """The chains that get no further seeds, as `sweep.json` has them."""

    def given(self, stratum: Stratum) -> bool:
        """Whether the stratum may start now."""

    def decided(self, stratum: Stratum) -> bool:
        """Whether the stratum will never start."""

    def settled(self, stratum: Stratum, score: float | None) -> bool:
        """Take note of the score of a stratum's winner; returns whether others may start or never will."""
