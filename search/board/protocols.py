"""Protocols the board depends on (rate sampler, stopping policy, seed race), and the policy for encoders."""

from collections.abc import Collection, Sequence
from typing import Literal, Protocol

from spaces.halving import Verdict
from spaces.plan import Stratum
from trainables.record.outcome import Outcome

# Encoders that stay on disk: of no stage once no child needs them, of every stratum's winner, or of all stages.
KeepPolicy = Literal["none", "winners", "all"]


class RateSampler(Protocol):
    """Source of learning rates for an axis that is a range."""

    damage: list[str]  # damaged files found so far, one line each

    def get_rate(self, stratum: Stratum, index: int) -> float:
        """Return the rate of draw `index` of a stratum, the same at every call."""

    def tell(self, stratum: Stratum, index: int, outcome: Outcome) -> None:
        """Record the outcome of a draw."""


class StoppingPolicy(Protocol):
    """Early stopping, as the board uses it. Strata and stages are known by id and key."""

    damage: list[str]  # damaged files found so far, one line each

    def rungs_of(self, stratum: str) -> Sequence[int]:
        """Return the tenths after which a stage of the stratum must ask for a verdict."""

    def set_competitors(self, stratum: str, keys: Collection[str]) -> None:
        """Set the stages that are known so far as arms of a stratum."""

    def verdict_of(self, stratum: str, key: str) -> Verdict:
        """Return the verdict on a stage."""

    def curve_of(self, key: str) -> Sequence[float]:
        """Return a stage's English dev scores by tenth, up to the rung that stops it."""

    def record_end(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Record a stage that ended by itself, in this sweep or in another one."""

    def record_earlier_stop(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Record an outcome on disk that calls a stage stopped."""


class SeedRace(Protocol):
    """A race over seeds, as the board uses it."""

    @property
    def decisions(self) -> dict[str, dict[str, object]]:
        """The chains that get no further seeds, in the form of `sweep.json`."""

    def can_start(self, stratum: Stratum) -> bool:
        """Return True if the stratum may start now."""

    def is_decided(self, stratum: Stratum) -> bool:
        """Return True if the stratum will never start."""

    def record_score(self, stratum: Stratum, score: float | None) -> bool:
        """Record the score of a stratum's winner; returns True if other strata may start now, or never will."""
