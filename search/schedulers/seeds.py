"""The seeds that a race gives to chains on the board (`--scheduler racing`)."""

import math
from collections.abc import Iterable, Sequence

from search.schedulers.race import MIN_SEEDS, judge_race
from spaces.ceilings import is_ceiling
from spaces.chain import is_baseline, members_of, phase_of
from spaces.plan import Stratum


class RaceSeeds:
    """The race of a plan, and the English dev scores that it is judged by; race.py has the rule."""

    def __init__(self, plan: Iterable[Stratum]) -> None:
        plan = [stratum for stratum in plan if not is_ceiling(stratum.intermediate)]  # these do not compete
        scored = [stratum for stratum in plan if stratum.kind == "target"]
        runners = scored or [stratum for stratum in plan if stratum.kind == "retrieval"]  # then there is no race
        self._chains = list(dict.fromkeys(stratum.intermediate for stratum in runners))
        self._targets = list(dict.fromkeys(stratum.task for stratum in scored))
        self._seeds: Sequence[int] = sorted({stratum.seed for stratum in plan if stratum.kind != "pretrain"})
        self._scores: dict[tuple[str, str, int], float] = {}
        self._update_standing()

    def _update_standing(self) -> None:
        baselines = list(filter(is_baseline, self._chains))
        self.standing = judge_race(self._scores, self._chains, self._targets, self._seeds, exempt=baselines)
        undecided = [chain for chain in self._chains if chain not in self.standing.decided]
        seeds = self._seeds[: max(MIN_SEEDS, self.standing.complete_seeds + 1)]
        # Until all of these are known the standing cannot change: an update at every score would take minutes in a
        # large plan.
        self._awaited = {
            (chain, target, seed) for chain in undecided for target in self._targets for seed in seeds
        } - self._scores.keys()

    @property
    def decisions(self) -> dict[str, dict[str, object]]:
        """The chains that get no further seeds, in the form of `sweep.json`."""
        return self.standing.decisions

    def record_score(self, stratum: Stratum, score: float | None) -> bool:
        """Record the score of a stratum's winner (None: no arm finished); returns True if the standing changed."""
        if stratum.kind != "target" or is_ceiling(stratum.intermediate):
            return False
        cell, value = (stratum.intermediate, stratum.task, stratum.seed), math.nan if score is None else score
        is_last_awaited, known = self._awaited == {cell}, self._scores.get(cell, value)
        has_changed = known != value and not (math.isnan(known) and math.isnan(value))
        self._scores[cell] = value
        self._awaited.discard(cell)
        if not is_last_awaited and not has_changed:
            return False
        before = self.standing
        self._update_standing()
        return self.standing != before

    def can_start(self, stratum: Stratum) -> bool:
        """Return True if the stratum may start now. A phase may if any chain that goes through it may."""
        if is_ceiling(stratum.intermediate):  # as the baseline, it gets all seeds
            return True
        chains = self._chains_through(stratum)
        return stratum.kind == "pretrain" or any(stratum.seed in self.standing.seeds_of(chain) for chain in chains)

    def is_decided(self, stratum: Stratum) -> bool:
        """Return True if the stratum will never start, since its chains were decided before its seed."""
        decided = self.standing.decided
        return not self.can_start(stratum) and all(chain in decided for chain in self._chains_through(stratum))

    def _chains_through(self, stratum: Stratum) -> Sequence[str]:
        if stratum.kind != "intermediate":
            return [stratum.intermediate]
        phases = ((chain, phase_of(chain)) for chain in self._chains)
        return [chain for chain, phase in phases if stratum.task in (phase, *members_of(phase))]
