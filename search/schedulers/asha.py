"""ASHA (Li et al. 2020) as Ray implements it, one per stratum: an arm that is too far behind is stopped at once.

The first arm that reaches a rung always goes on, so the stopped arms depend on the order of arrival.
"""

from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from search.schedulers.rungs import RungEntry
from spaces.halving import Verdict
from spaces.stage import TENTHS


class AshaRule:
    """Replays the scores to Ray's ASHA in the order of arrival, with the keys of stages as trial ids."""

    rungs = (3, 6)
    is_order_dependent = True

    def decide(self, entries: Sequence[RungEntry], arms: int, left: Collection[str]) -> Mapping[str, Verdict]:
        """Return STOP or GO for each stage with a score; no stage waits."""
        asha: Any = AsyncHyperBandScheduler(
            time_attr="tenth",
            metric="dev",
            mode="max",
            max_t=TENTHS,
            grace_period=self.rungs[0],
            reduction_factor=self.rungs[1] / self.rungs[0],
        )
        verdicts: dict[str, Verdict] = {}
        for key, tenth, score in entries:
            trial = SimpleNamespace(trial_id=key)
            if key not in verdicts:
                asha.on_trial_add(None, trial)
                verdicts[key] = Verdict.GO
            if asha.on_trial_result(None, trial, {"tenth": tenth, "dev": score}) == TrialScheduler.STOP:
                verdicts[key] = Verdict.STOP
        return verdicts
