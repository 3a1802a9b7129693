"""Where the next seeds of a sweep belong: the tasks among which the best one is still open, and their baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.statistics import allocation
from analysis.statistics.allocation import Knowledge, Outlook
from analysis.statistics.interval import t_quantile
from analysis.statistics.moments import Array, BoolArray, IntArray, finite_or_none
from analysis.transfer.array import Transfer
from analysis.transfer.columns import build_mean_columns, compute_column
from analysis.transfer.item_level import ItemLevel
from analysis.transfer.uncertainty import Uncertainty, build_uncertainty
from spaces.chain import NONE
from spaces.errors import UsageError

Criterion = Literal["mean", "target"]

CRITERIA: tuple[Criterion, ...] = ("mean", "target")
MIN_COMMON_SEEDS = 2  # that all chains have, for the spread over seeds
CAUTION = 2.0  # factor on variances of shrunken gains: prior and noise are estimates, which they do not allow for
MAX_SEEDS_LOOKED_AT = 30  # new seeds of one task


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainAdvice:
    """What a chain has and should get. Gain and width are those of the mean over targets; None for the baseline."""

    chain: str
    seeds: tuple[int, ...]  # that it has or was to get
    new_seeds: tuple[int, ...]
    gain: float | None = None  # mean over seeds
    width_now: float | None = None  # of its interval
    width_then: float | None = None
    p_best: float | None = None  # mean over targets where each target has a task of its own

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds that it will have."""
        return tuple(sorted({*self.seeds, *self.new_seeds}))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedAdvice:
    """Where `budget` chains at one seed each should be spent, and what to expect of it."""

    transfer: Transfer
    criterion: Criterion
    budget: int
    chains: tuple[ChainAdvice, ...]  # the baseline, then the tasks, likeliest best first
    now: Outlook
    advised: Outlook
    even: Outlook  # the same budget, spread evenly
    common_share: float  # of the baseline's variance over seeds, the part that all chains have in common

    @property
    def cost(self) -> int:
        """The number of chains at one seed that are to be run."""
        return sum(len(chain.new_seeds) for chain in self.chains)


def advise_seeds(
    transfer: Transfer, rng: np.random.Generator, *, budget: int | None = None, criterion: Criterion = "mean"
) -> SeedAdvice:
    """Return where the next seeds belong; the default budget is one more seed of every chain.

    Raise UsageError where too little is known: fewer than two seeds, or than two tasks that could be chosen.
    """
    source = transfer.loaded_scores.source
    seeds = int(transfer.common_seeds.sum())
    if seeds < MIN_COMMON_SEEDS:
        raise UsageError(
            f"{source}: with {seeds} seed nothing is known of the spread. Give all chains {seeds + 2} first."
        )
    uncertainty = build_uncertainty(transfer, ItemLevel(), (), None, rng, allocation.DRAWS)
    has_gain = np.isfinite(uncertainty.gains).any(axis=(1, 2))
    is_candidate = uncertainty.is_reference & has_gain
    if is_candidate.sum() < 2:
        found = "1 task has a gain and is no control" if is_candidate.any() else "no task has a gain and is no control"
        raise UsageError(f"{source}: {found}; a choice takes two.")
    budget = int(is_candidate.sum()) + 1 if budget is None else budget
    counted = np.array([[target in build_mean_columns(transfer)[0].targets for target in transfer.targets]], np.float64)
    weights = counted / counted.sum() if criterion == "mean" else np.eye(len(transfer.targets))
    most = min(budget, MAX_SEEDS_LOOKED_AT)
    knowledge = collect_knowledge(uncertainty, weights, np.asarray(is_candidate), most)
    normals = allocation.draw_normals(len(is_candidate), rng)
    allotted = allocation.allocate_seeds(knowledge, budget, normals)
    spread = allocation.spread_evenly(knowledge, budget)
    none, advised, even = (
        allocation.predict_outlook(knowledge, seeds, normals) for seeds in (np.zeros_like(allotted), allotted, spread)
    )
    p_best = allocation.estimate_best(knowledge, normals).mean(axis=0)
    return SeedAdvice(
        transfer=transfer,
        criterion=criterion,
        budget=budget,
        chains=_list_chains(transfer, uncertainty, allotted, np.where(is_candidate, p_best, np.nan)),
        now=none,
        advised=advised,
        even=even,
        common_share=uncertainty.model.common_share,
    )


