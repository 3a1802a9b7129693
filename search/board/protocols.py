"""Whom the board asks: for rates of a sampled axis, for early stopping, and for the seeds of a race."""

from collections.abc import Collection, Sequence
from typing import Protocol

from spaces.halving import Verdict
from spaces.plan import Stratum
from trainables.record.outcome import Outcome


class RateSampler(Protocol):
    """Where the learning rates of an axis that is a range come from."""

    def get_rate(self, stratum: Stratum, index: int) -> float:
        """The rate of draw `index` of a stratum, the same at every call."""

    def tell(self, stratum: Stratum, index: int, outcome: Outcome) -> None:
        """How that draw ended."""


class StoppingPolicy(Protocol):
    """What the board asks the early stopping."""

    def rungs_of(self, stratum: str) -> Sequence[int]:
        """The tenths after which a stage of the stratum must ask whether to go on."""

    def set_competitors(self, stratum: str, keys: Collection[str]) -> None:
        """Take note of the stages that are a stratum's arms, as far as they are known."""

    def verdict_of(self, stratum: str, key: str) -> Verdict:
        """What is to become of a stage."""

    def curve_of(self, key: str) -> Sequence[float]:
        """English dev by tenth of a stage, as far as it counts."""

    def record_end(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Take note of a stage that ended by itself, in this sweep or in another one."""

    def record_earlier_stop(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Take note of an outcome that says that a stage was stopped."""


class SeedRace(Protocol):
    """What the board asks a race."""

    @property
    def decisions(self) -> dict[str, dict[str, object]]:
        """The chains that get no further seeds, as `sweep.json` has them."""

    def can_start(self, stratum: Stratum) -> bool:
        """Whether the stratum may start now."""

    def is_decided(self, stratum: Stratum) -> bool:
        """Whether the stratum will never start."""

    def record_score(self, stratum: Stratum, score: float | None) -> bool:
        """Take note of the score of a stratum's winner; returns whether others may start or never will."""
