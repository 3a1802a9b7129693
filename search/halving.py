"""Halving as a rule of early stopping: what `spaces/halving.py` is asked about."""

from collections.abc import Mapping

from spaces.halving import RUNGS, Verdict, judge


class HalvingRule:
    """Keeps the curves of every stratum, and who left."""

    rungs = RUNGS

    def __init__(self, arms: Mapping[str, int]) -> None:
        """`arms` of each stratum that competes, by its id."""
        self.arms = arms
        self._curves: dict[str, dict[str, list[float]]] = {}
        self._left: dict[str, set[str]] = {}
        self._verdicts: dict[str, dict[str, Verdict]] = {}

    def enter(self, stratum: str, key: str, tenth: int, score: float) -> None:
        """Take note of a stage's next score."""
        self._curves.setdefault(stratum, {}).setdefault(key, []).append(score)
        self._verdicts.pop(stratum, None)

    def leave(self, stratum: str, key: str) -> None:
        """Nobody waits for this stage any more."""
        self._left.setdefault(stratum, set()).add(key)
        self._verdicts.pop(stratum, None)

    def stopped_before(self, stratum: str, key: str) -> None:
        """Nothing to believe: when the others' scores are there again, the same is decided again."""

    def verdict(self, stratum: str, key: str) -> Verdict:
        """What is to become of a stage; what left by itself is judged no more."""
        left = self._left.get(stratum, set())
        if key in left:
            return Verdict.GO
        if stratum not in self._verdicts:
            self._verdicts[stratum] = judge(self._curves.get(stratum, {}), self.arms[stratum], left)
        return self._verdicts[stratum].get(key, Verdict.GO)
