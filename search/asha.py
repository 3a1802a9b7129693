"""ASHA (Li et al. 2020) as Ray has it, one per stratum: an arm is stopped at once if too many were better before it.

The first arm that reaches a rung always goes on, so what is stopped depends on the order in which arms come.
"""

from types import SimpleNamespace
from typing import Any

from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from search.rule import Verdict
from spaces.stage import TENTHS


class AshaRule:
    """Hands each score to the ASHA of its stratum, which knows stages by their keys."""

    rungs = (3, 6)

    def __init__(self) -> None:
        self.stopped: set[str] = set()
        self._ashas: dict[str, Any] = {}

    def _asha(self, stratum: str) -> Any:
        if stratum not in self._ashas:
            self._ashas[stratum] = AsyncHyperBandScheduler(
                time_attr="tenth",
                metric="dev",
                mode="max",
                max_t=TENTHS,
                grace_period=self.rungs[0],
                reduction_factor=self.rungs[1] / self.rungs[0],
            )
        return self._ashas[stratum]

    def enter(self, stratum: str, key: str, tenth: int, score: float) -> None:
        """Let the stratum's ASHA judge the score."""
        asha, who = self._asha(stratum), SimpleNamespace(trial_id=key)
        if key not in asha._trial_info:
            asha.on_trial_add(None, who)
        if asha.on_trial_result(None, who, {"tenth": tenth, "dev": score}) == TrialScheduler.STOP:
            self.stopped.add(key)

    def leave(self, stratum: str, key: str) -> None:
        """What finished elsewhere stands in the rungs and is not stopped."""
        self.stopped.discard(key)

    def stopped_before(self, stratum: str, key: str) -> None:
        """Believe it: the order that decided is lost."""
        self.stopped.add(key)

    def verdict(self, stratum: str, key: str) -> Verdict:
        """Stop or go; nobody waits."""
        return Verdict.STOP if key in self.stopped else Verdict.GO
