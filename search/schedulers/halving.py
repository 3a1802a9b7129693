"""Halving as a rule of early stopping: what `spaces/halving.py` is asked about."""

from collections.abc import Collection, Mapping, Sequence

from search.schedulers.rungs import RungEntry
from spaces.halving import RUNGS, Verdict, judge


class HalvingRule:
    """The order of the entries makes no difference."""

    rungs = RUNGS
    is_order_dependent = False

    def decide(self, entries: Sequence[RungEntry], arms: int, left: Collection[str]) -> Mapping[str, Verdict]:
        """See `spaces.halving.judge`."""
        curves: dict[str, list[float]] = {}
        for key, _, score in entries:
            curves.setdefault(key, []).append(score)
        return judge(curves, arms, left)
