"""The intermediate tasks against each other, by a mean over targets: who leads, and who cannot be told apart."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.statistics.draws import best, quantiles
from analysis.statistics.groups import groups, letters
from analysis.statistics.interval import FEWEST
from analysis.statistics.moments import Array, moments
from analysis.statistics.ranks import RankTest, mean_ranks, rank_test
from analysis.statistics.winner import Winner, winner
from analysis.transfer.array import Transfer
from analysis.transfer.columns import Column, points
from analysis.transfer.drawing import Drawing

RANKED = 2000  # draws that are ranked: enough for the ends of an interval, and quick with many tasks and targets


@dataclass(frozen=True, slots=True)
class Rank:
    """The mean over targets of the place among all intermediates (1 is best), with its interval over seeds."""

    mean: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Honest:
    """The winner's gain where it was chosen, and where it was not: on the seed left out of the choice."""

    name: str
    naive: float
    honest: float
    folds: tuple[tuple[int, str, float], ...]  # seed left out, who was chosen without it, gain there
    left_out: tuple[str, ...]  # no candidates, since they lack a seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The order of the intermediates by one mean over targets, best first, and how sure it is.

    A control is in the order, and no candidate for the winner. So is a chain that a race decided early: English dev has
    compared it with the others already, on fewer seeds than they have now, so it is in no group either.
    """

    column: Column
    candidates: tuple[str, ...]
    decided: tuple[str, ...]  # early by a race; in their order
    order: tuple[str, ...]  # those that have a mean
    best: Mapping[str, float]  # candidate -> P(best); empty with too few seeds
    ranks: Mapping[str, Rank]
    groups: tuple[frozenset[str], ...]  # sets of which no two can be told apart; none with too few seeds
    letters: Mapping[str, str]  # the groups of each, `a` for the first
    honest: Honest | None
    test: RankTest

    @property
    def ahead(self) -> tuple[str, ...]:
        """Those that a race decided early and that stand before the leader all the same."""
        place = self.order.index(self.leader) if self.leader else len(self.order)
        return tuple(name for name in self.decided if self.order.index(name) < place)

    @property
    def leader(self) -> str | None:
        """The candidate with the best mean; where any have seeds enough for an interval, among these."""
        known = self.best or self.candidates
        return next((name for name in self.order if name in known), None)

    def rivals(self, name: str) -> tuple[str, ...]:
        """Who cannot be told apart from one."""
        near = frozenset().union(*(group for group in self.groups if name in group))
        return tuple(each for each in self.order if each != name and each in near)


def contest(found: Transfer, column: Column, drawing: Drawing) -> Contest:
    """Compare the intermediates by `column`, a mean over whole targets."""
    names = found.intermediates
    values = points(found, column, found.gains).values  # intermediates x seeds
    spread = moments(values)
    known = {name: float(mean) for name, mean in zip(names, spread.mean, strict=True) if np.isfinite(mean)}
    order = tuple(sorted(known, key=lambda name: (-known[name], name)))
    judged = spread.count >= FEWEST
    raced = np.array([name not in found.withheld for name in names], np.bool_)  # to the end
    candidate = np.array([name not in found.read.controls for name in names], np.bool_) & raced
    rivals = np.where((judged & candidate)[:, None], values, np.nan)
    chance = best(drawing.draws(rivals[:, None], [column])[:, :, 0])
    known_well = np.where((judged & raced)[:, None], values, np.nan)
    sets = groups(known_well, items=drawing.covariance(column)) if judged.sum() > 1 else ()
    marks = letters(sets, len(names))
    single = [Column(name=target, targets=(target,)) for target in column.targets]
    gains = np.stack([points(found, each, found.gains).values for each in single], axis=1)
    rows = [names.index(name) for name in order]
    few = dataclasses.replace(drawing, count=min(drawing.count, RANKED))
    return Contest(
        column=column,
        candidates=tuple(name for name, each in zip(names, candidate, strict=True) if each),
        decided=tuple(name for name in order if name in found.withheld),
        order=order,
        best={name: float(each) for name, each in zip(names, chance, strict=True) if np.isfinite(each)},
        ranks=_ranks(gains[rows], few.draws(gains, single)[:, rows], order),
        groups=tuple(frozenset(names[arm] for arm in group) for group in sets),
        letters={name: mark for name, mark in zip(names, marks, strict=True) if mark},
        honest=_honest(found, winner(np.where(candidate[:, None], values, np.nan))),
        test=rank_test(moments(gains[rows]).mean),
    )


def _ranks(gains: Array, drawn: Array, order: tuple[str, ...]) -> dict[str, Rank]:
    """From the gains of those in `order` (x targets x seeds) and draws of their means (draws x those x targets)."""
    means = mean_ranks(moments(gains).mean)
    few = (np.isfinite(gains).sum(axis=-1) < FEWEST).any()
    bounds = None if few else quantiles(mean_ranks(drawn))
    return {
        name: Rank(float(means[place]), None if bounds is None else (float(bounds[place, 0]), float(bounds[place, 1])))
        for place, name in enumerate(order)
        if np.isfinite(means[place])
    }


def _honest(found: Transfer, one: Winner | None) -> Honest | None:
    if one is None:
        return None
    names = found.intermediates
    return Honest(
        name=names[one.arm],
        naive=one.naive,
        honest=one.honest,
        folds=tuple((found.seeds[seed], names[arm], gain) for seed, arm, gain in one.folds),
        left_out=tuple(names[arm] for arm in one.left_out),
    )
