"""The published gain of intermediate training by target, and ours chosen in the same way: the best task per target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.questions.chains import list_candidates
from analysis.questions.target_scores import collect_dev_scores, compute_complete_scores
from analysis.statistics.moments import Array
from analysis.statistics.winner import select_winner
from analysis.transfer.array import Transfer
from spaces import xtreme
from spaces.chain import NONE
from spaces.published import AVERAGED_TARGETS, BASELINE, RETRIEVAL_TARGETS, X_STILTS, PublishedSystem

COMPARABLE_BENCHMARKS = ("xtreme", "xtreme-r")
BOTH_RETRIEVAL = "bucc and tatoeba"  # known together only
MEAN_OF_ALL = "mean"
MEAN_OF_TRAINED = "mean without retrieval"
TRAINED = tuple(target for target in AVERAGED_TARGETS if target not in RETRIEVAL_TARGETS)
GROUPS = {BOTH_RETRIEVAL: RETRIEVAL_TARGETS, MEAN_OF_TRAINED: TRAINED, MEAN_OF_ALL: AVERAGED_TARGETS}
GROUP_SIZES = {name: len(members) for name, members in GROUPS.items()}


@dataclass(frozen=True, slots=True)
class PublishedGain:
    """One line of the published gain, in points; `share` is its share of the sum of gains over the nine targets."""

    baseline: float | None
    stilts: float | None
    share: float | None = None

    @property
    def gain(self) -> float | None:
        """The difference; None where one side was not published."""
        return None if self.stilts is None or self.baseline is None else self.stilts - self.baseline


@dataclass(frozen=True, slots=True)
class OwnGain:
    """One line of our gain, by seed in points; NaN for a hole."""

    baseline: Array
    best: Array
    tasks: tuple[str, ...]  # chosen by English dev; for retrieval, the choice for each seed left out
    language_count: int
    published_language_count: int  # that the published score is over; for a mean both are 0

    @property
    def gain(self) -> Array:
        """The gain by seed."""
        return self.best - self.baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedComparison:
    """Lines by target, then BOTH_RETRIEVAL, MEAN_OF_TRAINED and MEAN_OF_ALL; `ours` has those that can be compared."""

    published: Mapping[str, PublishedGain]
    ours: Mapping[str, OwnGain]
    missing_reasons: Mapping[str, str]  # target -> why we have no line of it
    is_comparable: bool  # False in a synthetic world


def compare_with_published(transfer: Transfer) -> PublishedComparison:
    """Return the published lines, and ours where the benchmark is XTREME or not stated."""
    published_gains = decompose_published_gain()
    if transfer.loaded_scores.benchmark is not None and transfer.loaded_scores.benchmark not in COMPARABLE_BENCHMARKS:
        return PublishedComparison(published=published_gains, ours={}, missing_reasons={}, is_comparable=False)
    lines: dict[str, OwnGain] = {}
    missing: dict[str, str] = {}
    for target in AVERAGED_TARGETS:
        line = _compute_own_gain(transfer, target) if target in transfer.targets else "not in this sweep"
        if isinstance(line, OwnGain):
            lines[target] = line
        else:
            missing[target] = line
    for name, members in GROUPS.items():
        if lines.keys() >= set(members):
            baseline, best = np.mean([(lines[each].baseline, lines[each].best) for each in members], axis=0)
            lines[name] = OwnGain(baseline, best, tasks=(), language_count=0, published_language_count=0)
    return PublishedComparison(published=published_gains, ours=lines, missing_reasons=missing, is_comparable=True)


def decompose_published_gain(
    before: PublishedSystem = BASELINE, after: PublishedSystem = X_STILTS
) -> dict[str, PublishedGain]:
    """Return the published gain by target; its sum is over task scores, not over the rounded means."""
    lines = {target: (before.score_of(target), after.score_of(target)) for target in AVERAGED_TARGETS}
    lines[BOTH_RETRIEVAL] = (before.retrieval_mean(), after.retrieval_mean())
    means = {MEAN_OF_TRAINED: TRAINED, MEAN_OF_ALL: (*TRAINED, *[BOTH_RETRIEVAL] * len(RETRIEVAL_TARGETS))}
    for name, members in means.items():
        befores, afters = zip(*(lines[member] for member in members), strict=True)
        lines[name] = (_mean_or_none(befores), _mean_or_none(afters))
    published = {name: PublishedGain(start, end) for name, (start, end) in lines.items()}
    total = published[MEAN_OF_ALL].gain
    for name, line in published.items():
        if line.gain is not None and total:
            share = line.gain * GROUP_SIZES.get(name, 1) / total / len(AVERAGED_TARGETS)
            published[name] = replace(line, share=share)
    return published


def _compute_own_gain(transfer: Transfer, target: str) -> OwnGain | str:
    """Return our line of a target, or the reason why there is none."""
    tasks = list_candidates(transfer)
    rows = [transfer.chains.index(name) for name in (NONE, *tasks)]
    baseline, *candidates = compute_complete_scores(transfer, target, transfer.scores)[rows]
    seeds = np.isfinite(baseline)
    if not seeds.any():
        return "the baseline has no complete score"
    dev = collect_dev_scores(transfer, tasks)[:, transfer.targets.index(target)]
    has_dev = np.isfinite(dev[:, seeds]).all(axis=1)
    best = np.full(len(transfer.seeds), np.nan)
    if has_dev.any():
        best_index = int(np.where(has_dev, np.nan_to_num(dev[:, seeds]).mean(axis=1), -np.inf).argmax())
        best[:] = candidates[best_index]
        chosen: tuple[str, ...] = (tasks[best_index],)
    elif np.isfinite(dev).any():
        return "no task has English dev at every seed of the baseline"
    else:
        winner = select_winner(np.array(candidates) - baseline)
        if winner is None:
            return "not trained, so English dev cannot choose; too few seeds to choose by test scores of other seeds"
        for seed, task, _ in winner.folds:
            best[seed] = candidates[task][seed]
        chosen = tuple(dict.fromkeys(tasks[task] for _, task, _ in winner.folds))
    return OwnGain(
        baseline=baseline,
        best=best,
        tasks=chosen,
        language_count=int(transfer.scored_mask[transfer.targets.index(target)].sum()),
        published_language_count=len(xtreme.TARGETS[target].languages),
    )


def _mean_or_none(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if len(present) == len(values) else None
