"""What a choice by one number costs in another: taken by the first, against the best, a blind choice, and the order."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from analysis.statistics.moments import EPSILON, Array
from analysis.statistics.ranks import rank_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One choice between two or more options. `seen` and `worth` have a number per option, higher is better.

    The choice sees `seen` only. The oracle, the best by `worth`, is known afterwards and can be no method: where
    scores are noisy it is partly luck, so that what is lost to it is an upper bound.
    """

    target: str
    seed: int
    group: str = ""  # what the options have in common, where it is not said by target and seed
    alternatives: tuple[str, ...]  # of equals in `seen`, the first is taken
    criterion: Array
    utility: Array

    def __post_init__(self) -> None:
        if len(self.alternatives) < 2 or not len(self.alternatives) == len(self.criterion) == len(self.utility):
            raise ValueError(f"a decision is between at least two options with a number each, got {self.alternatives}.")
        if not (np.isfinite(self.criterion).all() and np.isfinite(self.utility).all()):
            raise ValueError(f"a decision needs every number: {self.target}, seed {self.seed}.")

    @property
    def chosen_index(self) -> int:
        """The place of the option that is taken."""
        return int(np.argmax(self.criterion))

    @property
    def oracle_index(self) -> int:
        """The place of the best option: what is taken if it is one of the best."""
        return (
            self.chosen_index
            if self.utility[self.chosen_index] >= self.utility.max() - EPSILON
            else int(np.argmax(self.utility))
        )

    @property
    def regret(self) -> float:
        """What the oracle would have gained over what is taken; 0 or more."""
        return float(self.utility.max() - self.utility[self.chosen_index])

    @property
    def random_regret(self) -> float:
        """What the oracle would have gained over an option drawn blindly, on average."""
        return float((self.utility.max() - self.utility).mean())

    @property
    def correlation(self) -> float | None:
        """Spearman's rank correlation of both numbers; None where one of them is the same for every option."""
        return spearman(self.criterion, self.utility)


REGRET = attrgetter("regret")
RANDOM_REGRET = attrgetter("random_regret")
RANK_CORRELATION = attrgetter("correlation")


@dataclass(frozen=True, slots=True)
class DecisionSet:
    """One or more decisions together."""

    decisions: tuple[Decision, ...]

    def __post_init__(self) -> None:
        if not self.decisions:
            raise ValueError("a regret is of one decision at least.")

    @property
    def correct_count(self) -> int:
        """In how many of them one of the best options was taken."""
        return sum(one.regret <= EPSILON for one in self.decisions)

    @property
    def worst_decision(self) -> Decision:
        """The one that lost most."""
        return max(self.decisions, key=lambda one: one.regret)

    def average_by_seed(self, value: Callable[[Decision], float | None]) -> tuple[float, ...]:
        """Mean of a value over the decisions of each seed that have one; a seed without is left out."""
        return self._average_by(lambda one: one.seed, value)

    def average_by_target(self, value: Callable[[Decision], float | None]) -> tuple[float, ...]:
        """Mean of a value over the decisions of each target that have one; a target without is left out."""
        return self._average_by(lambda one: one.target, value)

    def _average_by(
        self, key: Callable[[Decision], Hashable], value: Callable[[Decision], float | None]
    ) -> tuple[float, ...]:
        groups: dict[Hashable, list[float]] = {}
        for one in self.decisions:
            if (number := value(one)) is not None:
                groups.setdefault(key(one), []).append(number)
        return tuple(float(np.mean(group)) for group in groups.values())


def group_by_target(decisions: Iterable[Decision], everything: str) -> dict[str, DecisionSet]:
    """The decisions of each target by its name, and all of them as `everything`; empty if there are none."""
    groups: dict[str, list[Decision]] = {}
    every = list(decisions)
    for one in every:
        groups.setdefault(one.target, []).append(one)
    return {name: DecisionSet(tuple(group)) for name, group in (*groups.items(), (everything, every)) if group}


def spearman(first: Array, second: Array) -> float | None:
    """Pearson's correlation of the ranks, equals sharing their mean rank; None where all of one side are equal."""
    placed = rank_values(np.stack([first, second]))
    centred = placed - placed.mean(axis=1, keepdims=True)
    lengths = np.sqrt((centred**2).sum(axis=1))
    return None if (lengths < EPSILON).any() else float(np.clip(centred[0] @ centred[1] / lengths.prod(), -1, 1))
