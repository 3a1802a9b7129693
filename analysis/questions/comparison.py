"""The published gain of intermediate training by target, and ours chosen as theirs: the best task for each target."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.questions.judging import dev_scores
from analysis.statistics.moments import Array
from analysis.statistics.winner import winner
from analysis.transfer.array import Transfer
from analysis.transfer.columns import Column, points
from spaces import published, xtreme
from spaces.chain import NONE
from spaces.published import BASELINE, STILTS, TARGETS, System

COMPARABLE = ("xtreme", "xtreme-r")
BOTH = "bucc and tatoeba"  # known together only
MEAN = "mean"
TRAINED = "mean without retrieval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One line of the published gain, in points; `share` is of the sum of gains over the nine targets."""

    baseline: float | None
    stilts: float | None
    gain: float | None
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """One line of our own, by seed in points, NaN for a hole."""

    baseline: Array
    best: Array
    tasks: tuple[str, ...]  # the task that English dev chose; of retrieval the one of each seed that is left out
    languages: int
    of_languages: int  # that the published score is over; for a mean both are 0

    @property
    def gain(self) -> Array:
        """By seed."""
        return self.best - self.baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Lines by target, then BOTH, TRAINED and MEAN; `ours` has those that can be compared."""

    published: Mapping[str, Published]
    ours: Mapping[str, Ours]
    absent: Mapping[str, str]  # target -> why it has no line of ours
    comparable: bool  # False in a synthetic world


def comparison(found: Transfer) -> Comparison:
    """The published rows, and ours where the benchmark is XTREME or not stated."""
    theirs = decomposition()
    if found.read.benchmark is not None and found.read.benchmark not in COMPARABLE:
        return Comparison(published=theirs, ours={}, absent={}, comparable=False)
    lines: dict[str, Ours] = {}
    absent: dict[str, str] = {}
    for target in TARGETS:
        line = _line(found, target) if target in found.targets else "not in this sweep"
        if isinstance(line, Ours):
            lines[target] = line
        else:
            absent[target] = line
    trained = [target for target in TARGETS if target not in published.RETRIEVAL]
    for name, members in ((BOTH, list(published.RETRIEVAL)), (TRAINED, trained), (MEAN, list(TARGETS))):
        if all(member in lines for member in members):
            parts = [lines[member] for member in members]
            lines[name] = Ours(
                baseline=np.mean([part.baseline for part in parts], axis=0),
                best=np.mean([part.best for part in parts], axis=0),
                tasks=(),
                languages=0,
                of_languages=0,
            )
    return Comparison(published=theirs, ours=lines, absent=absent, comparable=True)


def decomposition(before: System = BASELINE, after: System = STILTS) -> dict[str, Published]:
    """The published gain by target: its sum is taken over task scores, not from the rounded means."""
    lines = {target: (before.score(target), after.score(target)) for target in TARGETS}
    lines[BOTH] = (before.retrieval(), after.retrieval())
    trained = [target for target in TARGETS if target not in published.RETRIEVAL]
    lines[TRAINED] = (_mean([lines[target][0] for target in trained]), _mean([lines[target][1] for target in trained]))
    whole = [*trained, *[BOTH] * len(published.RETRIEVAL)]
    lines[MEAN] = (_mean([lines[target][0] for target in whole]), _mean([lines[target][1] for target in whole]))
    weights = {BOTH: len(published.RETRIEVAL), TRAINED: len(trained), MEAN: len(TARGETS)}
    gains = {name: _less(end, start) for name, (start, end) in lines.items()}
    total = gains[MEAN]
    return {
        name: Published(
            baseline=start,
            stilts=end,
            gain=gains[name],
            share=None
            if (gain := gains[name]) is None or not total
            else gain * weights.get(name, 1) / total / len(TARGETS),
        )
        for name, (start, end) in lines.items()
    }


def _line(found: Transfer, target: str) -> Ours | str:
    """Our line of a target, or why there is none."""
    tasks = tuple(name for name in found.intermediates if name not in found.read.controls)
    names = (NONE, *tasks)
    shown = points(found, Column(name=target, targets=(target,)), found.scores)
    scores = np.where(shown.parts == shown.of_parts, shown.values, np.nan)[[found.chains.index(name) for name in names]]
    baseline, candidates = scores[0], scores[1:]
    seeds = np.isfinite(baseline)
    if not seeds.any():
        return "no whole score of the baseline"
    dev = dev_scores(found, tasks)[:, found.targets.index(target)]
    judged = np.isfinite(dev[:, seeds]).all(axis=1)
    best = np.full(len(found.seeds), np.nan)
    if judged.any():
        taken = int(np.where(judged, np.where(np.isfinite(dev), dev, 0.0)[:, seeds].mean(axis=1), -np.inf).argmax())
        best[:] = candidates[taken]
        chosen: tuple[str, ...] = (tasks[taken],)
    elif np.isfinite(dev).any():
        return "no task has English dev at every seed of the baseline"
    else:
        won = winner(candidates - baseline)
        if won is None:
            return "nothing is trained, so English dev cannot choose, and there are too few seeds to choose by others"
        for seed, task, _ in won.folds:
            best[seed] = candidates[task, seed]
        chosen = tuple(dict.fromkeys(tasks[task] for _, task, _ in won.folds))
    return Ours(
        baseline=baseline,
        best=best,
        tasks=chosen,
        languages=shown.of_parts,
        of_languages=len(xtreme.TARGETS[target].languages),
    )


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _less(end: float | None, start: float | None) -> float | None:
    return None if end is None or start is None else end - start
