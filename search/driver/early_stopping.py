"""Early stopping on English dev, as Tune and the board see it: a rule, applied to the scores of each stratum.

Only arms of one stratum compete, which have the same task, parent and seed: scores of different tasks are on different
scales.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from search.schedulers.rules import AshaRule, HalvingRule, StoppingRule
from search.schedulers.rungs import RungScores
from spaces.halving import Verdict

RULES: Mapping[str, StoppingRule] = {"halving": HalvingRule(), "racing": HalvingRule(), "asha": AshaRule()}


class EarlyStopping(FIFOScheduler):
    """Tune scheduler that applies a rule of early stopping. It is the board's stopping policy as well.

    For Tune a stage that waits at a rung stops: its trial ends and its slot is free. The board hands it out again.

    Scores are kept by stratum. If the parent of a stratum changes (for example since a rate was added to the phase),
    its arms are other stages, so only scores of the present competitors count.
    """

    def __init__(self, rung_scores: RungScores, rule: StoppingRule, arm_counts: Mapping[str, int]) -> None:
        """`arm_counts` has the number of arms of each stratum with more than one, by id."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.rung_scores, self.rule, self.arm_counts = rung_scores, rule, arm_counts
        self.damage = rung_scores.damage
        self._competitors: dict[str, Collection[str]] = {}
        self._ended: set[str] = set()
        self._trusted_stops: set[str] = set()
        self._verdicts: dict[str, Mapping[str, Verdict]] = {}  # by stratum, until a new score or end is recorded

    def rungs_of(self, stratum: str) -> tuple[int, ...]:
        """Return the tenths after which a stage of the stratum must ask for a verdict."""
        return self.rule.rungs if stratum in self.arm_counts else ()

    def set_competitors(self, stratum: str, keys: Collection[str]) -> None:
        """Set the stages that are known so far as arms of a stratum."""
        self._competitors[stratum] = frozenset(keys)
        self._verdicts.pop(stratum, None)

    def verdict_of(self, stratum: str, key: str) -> Verdict:
        """Return the verdict on a stage. A stage that ended by itself is no longer judged."""
        if stratum not in self.arm_counts or key in self._ended:
            return Verdict.GO
        if key in self._trusted_stops:
            return Verdict.STOP
        if stratum not in self._verdicts:
            competitors = self._competitors.get(stratum, ())
            entries = [entry for entry in self.rung_scores.entries.get(stratum, ()) if entry.key in competitors]
            left = self._ended.intersection(competitors)
            self._verdicts[stratum] = self.rule.decide(entries, self.arm_counts[stratum], left)
        return self._verdicts[stratum].get(key, Verdict.GO)

    def curve_of(self, key: str) -> Sequence[float]:
        """Return a stage's English dev scores by tenth. Tenths beyond the rung that stops it are left out."""
        return self.rung_scores.curves.get(key, ())

    def report(self, stratum: str, key: str, curve: Sequence[float]) -> Verdict:
        """Record a stage's curve and return the verdict. A tenth counts once, however often it is reported."""
        if stratum in self.arm_counts:
            self._add_scores(stratum, key, curve, judged=True)
        return self.verdict_of(stratum, key)

    def _add_scores(self, stratum: str, key: str, curve: Sequence[float], *, judged: bool) -> None:
        """Add the new scores of a curve; if it is judged, only as long as the verdict is GO."""
        known = self.rung_scores.count_tenths(key)
        for score in curve[known : self.rule.rungs[-1]]:
            if judged and self.verdict_of(stratum, key) is not Verdict.GO:
                break
            self.rung_scores.add(stratum, key, score)
            self._verdicts.pop(stratum, None)
        if known < self.rung_scores.count_tenths(key) >= self.rule.rungs[0]:  # nothing is decided before the first rung
            self.rung_scores.write(stratum)

    def record_end(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Record a stage that ended by itself, in this sweep or in another one."""
        if stratum in self.arm_counts:
            self._add_scores(stratum, key, curve, judged=False)
            self._ended.add(key)
            self._verdicts.pop(stratum, None)

    def record_earlier_stop(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Record an outcome on disk that calls a stage stopped, by this sweep or by another one that shares it.

        If the stratum's file was damaged, this sweep probably stopped the stage, so its scores are restored. The stop
        itself is trusted if the rule depends on the order of arrival and cannot repeat its decision.
        """
        if stratum in self.rung_scores.damaged_strata:
            self._add_scores(stratum, key, curve, judged=False)
            if self.rule.is_order_dependent:
                self._trusted_stops.add(key)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Answer Tune after each result."""
        verdict = self.report(trial.config["stratum"], trial.config["key"], result["curve"])
        return str(TrialScheduler.CONTINUE if verdict is Verdict.GO else TrialScheduler.STOP)
