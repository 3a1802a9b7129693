"""Early stopping on English dev, as Tune and the board see it: a rule, and the scores that it is applied to.

Only like competes with like: arms of one stratum have the same task, parent and seed. Judging all stages together would
judge a task by another task's scale.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from search.schedulers.asha import AshaRule
from search.schedulers.halving import HalvingRule
from search.schedulers.rule import StoppingRule
from search.schedulers.rungs import RungScores
from spaces.halving import Verdict

RULES: Mapping[str, StoppingRule] = {"halving": HalvingRule(), "racing": HalvingRule(), "asha": AshaRule()}


class EarlyStopping(FIFOScheduler):
    """A Tune scheduler over a rule.

    To Tune a stage that waits is one that stops: its trial ends and its slot is free. The board hands it out again.

    Rungs are kept by stratum. A stratum's arms are other stages when its parent is another one (a rate was added to the
    phase, say), so what counts are the scores of those that `compete` now.
    """

    def __init__(self, rung_scores: RungScores, rule: StoppingRule, arm_counts: Mapping[str, int]) -> None:
        """`arms` of each stratum that has more than one, by its id."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.rung_scores, self.rule, self.arm_counts = rung_scores, rule, arm_counts
        self._competitors: dict[str, Collection[str]] = {}
        self._ended: set[str] = set()
        self._trusted_stops: set[str] = set()
        self._verdicts: dict[str, Mapping[str, Verdict]] = {}  # by stratum, until something new is known

    @property
    def damage(self) -> list[str]:
        """What was found to be damaged: one line each."""
        return self.rung_scores.damage

    def rungs_of(self, stratum: str) -> tuple[int, ...]:
        """The tenths after which a stage of the stratum must ask whether to go on."""
        return self.rule.rungs if stratum in self.arm_counts else ()

    def set_competitors(self, stratum: str, keys: Collection[str]) -> None:
        """Take note of the stages that are a stratum's arms, as far as they are known."""
        self._competitors[stratum] = frozenset(keys)
        self._verdicts.pop(stratum, None)

    def verdict_of(self, stratum: str, key: str) -> Verdict:
        """What is to become of a stage; what ended by itself is judged no more."""
        if stratum not in self.arm_counts or key in self._ended:
            return Verdict.GO
        if key in self._trusted_stops:
            return Verdict.STOP
        if stratum not in self._verdicts:
            competing = self._competitors.get(stratum, ())
            entries = [entry for entry in self.rung_scores.entries.get(stratum, ()) if entry[0] in competing]
            left = self._ended.intersection(competing)
            self._verdicts[stratum] = self.rule.decide(entries, self.arm_counts[stratum], left)
        return self._verdicts[stratum].get(key, Verdict.GO)

    def curve_of(self, key: str) -> Sequence[float]:
        """English dev by tenth, as far as it counts: what a stage trained beyond the rung that stops it does not."""
        return self.rung_scores.curves.get(key, ())

    def report(self, stratum: str, key: str, curve: Sequence[float]) -> Verdict:
        """Take note of a stage's curve and judge it. However often a tenth is reported, it counts once."""
        if stratum in self.arm_counts:
            self._add_scores(stratum, key, curve, judged=True)
        return self.verdict_of(stratum, key)

    def _add_scores(self, stratum: str, key: str, curve: Sequence[float], *, judged: bool) -> None:
        """Enter what is new of a curve; where it is judged only as far as the verdict is to go on."""
        before = self.rung_scores.count_tenths(key)
        for score in curve[before : self.rule.rungs[-1]]:
            if judged and self.verdict_of(stratum, key) is not Verdict.GO:
                break
            self.rung_scores.add(stratum, key, score)
            self._verdicts.pop(stratum, None)
        if before < self.rung_scores.count_tenths(key) >= self.rule.rungs[0]:  # before that nothing is decided
            self.rung_scores.write(stratum)

    def record_end(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Take note of a stage that ended by itself, in this sweep or in another one."""
        if stratum in self.arm_counts:
            self._add_scores(stratum, key, curve, judged=False)
            self._ended.add(key)
            self._verdicts.pop(stratum, None)

    def record_earlier_stop(self, stratum: str, key: str, curve: Sequence[float]) -> None:
        """Take note of an outcome that says that a stage was stopped: here or in another sweep that shares it.

        Where the stratum's rungs were damaged it is this sweep that stopped it, as far as can be told. It is believed
        where the rule cannot decide the same again.
        """
        if stratum in self.rung_scores.damaged_strata:
            self._add_scores(stratum, key, curve, judged=False)
            if self.rule.is_order_dependent:
                self._trusted_stops.add(key)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Tune's question after every report."""
        verdict = self.report(trial.config["stratum"], trial.config["key"], result["curve"])
        return str(TrialScheduler.CONTINUE if verdict is Verdict.GO else TrialScheduler.STOP)

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Metric and mode are ours."""
        return True

    def debug_string(self) -> str:
        """One line for Tune's log."""
        return f"early stopping: {len(self.rung_scores.entries)} strata"
