"""The intermediate tasks compared by a mean over targets: the leader, and the tasks not separated from it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from analysis.statistics.draws import average_blocks, compute_quantile_interval, estimate_p_best
from analysis.statistics.groups import compute_pairwise_p, find_separated, label_arms
from analysis.statistics.interval import MIN_SEEDS, compute_standard_errors
from analysis.statistics.moments import Array, BoolArray, compute_moments
from analysis.statistics.ranks import RankTest, average_ranks, run_friedman_test
from analysis.statistics.winner import Winner, select_winner
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, compute_column
from analysis.transfer.item_level import MeanSampler

# Draws that are ranked: enough for the ends of an interval; fewer where many tasks on many targets would take minutes.
MIN_RANKED_DRAWS, MAX_RANKED_DRAWS = 200, 2000
RANKED_VALUES = 10_000_000  # draws x tasks x targets


@dataclass(frozen=True, slots=True)
class MeanRank:
    """The mean over targets of the rank among all intermediates (1 is best), with its interval over seeds."""

    mean: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WinnerEstimate:
    """The winner's gain on the seeds that chose it, and on seeds held out of the choice."""

    name: str
    naive: float
    honest: float
    folds: tuple[tuple[int, str, float], ...]  # held-out seed, task chosen without it, its gain there
    left_out: tuple[str, ...]  # no candidates, because they lack a seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """The order of the intermediates by one mean over targets, best first, with its uncertainty.

    A control is in the order, but is no candidate for the winner. So is a chain that a race decided early; it is in no
    group either, because English dev has already compared it with the others, on fewer seeds than they have now.
    """

    column: TransferColumn
    candidates: tuple[str, ...]
    decided_early: tuple[str, ...]  # by a race; in their order
    order: tuple[str, ...]  # those that have a mean
    p_best: Mapping[str, float]  # candidate -> P(best); empty with too few seeds
    unvarying: tuple[str, ...]  # candidates with enough seeds that all agree: no P(best)
    ranks: Mapping[str, MeanRank]
    letters: Mapping[str, str]  # `label_arms`: who has none was not compared or, beside TOP, differs from the best
    compared: tuple[str, ...]  # in pairs; none with too few seeds
    separated: BoolArray  # [compared, compared]: the pairs that differ
    winner_estimate: WinnerEstimate | None
    rank_test: RankTest

    @property
    def decided_ahead(self) -> tuple[str, ...]:
        """The chains that a race decided early and that are ahead of the leader nevertheless."""
        position = self.order.index(self.leader) if self.leader else len(self.order)
        return tuple(name for name in self.decided_early if self.order.index(name) < position)

    @property
    def leader(self) -> str | None:
        """The candidate with the best mean; if any have enough seeds for an interval, the best of these."""
        eligible = (*self.p_best, *self.unvarying) or self.candidates
        return next((name for name in self.order if name in eligible), None)

    def find_rivals(self, name: str) -> tuple[str, ...]:
        """Return the intermediates that are not separated from `name`."""
        if name not in self.compared:
            return ()
        apart = dict(zip(self.compared, self.separated[self.compared.index(name)], strict=True))
        return tuple(rival for rival in self.order if rival != name and not apart.get(rival, True))


def build_contest(transfer: Transfer, column: TransferColumn, sampler: MeanSampler) -> Contest:
    """Compare the intermediates by `column`, a mean over whole targets."""
    names = transfer.intermediates
    values = compute_column(transfer, column, transfer.gains).values  # intermediates x seeds
    moments = compute_moments(values)
    means = {name: float(mean) for name, mean in zip(names, moments.mean, strict=True) if np.isfinite(mean)}
    order = tuple(sorted(means, key=lambda name: (-means[name], name)))
    has_enough_seeds = moments.count >= MIN_SEEDS
    fully_raced = np.array([name not in transfer.skipped_seeds for name in names], np.bool_)
    is_candidate = fully_raced & np.array([name not in transfer.loaded_scores.controls for name in names], np.bool_)

    varies = compute_standard_errors(values, sampler.variances([column])[:, 0])[1] > 0
    comparable = np.where((has_enough_seeds & is_candidate & varies)[:, None], values, np.nan)
    p_best = np.full(len(names), np.nan)
    if np.isfinite(comparable).any():
        blocks = sampler.draw_blocks(comparable[None], [column])
        p_best = average_blocks(lambda draws: estimate_p_best(draws[:, 0]), blocks)
    groupable = np.where((has_enough_seeds & fully_raced)[:, None], values, np.nan)
    compared = np.flatnonzero(np.isfinite(groupable).any(axis=1)) if has_enough_seeds.sum() > 1 else np.zeros(0, int)
    item_covariance = np.broadcast_to(sampler.covariance(column), (len(names), len(names)))
    pairwise_p = compute_pairwise_p(groupable[compared], item_covariance[np.ix_(compared, compared)])
    letters = label_arms(pairwise_p, moments.mean[compared])
    targets = [TransferColumn(name=target, targets=(target,)) for target in column.targets]
    gains = np.stack([compute_column(transfer, target, transfer.gains).values for target in targets])
    rows = [names.index(name) for name in order]
    winner = select_winner(np.where(is_candidate[:, None], values, np.nan))
    return Contest(
        column=column,
        candidates=tuple(compress(names, is_candidate)),
        decided_early=tuple(name for name in order if name in transfer.skipped_seeds),
        order=order,
        p_best={name: float(p) for name, p in zip(names, p_best, strict=True) if np.isfinite(p)},
        unvarying=tuple(compress(names, has_enough_seeds & is_candidate & ~varies)),
        ranks=_build_mean_ranks(gains[:, rows], order, lambda: _draw_ranks(sampler, gains, targets, rows)),
        letters={names[arm]: marks for arm, marks in zip(compared, letters, strict=True) if marks},
        compared=tuple(names[arm] for arm in compared),
        separated=find_separated(pairwise_p),
        winner_estimate=None if winner is None else _build_winner_estimate(transfer, winner),
        rank_test=run_friedman_test(compute_moments(gains[:, rows]).mean.T),
    )


def _draw_ranks(sampler: MeanSampler, gains: Array, targets: Sequence[TransferColumn], rows: Sequence[int]) -> Array:
    """Return draws [draws, rows] of the mean ranks of `rows`, from gains (targets x intermediates x seeds)."""
    count = min(
        sampler.count, max(MIN_RANKED_DRAWS, min(MAX_RANKED_DRAWS, RANKED_VALUES // max(1, gains[..., 0].size)))
    )
    blocks = dataclasses.replace(sampler, count=count).draw_blocks(gains, targets)
    return np.concatenate([average_ranks(np.swapaxes(draws[:, :, rows], 1, 2)) for draws in blocks])


def _build_mean_ranks(gains: Array, order: tuple[str, ...], draw_ranks: Callable[[], Array]) -> dict[str, MeanRank]:
    """Return mean ranks from the gains of those in `order` (targets x order x seeds), and draws of them if needed."""
    means = average_ranks(compute_moments(gains).mean.T)
    too_few = (np.isfinite(gains).sum(axis=-1) < MIN_SEEDS).any()
    intervals = None if too_few else compute_quantile_interval(draw_ranks())
    return {
        name: MeanRank(float(means[i]), None if intervals is None else (float(intervals[i, 0]), float(intervals[i, 1])))
        for i, name in enumerate(order)
        if np.isfinite(means[i])
    }


def _build_winner_estimate(transfer: Transfer, winner: Winner) -> WinnerEstimate:
    names = transfer.intermediates
    return WinnerEstimate(
        name=names[winner.arm],
        naive=winner.naive,
        honest=winner.honest,
        folds=tuple((transfer.seeds[seed], names[arm], gain) for seed, arm, gain in winner.folds),
        left_out=tuple(names[arm] for arm in winner.left_out),
    )
