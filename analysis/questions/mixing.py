"""Does a more diverse mix of intermediate tasks make transfer more robust, apart from its size and from which tasks?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analysis.questions.chains import plain, tasks_of, uneven
from analysis.questions.evenness import Evenness
from analysis.statistics.effects import Effect, effect, indicators, relabelled, whole
from analysis.statistics.moments import EPSILON, Array
from analysis.statistics.significance import holm
from spaces.chain import DEFAULT_SAMPLER
from spaces.errors import UsageError

Robust = Literal["others", "worst", "quarter", "spread", "gap", "lowest", "losing"]
MEASURES: tuple[Robust, ...] = get_args(Robust)
ROBUST: tuple[Robust, ...] = ("worst", "quarter", "spread", "gap")  # over languages; what the verdict is about
OVER_TARGETS: tuple[Robust, ...] = ("lowest", "losing")
LOWER: tuple[Robust, ...] = ("spread", "gap", "losing")  # the lower the better
ONE_MORE_KIND = "one more kind, at equal size"
TWICE = "twice as many tasks, at equal kinds"
LABELLINGS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """The tasks of a chain, and the kind of each; a single task is a mix of one."""

    chain: str
    tasks: tuple[str, ...]
    kinds: tuple[str, ...]
    sampler: str = DEFAULT_SAMPLER

    @property
    def several(self) -> bool:
        """Whether its tasks are of more than one kind."""
        return len(set(self.kinds)) > 1

    @property
    def effective(self) -> float:
        """The effective number of kinds: the exponential of the entropy of their shares (Hill 1973, order 1)."""
        return float(effective(indicators(self.kinds).sum(axis=0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An effect with two errors: over new mixes and seeds (`effect`), and over tasks whose kinds were dealt anew."""

    effect: Effect
    relabelled: float | None = None  # p; None where labels are not what the effect is about

    @property
    def p(self) -> float:
        """What has to hold in both ways."""
        return max(self.effect.p, self.relabelled or 0.0)


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """Changes over the baseline of the same seed, in points; `losing` in points of a hundred targets."""

    even: Evenness
    targets: tuple[str, ...]
    mixes: tuple[Mix, ...]
    left_out: Mapping[str, str]  # chain -> why it is no mix
    uneven: str | None
    changes: Mapping[Robust, Array]  # mixes x seeds, means over the targets
    findings: Mapping[str, Mapping[Robust, Finding | None]]  # contrast -> measure; None: nothing tells it apart
    by_target: Mapping[str, Mapping[Robust, Finding | None]]  # target -> ONE_MORE_KIND there
    samplers: Mapping[str, Mapping[Robust, Array]]  # chain -> by seed, less the default sampler's of the same tasks

    @property
    def short(self) -> tuple[str, ...]:
        """Mixes that lack what others have, and so are in no contrast of the mean."""
        kept = set(whole(self.changes["others"])[0].tolist())
        return tuple(mix.chain for row, mix in enumerate(self.mixes) if row not in kept)

    @property
    def lost(self) -> tuple[int, ...]:
        """Seeds that are in no contrast of the mean."""
        kept = set(whole(self.changes["others"])[1].tolist())
        return tuple(seed for place, seed in enumerate(self.even.found.seeds) if place not in kept)

    def adjusted(self, contrast: str) -> dict[Robust, float]:
        """The p values of the measures of robustness, corrected for their number; without those that have none."""
        line = self.findings[contrast]
        known = {name: one.p for name in ROBUST if (one := line[name]) is not None and np.isfinite(one.p)}
        return dict(zip(known, holm(list(known.values())).tolist(), strict=True))


def effective(counts: Array) -> Array:
    """Effective numbers of kinds, of counts [..., kinds]: [...]."""
    shares = counts / counts.sum(axis=-1, keepdims=True)
    return np.asarray(np.exp(-(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=-1)))


def mixing(even: Evenness, rng: np.random.Generator, target: str | None = None) -> Mixing:
    """Compare the mixes over all targets of `even`, or over one.

    Raises:
        UsageError: there are no two mixes of known tasks.
    """
    found = even.found
    mixes, left_out = _mixes(even)
    judged = [mix for mix in mixes if mix.sampler == DEFAULT_SAMPLER or len(mix.tasks) == 1]
    if len(judged) < 2:
        raise UsageError(
            f"{found.read.source}: fewer than two chains are mixes of known tasks, so there is nothing to compare; "
            f"see search/run.py --space diversity."
        )
    scope = found.targets if target is None else (target,)
    changes = _changes(even, mixes, scope)
    rows = [mixes.index(mix) for mix in judged]
    return Mixing(
        even=even,
        targets=scope,
        mixes=mixes,
        left_out=left_out,
        uneven=uneven(found, [mix.chain for mix in mixes]),
        changes=changes,
        findings=contrasts(judged, {name: values[rows] for name, values in changes.items()}, rng),
        by_target={
            name: contrasts(judged, {key: each[rows] for key, each in _changes(even, mixes, (name,)).items()}, rng)[
                ONE_MORE_KIND
            ]
            for name in (scope if len(scope) > 1 else ())
        },
        samplers=_samplers(mixes, changes),
    )


