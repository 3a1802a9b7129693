"""What a choice by one number costs in another: taken by the first, against the best, a blind choice, and the order."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from analysis.statistics.moments import EPSILON, Array
from analysis.statistics.ranks import ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One choice between two or more options. `seen` and `worth` have a number per option, higher is better.

    The choice sees `seen` only. The oracle, the best by `worth`, is known afterwards and can be no method: where
    scores are noisy it is partly luck, so that what is lost to it is an upper bound.
    """

    target: str
    seed: int
    within: str = ""  # what the options have in common, where it is not said by target and seed
    options: tuple[str, ...]  # of equals in `seen`, the first is taken
    seen: Array
    worth: Array

    def __post_init__(self) -> None:
        if len(self.options) < 2 or not len(self.options) == len(self.seen) == len(self.worth):
            raise ValueError(f"a decision is between at least two options with a number each, got {self.options}.")
        if not (np.isfinite(self.seen).all() and np.isfinite(self.worth).all()):
            raise ValueError(f"a decision needs every number: {self.target}, seed {self.seed}.")

    @property
    def taken(self) -> int:
        """The place of the option that is taken."""
        return int(np.argmax(self.seen))

    @property
    def oracle(self) -> int:
        """The place of the best option: what is taken if it is one of the best."""
        return self.taken if self.worth[self.taken] >= self.worth.max() - EPSILON else int(np.argmax(self.worth))

    @property
    def lost(self) -> float:
        """What the oracle would have gained over what is taken; 0 or more."""
        return float(self.worth.max() - self.worth[self.taken])

    @property
    def lost_blind(self) -> float:
        """What the oracle would have gained over an option drawn blindly, on average."""
        return float((self.worth.max() - self.worth).mean())

    @property
    def correlation(self) -> float | None:
        """Spearman's rank correlation of both numbers; None where one of them is the same for every option."""
        return spearman(self.seen, self.worth)


LOST = attrgetter("lost")
BLIND = attrgetter("lost_blind")
ORDER = attrgetter("correlation")


@dataclass(frozen=True, slots=True)
class Regret:
    """One or more decisions together."""

    decisions: tuple[Decision, ...]

    def __post_init__(self) -> None:
        if not self.decisions:
            raise ValueError("a regret is of one decision at least.")

    @property
    def right(self) -> int:
        """In how many of them one of the best options was taken."""
        return sum(one.lost <= EPSILON for one in self.decisions)

    @property
    def worst(self) -> Decision:
        """The one that lost most."""
        return max(self.decisions, key=lambda one: one.lost)

    def by_seed(self, value: Callable[[Decision], float | None]) -> tuple[float, ...]:
        """Mean of a value over the decisions of each seed that have one; a seed without is left out."""
        return self._by(lambda one: one.seed, value)

    def by_target(self, value: Callable[[Decision], float | None]) -> tuple[float, ...]:
        """Mean of a value over the decisions of each target that have one; a target without is left out."""
        return self._by(lambda one: one.target, value)

    def _by(self, key: Callable[[Decision], Hashable], value: Callable[[Decision], float | None]) -> tuple[float, ...]:
        groups: dict[Hashable, list[float]] = {}
        for one in self.decisions:
            if (number := value(one)) is not None:
                groups.setdefault(key(one), []).append(number)
        return tuple(float(np.mean(group)) for group in groups.values())


def together(decisions: Iterable[Decision], everything: str) -> dict[str, Regret]:
    """The decisions of each target by its name, and all of them as `everything`; empty if there are none."""
    groups: dict[str, list[Decision]] = {}
    every = list(decisions)
    for one in every:
        groups.setdefault(one.target, []).append(one)
    return {name: Regret(tuple(group)) for name, group in (*groups.items(), (everything, every)) if group}


def spearman(first: Array, second: Array) -> float | None:
    """Pearson's correlation of the ranks, equals sharing their mean rank; None where all of one side are equal."""
    placed = ranks(np.stack([first, second]))
    centred = placed - placed.mean(axis=1, keepdims=True)
    lengths = np.sqrt((centred**2).sum(axis=1))
    return None if (lengths < EPSILON).any() else float(np.clip(centred[0] @ centred[1] / lengths.prod(), -1, 1))
