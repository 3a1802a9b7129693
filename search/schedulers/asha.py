"""ASHA (Li et al. 2020) as Ray has it, one per stratum: an arm is stopped at once if too many were better before it.

The first arm that reaches a rung always goes on, so what is stopped depends on the order in which arms come.
"""

from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from search.schedulers.rungs import RungEntry
from spaces.halving import Verdict
from spaces.stage import TENTHS


class AshaRule:
    """Tells Ray's ASHA what came in, in that order. It knows stages by their keys."""

    rungs = (3, 6)
    is_order_dependent = True

    def decide(self, entries: Sequence[RungEntry], arms: int, left: Collection[str]) -> Mapping[str, Verdict]:
        """Stop or go; nobody waits."""
        asha: Any = AsyncHyperBandScheduler(
            time_attr="tenth",
            metric="dev",
            mode="max",
            max_t=TENTHS,
            grace_period=self.rungs[0],
            reduction_factor=self.rungs[1] / self.rungs[0],
        )
        found: dict[str, Verdict] = {}
        for key, tenth, score in entries:
            who = SimpleNamespace(trial_id=key)
            if key not in found:
                asha.on_trial_add(None, who)
                found[key] = Verdict.GO
            if asha.on_trial_result(None, who, {"tenth": tenth, "dev": score}) == TrialScheduler.STOP:
                found[key] = Verdict.STOP
        return found
