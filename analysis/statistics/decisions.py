"""Loss of choosing by one quantity where another one counts: against the best choice and against a random one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from analysis.statistics.moments import EPSILON, Array
from analysis.statistics.ranks import rank_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One choice between two or more alternatives.

    `criterion` and `utility` have one number per alternative, higher is better. The choice uses `criterion` only. The
    oracle, the best by `utility`, is known afterwards and is no method. Where scores are noisy it is partly luck, so
    that the regret is an upper bound.
    """

    target: str
    seed: int
    group: str = ""  # what the alternatives share beyond target and seed
    alternatives: tuple[str, ...]  # of equals by `criterion`, the first is chosen
    criterion: Array
    utility: Array

    def __post_init__(self) -> None:
        if len(self.alternatives) < 2 or not len(self.alternatives) == len(self.criterion) == len(self.utility):
            raise ValueError(
                f"A decision needs two or more alternatives, each with both numbers, got {self.alternatives}."
            )
        if not (np.isfinite(self.criterion).all() and np.isfinite(self.utility).all()):
            raise ValueError(f"A decision needs finite numbers, got others for {self.target}, seed {self.seed}.")

    @property
    def chosen_index(self) -> int:
        """The index of the chosen alternative."""
        return int(np.argmax(self.criterion))

    @property
    def oracle_index(self) -> int:
        """The index of the best alternative; the chosen one if it is among the best."""
        chosen = self.chosen_index
        return chosen if self.utility[chosen] >= self.utility.max() - EPSILON else int(np.argmax(self.utility))

    @property
    def regret(self) -> float:
        """The oracle's utility minus that of the chosen alternative; 0 or more."""
        return float(self.utility.max() - self.utility[self.chosen_index])

    @property
    def random_regret(self) -> float:
        """The mean regret of an alternative drawn at random."""
        return float((self.utility.max() - self.utility).mean())

    @property
    def correlation(self) -> float | None:
        """Spearman's correlation of criterion and utility; None where one of them is equal for all alternatives."""
        return spearman(self.criterion, self.utility)


DecisionValue = Callable[[Decision], float | None]
REGRET = attrgetter("regret")
RANDOM_REGRET = attrgetter("random_regret")
RANK_CORRELATION = attrgetter("correlation")


@dataclass(frozen=True, slots=True)
class DecisionSet:
    """One or more decisions together."""

    decisions: tuple[Decision, ...]

    def __post_init__(self) -> None:
        if not self.decisions:
            raise ValueError("A set of decisions needs at least one decision.")

    @property
    def correct_count(self) -> int:
        """The number of decisions in which one of the best alternatives was chosen."""
        return sum(decision.regret <= EPSILON for decision in self.decisions)

    @property
    def worst_decision(self) -> Decision:
        """The decision with the largest regret."""
        return max(self.decisions, key=REGRET)

    def average_by_seed(self, value: DecisionValue) -> tuple[float, ...]:
        """Return the mean of a value over each seed's decisions that have one; a seed without any is excluded."""
        return self._average_by("seed", value)

    def average_by_target(self, value: DecisionValue) -> tuple[float, ...]:
        """Return the mean of a value over each target's decisions that have one; a target without any is excluded."""
        return self._average_by("target", value)

    def _average_by(self, unit: str, value: DecisionValue) -> tuple[float, ...]:
        groups: dict[str | int, list[float]] = {}
        for decision in self.decisions:
            if (number := value(decision)) is not None:
                groups.setdefault(getattr(decision, unit), []).append(number)
        return tuple(float(np.mean(group)) for group in groups.values())


def group_by_target(decisions: Iterable[Decision], all_name: str) -> dict[str, DecisionSet]:
    """Return the decisions of each target by its name, and all of them as `all_name`; empty if there are none."""
    groups: dict[str, list[Decision]] = {}
    every = list(decisions)
    for decision in every:
        groups.setdefault(decision.target, []).append(decision)
    return {name: DecisionSet(tuple(group)) for name, group in (*groups.items(), (all_name, every)) if group}


def spearman(first: Array, second: Array) -> float | None:
    """Return Spearman's rank correlation, with mean ranks for equals; None where one side is all equal."""
    ranks = rank_values(np.stack([first, second]))
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    lengths = np.sqrt((centred**2).sum(axis=1))
    return None if (lengths < EPSILON).any() else float(np.clip(centred[0] @ centred[1] / lengths.prod(), -1, 1))
