"""Rules of early stopping, which decide within a stratum on English dev and keep no state; and the rule of halving."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from search.schedulers.rungs import RungEntry
from spaces.halving import RUNGS, Verdict, judge


class StoppingRule(Protocol):
    """A rule of early stopping."""

    @property
    def rungs(self) -> tuple[int, ...]:
        """The tenths after which the rule decides, ascending."""

    @property
    def is_order_dependent(self) -> bool:
        """True if the order in which scores arrive matters: then lost decisions cannot be made again."""

    def decide(self, entries: Sequence[RungEntry], arms: int, left: Collection[str]) -> Mapping[str, Verdict]:
        """Return the verdicts on the stages of a stratum of `arms` arms, by key.

        `entries` are their scores in the order of arrival. Nobody waits for stages that ended by themselves (`left`).
        """


class HalvingRule:
    """Successive halving, as `spaces.halving.judge` has it. The order of the entries makes no difference."""

    rungs = RUNGS
    is_order_dependent = False

    def decide(self, entries: Sequence[RungEntry], arms: int, left: Collection[str]) -> Mapping[str, Verdict]:
        """Return the verdicts of `spaces.halving.judge`."""
        curves: dict[str, list[float]] = {}
        for entry in entries:
            curves.setdefault(entry.key, []).append(entry.score)
        return judge(curves, arms, left)
