"""The published gain of intermediate training by target, and ours chosen in the same way: the best task per target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedGain:
    """One line of the published gain, in points; `share` is its share of the sum of gains over the nine targets."""

    baseline: float | None
    stilts: float | None
    gain: float | None
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
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
        if all(member in lines for member in members):
            parts = [lines[member] for member in members]
            lines[name] = OwnGain(
                baseline=np.mean([part.baseline for part in parts], axis=0),
                best=np.mean([part.best for part in parts], axis=0),
                tasks=(),
                language_count=0,
                published_language_count=0,
            )
    return PublishedComparison(published=published_gains, ours=lines, missing_reasons=missing, is_comparable=True)


def decompose_published_gain(
    before: PublishedSystem = BASELINE, after: PublishedSystem = X_STILTS
) -> dict[str, PublishedGain]:
    """Return the published gain by target; its sum is over task scores, not over the rounded means."""
    lines = {target: (before.score_of(target), after.score_of(target)) for target in AVERAGED_TARGETS}
    lines[BOTH_RETRIEVAL] = (before.retrieval_mean(), after.retrieval_mean())
    for name, members in (
        (MEAN_OF_TRAINED, TRAINED),
        (MEAN_OF_ALL, (*TRAINED, *[BOTH_RETRIEVAL] * len(RETRIEVAL_TARGETS))),
    ):
        befores, afters = zip(*(lines[member] for member in members), strict=True)
        lines[name] = (_mean_or_none(befores), _mean_or_none(afters))
    gains = {name: _difference_or_none(end, start) for name, (start, end) in lines.items()}
    total = gains[MEAN_OF_ALL]
    return {
        name: PublishedGain(
            baseline=start,
            stilts=end,
            gain=gains[name],
            share=None
            if (gain := gains[name]) is None or not total
            else gain * GROUP_SIZES.get(name, 1) / total / len(AVERAGED_TARGETS),
        )
        for name, (start, end) in lines.items()
    }


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


def _difference_or_none(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before
