"""The intermediate tasks compared by a mean over targets: the leader, and the tasks not separated from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from analysis.statistics.decomposition import MIN_DECOMPOSED_SEEDS
from analysis.statistics.draws import average_blocks, compute_quantile_interval, estimate_p_best
from analysis.statistics.groups import find_separated, label_arms
from analysis.statistics.interval import MIN_SEEDS
from analysis.statistics.moments import Array, BoolArray, IntArray, compute_moments
from analysis.statistics.ranks import RankTest, average_ranks, run_friedman_test
from analysis.statistics.significance import adjust_p_values
from analysis.statistics.winner import Winner, select_winner
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, column_of, compute_column
from analysis.transfer.uncertainty import Uncertainty

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
        return next((name for name in self.order if name in (self._judged or self.candidates)), None)

    @property
    def _judged(self) -> tuple[str, ...]:
        """The candidates with enough seeds."""
        return (*self.p_best, *self.unvarying)

    @property
    def uncompared(self) -> tuple[str, ...]:
        """The candidates with a mean that are not compared with the leader, because they have too few seeds."""
        judged = self._judged
        return tuple(name for name in self.order if judged and name in self.candidates and name not in judged)

    def find_rivals(self, name: str) -> tuple[str, ...]:
        """Return the other candidates that are not separated from `name`. Controls have comparisons of their own."""
        if name not in self.compared:
            return ()
        apart = dict(zip(self.compared, self.separated[self.compared.index(name)], strict=True))
        rivals = (rival for rival in self.order if rival in self.candidates and rival != name)
        return tuple(rival for rival in rivals if not apart.get(rival, True))


def build_contest(transfer: Transfer, column: TransferColumn, uncertainty: Uncertainty) -> Contest:
    """Compare the intermediates by `column`, a mean over whole targets."""
    names = transfer.intermediates
    values = compute_column(transfer, column, transfer.gains).values  # intermediates x seeds
    moments, errors = compute_moments(values), uncertainty.estimate(values[:, None], [column])
    criterion = np.where(np.isfinite(moments.mean), uncertainty.choose_by(column), np.nan)
    ranked = sorted(np.flatnonzero(np.isfinite(criterion)).tolist(), key=lambda row: (-criterion[row], names[row]))
    order = tuple(names[row] for row in ranked)
    has_enough_seeds = moments.count >= MIN_SEEDS
    is_candidate = uncertainty.is_candidate

    is_comparable = has_enough_seeds & is_candidate & (errors.variance[:, 0] > 0)
    p_best = np.full(len(names), np.nan)
    if is_comparable.any():
        p_best = average_blocks(estimate_p_best, uncertainty.draw_for_best(column, is_comparable))
    compared = np.flatnonzero(has_enough_seeds & uncertainty.is_fully_raced)
    pairwise_p = _compare_pairs(uncertainty, column, values, compared if len(compared) > 1 else compared[:0])
    letters = label_arms(pairwise_p, criterion[compared]) if len(compared) > 1 else ()
    # A chain that was not to get all seeds of another stays a candidate: the choice is made on the common ones.
    winner = select_winner(
        np.where(is_candidate[:, None] & transfer.common_seeds, values, np.nan),
        lambda seeds: uncertainty.restrict(seeds).choose_by(column),
    )
    return Contest(
        column=column,
        candidates=tuple(compress(names, is_candidate)),
        decided_early=tuple(name for name in order if name in transfer.skipped_seeds),
        order=order,
        p_best={name: float(p) for name, p in zip(names, p_best, strict=True) if np.isfinite(p)},
        unvarying=tuple(compress(names, has_enough_seeds & is_candidate & ~is_comparable)),
        ranks=_build_mean_ranks(uncertainty, column, order, ranked),
        letters={names[arm]: marks for arm, marks in zip(compared, letters, strict=False) if marks},
        compared=tuple(names[arm] for arm in compared) if len(compared) > 1 else (),
        separated=find_separated(pairwise_p),
        winner_estimate=None if winner is None else _build_winner_estimate(transfer, winner),
        rank_test=run_friedman_test(_average_gains(uncertainty, column)[ranked]),
    )


def _compare_pairs(uncertainty: Uncertainty, column: TransferColumn, values: Array, compared: IntArray) -> Array:
    """Return the p values [compared, compared] of all pairs, adjusted by Holm over the pairs."""
    first, second = np.triu_indices(len(compared), k=1)
    p = np.full((len(compared), len(compared)), np.nan)
    if len(first):
        contrast_p = uncertainty.compute_contrast_p(values, column, compared[first], compared[second])
        p[first, second] = p[second, first] = adjust_p_values(contrast_p)
    return p


def _average_gains(uncertainty: Uncertainty, column: TransferColumn) -> Array:
    """Return the mean gains over seeds on the targets of a column: intermediates x targets."""
    return compute_moments(uncertainty.gains[:, uncertainty.locate(column)]).mean


def _build_mean_ranks(
    uncertainty: Uncertainty, column: TransferColumn, order: tuple[str, ...], rows: Sequence[int]
) -> dict[str, MeanRank]:
    """Return the mean ranks of those in `order`, whose indices are `rows`, with intervals if all have enough seeds."""
    targets = [column_of(target) for target in column.targets]
    means = average_ranks(_average_gains(uncertainty, column)[rows])
    counts = np.isfinite(uncertainty.gains[rows][:, uncertainty.locate(column)]).sum(axis=-1)
    enough = MIN_SEEDS if uncertainty.kind == "plain" else MIN_DECOMPOSED_SEEDS
    intervals = None
    if counts.size and (counts >= enough).all():
        size = max(1, len(uncertainty.gains) * len(targets))
        count = min(uncertainty.draw_count, max(MIN_RANKED_DRAWS, min(MAX_RANKED_DRAWS, RANKED_VALUES // size)))
        blocks = uncertainty.draw_for_ranks(targets, count)
        ranks = [average_ranks(np.swapaxes(draws[:, :, rows], 1, 2)) for draws in blocks]
        intervals = compute_quantile_interval(np.concatenate(ranks))
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
