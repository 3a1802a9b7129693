"""The intermediate tasks against each other, by a mean over targets: who leads, and who cannot be told apart."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.statistics.draws import compute_quantile_interval, estimate_p_best
from analysis.statistics.groups import assign_letters, group_arms
from analysis.statistics.interval import MIN_SEEDS
from analysis.statistics.moments import Array, compute_moments
from analysis.statistics.ranks import RankTest, average_ranks, run_friedman_test
from analysis.statistics.winner import Winner, select_winner
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, compute_column
from analysis.transfer.mean_sampler import MeanSampler

RANKED_DRAWS = 2000  # draws that are ranked: enough for the ends of an interval, and quick with many tasks and targets


@dataclass(frozen=True, slots=True)
class MeanRank:
    """The mean over targets of the place among all intermediates (1 is best), with its interval over seeds."""

    mean: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WinnerEstimate:
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

    column: TransferColumn
    candidates: tuple[str, ...]
    decided_early: tuple[str, ...]  # early by a race; in their order
    order: tuple[str, ...]  # those that have a mean
    p_best: Mapping[str, float]  # candidate -> P(best); empty with too few seeds
    ranks: Mapping[str, MeanRank]
    groups: tuple[frozenset[str], ...]  # sets of which no two can be told apart; none with too few seeds
    letters: Mapping[str, str]  # the groups of each, `a` for the first
    winner_estimate: WinnerEstimate | None
    rank_test: RankTest

    @property
    def decided_ahead(self) -> tuple[str, ...]:
        """Those that a race decided early and that stand before the leader all the same."""
        place = self.order.index(self.leader) if self.leader else len(self.order)
        return tuple(name for name in self.decided_early if self.order.index(name) < place)

    @property
    def leader(self) -> str | None:
        """The candidate with the best mean; where any have seeds enough for an interval, among these."""
        known = self.p_best or self.candidates
        return next((name for name in self.order if name in known), None)

    def find_rivals(self, name: str) -> tuple[str, ...]:
        """Who cannot be told apart from one."""
        near = frozenset().union(*(group for group in self.groups if name in group))
        return tuple(each for each in self.order if each != name and each in near)


def build_contest(found: Transfer, column: TransferColumn, drawing: MeanSampler) -> Contest:
    """Compare the intermediates by `column`, a mean over whole targets."""
    names = found.intermediates
    values = compute_column(found, column, found.gains).values  # intermediates x seeds
    spread = compute_moments(values)
    known = {name: float(mean) for name, mean in zip(names, spread.mean, strict=True) if np.isfinite(mean)}
    order = tuple(sorted(known, key=lambda name: (-known[name], name)))
    judged = spread.count >= MIN_SEEDS
    raced = np.array([name not in found.skipped_seeds for name in names], np.bool_)  # to the end
    candidate = np.array([name not in found.loaded_scores.controls for name in names], np.bool_) & raced
    rivals = np.where((judged & candidate)[:, None], values, np.nan)
    chance = estimate_p_best(drawing.draw(rivals[:, None], [column])[:, :, 0])
    known_well = np.where((judged & raced)[:, None], values, np.nan)
    sets = group_arms(known_well, item_covariance=drawing.covariance(column)) if judged.sum() > 1 else ()
    marks = assign_letters(sets, len(names))
    single = [TransferColumn(name=target, targets=(target,)) for target in column.targets]
    gains = np.stack([compute_column(found, each, found.gains).values for each in single], axis=1)
    rows = [names.index(name) for name in order]
    few = dataclasses.replace(drawing, count=min(drawing.count, RANKED_DRAWS))
    return Contest(
        column=column,
        candidates=tuple(name for name, each in zip(names, candidate, strict=True) if each),
        decided_early=tuple(name for name in order if name in found.skipped_seeds),
        order=order,
        p_best={name: float(each) for name, each in zip(names, chance, strict=True) if np.isfinite(each)},
        ranks=_build_mean_ranks(gains[rows], few.draw(gains, single)[:, rows], order),
        groups=tuple(frozenset(names[arm] for arm in group) for group in sets),
        letters={name: mark for name, mark in zip(names, marks, strict=True) if mark},
        winner_estimate=_build_winner_estimate(found, select_winner(np.where(candidate[:, None], values, np.nan))),
        rank_test=run_friedman_test(compute_moments(gains[rows]).mean),
    )


def _build_mean_ranks(gains: Array, drawn: Array, order: tuple[str, ...]) -> dict[str, MeanRank]:
    """From the gains of those in `order` (x targets x seeds) and draws of their means (draws x those x targets)."""
    means = average_ranks(compute_moments(gains).mean)
    few = (np.isfinite(gains).sum(axis=-1) < MIN_SEEDS).any()
    bounds = None if few else compute_quantile_interval(average_ranks(drawn))
    return {
        name: MeanRank(
            float(means[place]), None if bounds is None else (float(bounds[place, 0]), float(bounds[place, 1]))
        )
        for place, name in enumerate(order)
        if np.isfinite(means[place])
    }


def _build_winner_estimate(found: Transfer, one: Winner | None) -> WinnerEstimate | None:
    if one is None:
        return None
    names = found.intermediates
    return WinnerEstimate(
        name=names[one.arm],
        naive=one.naive,
        honest=one.honest,
        folds=tuple((found.seeds[seed], names[arm], gain) for seed, arm, gain in one.folds),
        left_out=tuple(names[arm] for arm in one.left_out),
    )
