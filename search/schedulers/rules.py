"""Rules of early stopping, which decide within a stratum on English dev and keep no state."""

from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Protocol

from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from search.schedulers.rungs import RungEntry
from spaces.halving import RUNGS, Verdict, judge
from spaces.stage import TENTHS


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


class AshaRule:
    """ASHA (Li et al. 2020) as Ray implements it, one per stratum: an arm that is too far behind is stopped at once.

    The scores are replayed in the order of arrival, with the keys of stages as trial ids. The first arm that reaches a
    rung always goes on, so the stopped arms depend on that order.
    """

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