def collect_knowledge(uncertainty: Uncertainty, weights: Array, is_candidate: BoolArray, most_seeds: int) -> Knowledge:
    """Return what the gains tell of the true ones, shrunken where errors are moderated, by criterion."""
    gains = uncertainty.gains
    counts = np.maximum(1, np.isfinite(gains).sum(axis=-1))
    own = uncertainty.model.estimate_own_errors(gains)
    correlation = uncertainty.model.correlation
    if uncertainty.shrunken is not None and own is not None:
        noise = _build_noise(own[0] * counts, correlation)
        mean = uncertainty.shrunken.mean + uncertainty.shrunken.offset
        covariance = CAUTION * uncertainty.shrunken.covariance
    else:  # one spread for all tasks of a target, and no prior
        present = np.isfinite(gains)
        mean = np.where(present, gains, 0.0).sum(axis=-1) / counts
        deviations = np.where(present, gains - mean[..., None], 0.0)
        deviations -= deviations.mean(axis=0, keepdims=True)
        freedom = np.maximum(1.0, (counts - 1).sum(axis=0) * (len(gains) - 1) / len(gains))
        pooled = np.broadcast_to((deviations**2).sum(axis=(0, 2)) / freedom, counts.shape)
        noise = _build_noise(pooled, correlation)
        covariance = noise / counts.min(axis=1)[:, None, None]
    return allocation.build_knowledge(
        mean, covariance, noise, weights, is_candidate=is_candidate, most_seeds=most_seeds
    )


def _build_noise(variance: Array, correlation: float) -> Array:
    """Return the covariance [tasks, targets, targets] of own parts at one seed from variances [tasks, targets]."""
    known = np.isfinite(variance)
    typical = np.where(known, variance, 0.0).sum(axis=0) / np.maximum(1, known.sum(axis=0))
    sd = np.sqrt(np.where(known, variance, typical))
    correlations = np.full((sd.shape[1], sd.shape[1]), correlation)
    np.fill_diagonal(correlations, 1.0)
    return np.asarray(sd[:, :, None] * sd[:, None, :] * correlations)


def _list_chains(
    transfer: Transfer, uncertainty: Uncertainty, allotted: IntArray, p_best: Array
) -> tuple[ChainAdvice, ...]:
    """Return the baseline and the tasks. New seeds are those that the baseline has already, then the next numbers."""
    seeds_of = {
        chain: tuple(np.compress(transfer.planned[i], transfer.seeds).tolist())
        for i, chain in enumerate(transfer.chains[: 1 + len(transfer.intermediates)])
    }
    new_seeds = [
        find_new_seeds(seeds_of[name], seeds_of[NONE], transfer.seeds, int(count))
        for name, count in zip(transfer.intermediates, allotted, strict=True)
    ]
    baseline = tuple(sorted({seed for new in new_seeds for seed in new} - {*seeds_of[NONE]}))
    means, widths_now, widths_then = _predict_widths(transfer, uncertainty, allotted, len(baseline))
    tasks = (
        ChainAdvice(
            chain=transfer.intermediates[i],
            seeds=seeds_of[transfer.intermediates[i]],
            new_seeds=new_seeds[i],
            gain=finite_or_none(means[i]),
            width_now=finite_or_none(widths_now[i]),
            width_then=finite_or_none(widths_then[i]),
            p_best=finite_or_none(p_best[i]),
        )
        for i in np.argsort(-np.nan_to_num(p_best, nan=-1.0), kind="stable")
    )
    return (ChainAdvice(chain=NONE, seeds=seeds_of[NONE], new_seeds=baseline), *tasks)


def _predict_widths(
    transfer: Transfer, uncertainty: Uncertainty, allotted: IntArray, added: int
) -> tuple[Array, Array, Array]:
    """Return the mean over targets of each gain, and the width of its interval now and then: [tasks] each."""
    [column, *_] = build_mean_columns(transfer)
    values = compute_column(transfer, column, transfer.gains).values
    scores = compute_column(transfer, column, transfer.scores[:1]).values
    probe = max(1, added)
    empty = np.full((len(values), probe), np.nan)
    now = uncertainty.model.estimate_mean(values, scores[0])
    like_now = np.resize(scores[0][np.isfinite(scores[0])], probe)  # new seeds vary as the present ones do
    probed = uncertainty.model.estimate_mean(np.hstack([values, empty]), np.concatenate([scores[0], like_now]))
    counts = now.counts[:, 0]
    then = allocation.predict_gain_variances(
        now.variance[:, 0],
        probed.variance[:, 0],
        counts=counts,
        further=np.isfinite(scores).sum() - counts,
        seeds=allotted,
        added=added,
        probe=probe,
    )
    width_now = 2 * t_quantile(now.freedom[:, 0]) * np.sqrt(now.variance[:, 0])
    width_then = 2 * t_quantile(now.freedom[:, 0] + allotted) * np.sqrt(np.maximum(then, 0.0))
    return now.mean[:, 0], width_now, width_then


def find_new_seeds(own: Sequence[int], baseline: Sequence[int], every: Sequence[int], count: int) -> tuple[int, ...]:
    """Return `count` seeds that a chain lacks: the baseline's first, so that they are paired at once, then new ones."""
    waiting = [seed for seed in sorted(baseline) if seed not in own]
    following = range(max(every) + 1, max(every) + 1 + count)
    return tuple([*waiting, *following][:count])


def list_chain_seeds(advice: SeedAdvice) -> Mapping[str, tuple[int, ...]]:
    """Return all seeds of the chains that have, or should get, more than the common ones."""
    common = {*np.compress(advice.transfer.common_seeds, advice.transfer.seeds).tolist()}
    return {chain.chain: chain.all_seeds for chain in advice.chains if {*chain.all_seeds} > common}