def contrasts(
    mixes: Sequence[Mix], changes: Mapping[Robust, Array], rng: np.random.Generator, labellings: int = LABELLINGS
) -> dict[str, dict[Robust, Finding | None]]:
    """What more kinds and more tasks do, each at the other's equal, beyond what the tasks bring one by one.

    The model of a measure: the mean of one number per task over the tasks of the mix, one number per size, and a slope
    in the effective number of kinds; for the slope in the logarithm of size: without the numbers per size.
    """
    found: dict[str, dict[Robust, Finding | None]] = {ONE_MORE_KIND: {}}
    sorts = [{len(mix.tasks) for mix in mixes if mix.several == sort} for sort in (True, False)]
    found |= {several(size): {} for size in sorted(set.intersection(*sorts))} | {TWICE: {}}
    for name, values in changes.items():
        rows, seeds = whole(values)
        kept, there = [mixes[row] for row in rows], values[np.ix_(rows, seeds)]
        for contrast, line in found.items():
            line[name] = None
            if not there.size:
                continue
            column, others = _design(kept, contrast)
            if (one := effect(there, column, others)) is not None:
                dealt = _dealt(kept, rng, labellings) if contrast == ONE_MORE_KIND else None
                p = None if dealt is None else relabelled(there.mean(axis=1), column, dealt, others)
                line[name] = Finding(effect=one, relabelled=p)
    return found


def several(size: int) -> str:
    """The name of the contrast of mixes of several kinds with those of one."""
    return f"several kinds against one, {size} tasks"


def _design(mixes: Sequence[Mix], contrast: str) -> tuple[Array, Array]:
    """The column of a contrast, and what it must say beyond."""
    sizes = [len(mix.tasks) for mix in mixes]
    kinds = np.array([mix.effective for mix in mixes])
    shares, levels = _shares(mixes), indicators(sizes)
    if contrast == TWICE:
        return np.log2(sizes), np.column_stack([shares, np.ones(len(mixes)), kinds])
    if contrast == ONE_MORE_KIND:
        return kinds, np.column_stack([shares, levels])
    here = np.array([several(size) == contrast for size in sizes])
    mixed = np.array([float(mix.several) for mix in mixes])
    elsewhere = levels * np.where(here, 0.0, kinds)[:, None]
    return here * mixed, np.column_stack([shares, levels, elsewhere])


def _shares(mixes: Sequence[Mix]) -> Array:
    """What share of a mix each task is, all alike: [mixes, tasks]."""
    tasks = list(dict.fromkeys(task for mix in mixes for task in mix.tasks))
    return np.array([[(task in mix.tasks) / len(mix.tasks) for task in tasks] for mix in mixes])


def _dealt(mixes: Sequence[Mix], rng: np.random.Generator, count: int) -> Array:
    """Effective numbers of kinds when kinds are dealt anew to the tasks, as many of each: [count, mixes]."""
    kind = {task: kind for mix in mixes for task, kind in zip(mix.tasks, mix.kinds, strict=True)}
    labels = indicators(list(kind.values()))  # tasks x kinds
    deals = rng.permuted(np.tile(np.arange(len(labels)), (count, 1)), axis=1)
    return effective((_shares(mixes) > 0).astype(float) @ labels[deals])


def _mixes(even: Evenness) -> tuple[tuple[Mix, ...], dict[str, str]]:
    """The chains that are mixes, in the order of their size, and why others are none."""
    tasks = tasks_of(even.found)
    mixes: list[Mix] = []
    left_out: dict[str, str] = {}
    for name in even.found.intermediates:
        chain = plain(even.found, name, tasks)
        if not isinstance(chain, str) and len(chain.tasks) < len(chain.ingredients):
            chain = "a task in several languages"
        if isinstance(chain, str):
            left_out[name] = chain
            continue
        kinds = tuple(tasks[task].kind for task in chain.tasks)
        mixes.append(Mix(chain=name, tasks=chain.tasks, kinds=kinds, sampler=chain.sampler or DEFAULT_SAMPLER))
    return tuple(sorted(mixes, key=lambda mix: len(mix.tasks))), left_out


def _changes(even: Evenness, mixes: Sequence[Mix], targets: Sequence[str]) -> dict[Robust, Array]:
    """Means over the targets that have the measure, less the baseline's at the same seed; NaN where one is missing."""
    rows = [even.found.chains.index(mix.chain) for mix in mixes]
    places = [even.found.targets.index(target) for target in targets]
    changes: dict[Robust, Array] = {}
    for name in ("others", "worst", "quarter", "spread", "gap"):
        measured = even.measures[name][:, places]
        measured = measured[:, np.isfinite(measured).any(axis=(0, 2))]
        gains = measured[rows] - measured[:1]  # mixes x targets x seeds
        changes[name] = gains.mean(axis=1) if gains.shape[1] else np.full((len(mixes), len(even.found.seeds)), np.nan)
        if name == "others" and gains.shape[1] > 1:
            lost = np.where(np.isnan(gains), np.nan, gains < -EPSILON)
            changes |= {"lowest": gains.min(axis=1), "losing": 100 * lost.mean(axis=1)}
    return {name: changes[name] for name in MEASURES if name in changes}


def _samplers(mixes: Sequence[Mix], changes: Mapping[Robust, Array]) -> dict[str, dict[Robust, Array]]:
    """Chains of another sampler, less the chain of the same tasks with the default one."""
    default = {frozenset(mix.tasks): row for row, mix in enumerate(mixes) if mix.sampler == DEFAULT_SAMPLER}
    return {
        mix.chain: {name: values[row] - values[default[tasks]] for name, values in changes.items()}
        for row, mix in enumerate(mixes)
        if mix.sampler != DEFAULT_SAMPLER and (tasks := frozenset(mix.tasks)) in default
    }
