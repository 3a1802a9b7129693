"""The published gain of intermediate training by target, and ours chosen as theirs: the best task for each target."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.questions.judging import collect_dev_scores
from analysis.statistics.moments import Array
from analysis.statistics.winner import select_winner
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, compute_column
from spaces import published, xtreme
from spaces.chain import NONE
from spaces.published import AVERAGED_TARGETS, BASELINE, X_STILTS, PublishedSystem

COMPARABLE_BENCHMARKS = ("xtreme", "xtreme-r")
BOTH_RETRIEVAL = "bucc and tatoeba"  # known together only
MEAN_OF_ALL = "mean"
MEAN_OF_TRAINED = "mean without retrieval"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedGain:
    """One line of the published gain, in points; `share` is of the sum of gains over the nine targets."""

    baseline: float | None
    stilts: float | None
    gain: float | None
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGain:
    """One line of our own, by seed in points, NaN for a hole."""

    baseline: Array
    best: Array
    tasks: tuple[str, ...]  # the task that English dev chose; of retrieval the one of each seed that is left out
    language_count: int
    published_language_count: int  # that the published score is over; for a mean both are 0

    @property
    def gain(self) -> Array:
        """By seed."""
        return self.best - self.baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedComparison:
    """Lines by target, then BOTH, TRAINED and MEAN; `ours` has those that can be compared."""

    published: Mapping[str, PublishedGain]
    ours: Mapping[str, OwnGain]
    missing_reasons: Mapping[str, str]  # target -> why it has no line of ours
    is_comparable: bool  # False in a synthetic world


def compare_with_published(found: Transfer) -> PublishedComparison:
    """The published rows, and ours where the benchmark is XTREME or not stated."""
    theirs = decompose_published_gain()
    if found.loaded_scores.benchmark is not None and found.loaded_scores.benchmark not in COMPARABLE_BENCHMARKS:
        return PublishedComparison(published=theirs, ours={}, missing_reasons={}, is_comparable=False)
    lines: dict[str, OwnGain] = {}
    absent: dict[str, str] = {}
    for target in AVERAGED_TARGETS:
        line = _compute_own_gain(found, target) if target in found.targets else "not in this sweep"
        if isinstance(line, OwnGain):
            lines[target] = line
        else:
            absent[target] = line
    trained = [target for target in AVERAGED_TARGETS if target not in published.RETRIEVAL_TARGETS]
    for name, members in (
        (BOTH_RETRIEVAL, list(published.RETRIEVAL_TARGETS)),
        (MEAN_OF_TRAINED, trained),
        (MEAN_OF_ALL, list(AVERAGED_TARGETS)),
    ):
        if all(member in lines for member in members):
            parts = [lines[member] for member in members]
            lines[name] = OwnGain(
                baseline=np.mean([part.baseline for part in parts], axis=0),
                best=np.mean([part.best for part in parts], axis=0),
                tasks=(),
                language_count=0,
                published_language_count=0,
            )
    return PublishedComparison(published=theirs, ours=lines, missing_reasons=absent, is_comparable=True)


def decompose_published_gain(
    before: PublishedSystem = BASELINE, after: PublishedSystem = X_STILTS
) -> dict[str, PublishedGain]:
    """The published gain by target: its sum is taken over task scores, not from the rounded means."""
    lines = {target: (before.score_of(target), after.score_of(target)) for target in AVERAGED_TARGETS}
    lines[BOTH_RETRIEVAL] = (before.retrieval_mean(), after.retrieval_mean())
    trained = [target for target in AVERAGED_TARGETS if target not in published.RETRIEVAL_TARGETS]
    lines[MEAN_OF_TRAINED] = (
        _mean_or_none([lines[target][0] for target in trained]),
        _mean_or_none([lines[target][1] for target in trained]),
    )
    whole = [*trained, *[BOTH_RETRIEVAL] * len(published.RETRIEVAL_TARGETS)]
    lines[MEAN_OF_ALL] = (
        _mean_or_none([lines[target][0] for target in whole]),
        _mean_or_none([lines[target][1] for target in whole]),
    )
    weights = {
        BOTH_RETRIEVAL: len(published.RETRIEVAL_TARGETS),
        MEAN_OF_TRAINED: len(trained),
        MEAN_OF_ALL: len(AVERAGED_TARGETS),
    }
    gains = {name: _difference_or_none(end, start) for name, (start, end) in lines.items()}
    total = gains[MEAN_OF_ALL]
    return {
        name: PublishedGain(
            baseline=start,
            stilts=end,
            gain=gains[name],
            share=None
            if (gain := gains[name]) is None or not total
            else gain * weights.get(name, 1) / total / len(AVERAGED_TARGETS),
        )
        for name, (start, end) in lines.items()
    }


def _compute_own_gain(found: Transfer, target: str) -> OwnGain | str:
    """Our line of a target, or why there is none."""
    tasks = tuple(name for name in found.intermediates if name not in found.loaded_scores.controls)
    names = (NONE, *tasks)
    shown = compute_column(found, TransferColumn(name=target, targets=(target,)), found.scores)
    scores = np.where(shown.parts == shown.of_parts, shown.values, np.nan)[[found.chains.index(name) for name in names]]
    baseline, candidates = scores[0], scores[1:]
    seeds = np.isfinite(baseline)
    if not seeds.any():
        return "no whole score of the baseline"
    dev = collect_dev_scores(found, tasks)[:, found.targets.index(target)]
    judged = np.isfinite(dev[:, seeds]).all(axis=1)
    best = np.full(len(found.seeds), np.nan)
    if judged.any():
        taken = int(np.where(judged, np.where(np.isfinite(dev), dev, 0.0)[:, seeds].mean(axis=1), -np.inf).argmax())
        best[:] = candidates[taken]
        chosen: tuple[str, ...] = (tasks[taken],)
    elif np.isfinite(dev).any():
        return "no task has English dev at every seed of the baseline"
    else:
        won = select_winner(candidates - baseline)
        if won is None:
            return "nothing is trained, so English dev cannot choose, and there are too few seeds to choose by others"
        for seed, task, _ in won.folds:
            best[seed] = candidates[task, seed]
        chosen = tuple(dict.fromkeys(tasks[task] for _, task, _ in won.folds))
    return OwnGain(
        baseline=baseline,
        best=best,
        tasks=chosen,
        language_count=shown.of_parts,
        published_language_count=len(xtreme.TARGETS[target].languages),
    )


def _mean_or_none(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _difference_or_none(end: float | None, start: float | None) -> float | None:
    return None if end is None or start is None else end - start
