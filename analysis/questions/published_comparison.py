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
from spaces.published import (
    AVERAGED_TARGETS,
    BASELINE,
    RETRIEVAL_TARGETS,
    X_STILTS,
    X_STILTS_OTHER,
    PublishedSystem,
    list_common_metrics,
)
from spaces.task import GROUP_OF_KIND, RETRIEVAL

COMPARABLE_BENCHMARKS = ("xtreme", "xtreme-r", "xtreme-wide")
OWN_SETTING = "zero-shot"
MEAN_OF_ALL = "mean"
MEAN_OF_TRAINED = "mean without retrieval"
TRAINED = tuple(target for target in AVERAGED_TARGETS if target not in RETRIEVAL_TARGETS)
GROUP_OF_TARGET = {target: GROUP_OF_KIND[xtreme.TARGETS[target].kind] for target in AVERAGED_TARGETS}
GROUPS = {
    **{group: tuple(t for t in AVERAGED_TARGETS if GROUP_OF_TARGET[t] == group) for group in GROUP_OF_TARGET.values()},
    MEAN_OF_TRAINED: TRAINED,
    MEAN_OF_ALL: AVERAGED_TARGETS,
}
GROUP_SIZES = {name: len(members) for name, members in GROUPS.items()}


@dataclass(frozen=True, slots=True)
class PublishedGain:
    """One line of the published gain, in points; `share` is its share of the sum of gains over the nine targets."""

    baseline: float | None
    stilts: float | None
    share: float | None = None
    metrics: tuple[str, ...] = ()  # of a target: the line is their mean

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
    """Lines by target, then the names of GROUPS; `ours` has those that can be compared.

    `published` is in our metrics where these were published. `other_row` is a second published row, in the metrics
    that it has; `ours_beside_other` has our lines in the same metrics.
    """

    published: Mapping[str, PublishedGain]
    other_row: Mapping[str, PublishedGain]
    ours: Mapping[str, OwnGain]
    ours_beside_other: Mapping[str, OwnGain]
    missing_reasons: Mapping[str, str]  # target -> why we have no line of it
    is_comparable: bool  # False in a synthetic world


def compare_with_published(transfer: Transfer) -> PublishedComparison:
    """Return the published lines, and ours where the benchmark is XTREME or not stated."""
    other_row = decompose_published_gain(BASELINE, X_STILTS_OTHER)
    benchmark = transfer.loaded_scores.benchmark
    if benchmark is not None and benchmark not in COMPARABLE_BENCHMARKS:
        return PublishedComparison(
            published=decompose_published_gain(),
            other_row=other_row,
            ours={},
            ours_beside_other={},
            missing_reasons={},
            is_comparable=False,
        )
    own_metrics = {target: transfer.metrics.get(target, ()) for target in AVERAGED_TARGETS}
    published = decompose_published_gain(metrics=own_metrics)
    lines: dict[str, OwnGain] = {}
    missing: dict[str, str] = {}
    for target in AVERAGED_TARGETS:
        line = _compute_own_gain(transfer, target) if target in transfer.targets else "not in this sweep"
        if isinstance(line, OwnGain) and not _is_same_metric(published[target], own_metrics[target]):
            line = f"{' and '.join(own_metrics[target])} was not published"
        if isinstance(line, OwnGain):
            lines[target] = line
        else:
            missing[target] = line
    same = {each: line for each, line in lines.items() if _is_same_metric(other_row[each], own_metrics[each])}
    return PublishedComparison(
        published=published,
        other_row=other_row,
        ours=_add_means(lines),
        ours_beside_other=_add_means(same),
        missing_reasons=missing,
        is_comparable=True,
    )


def _is_same_metric(published: PublishedGain, own: Sequence[str]) -> bool:
    """Return True if both scores are the mean of the same metrics: F1 is not compared with exact match and F1."""
    return set(published.metrics) == set(own)


def _add_means(lines: Mapping[str, OwnGain]) -> dict[str, OwnGain]:
    """Return the lines with those of GROUPS of which every target is there."""
    added = dict(lines)
    for name, members in GROUPS.items():
        if lines.keys() >= set(members):
            baseline, best = np.mean([(lines[each].baseline, lines[each].best) for each in members], axis=0)
            added[name] = OwnGain(baseline, best, tasks=(), language_count=0, published_language_count=0)
    return added


def decompose_published_gain(
    before: PublishedSystem = BASELINE,
    after: PublishedSystem = X_STILTS,
    metrics: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, PublishedGain]:
    """Return the published gain by target; its sum is over task scores, not over the rounded means.

    A target is compared by the `metrics` named for it, where both systems have them, else by all that both have.
    Raise ValueError for systems of different settings.
    """
    if before.setting != after.setting:
        raise ValueError(f"{before.name} is {before.setting}, {after.name} is {after.setting}: no gain.")
    used = {
        target: list_common_metrics(before, after, target) or list_common_metrics(before, before, target)
        for target in AVERAGED_TARGETS
    }
    for target, named in (metrics or {}).items():
        used[target] = tuple(name for name in used[target] if name in named) or used[target]
    lines = {
        target: (before.score_of(target, used[target]), after.score_of(target, used[target]))
        for target in AVERAGED_TARGETS
    }
    means = {name: members for name, members in GROUPS.items() if name != RETRIEVAL}
    lines[RETRIEVAL] = (before.retrieval_mean(), after.retrieval_mean())
    means[MEAN_OF_ALL] = (*TRAINED, *[RETRIEVAL] * len(RETRIEVAL_TARGETS))
    for name, members in means.items():
        befores, afters = zip(*(lines[member] for member in members), strict=True)
        lines[name] = (_mean_or_none(befores), _mean_or_none(afters))
    published = {name: PublishedGain(*lines[name], metrics=used.get(name, ())) for name in (*AVERAGED_TARGETS, *GROUPS)}
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
