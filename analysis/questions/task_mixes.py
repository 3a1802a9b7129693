"""Does a more diverse mix of intermediate tasks make transfer more robust, apart from its size and from which tasks?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analysis.questions.chains import describe_unequal_budgets, read_plain_chain, tasks_of
from analysis.questions.evenness import Evenness
from analysis.statistics.effects import (
    Effect,
    compute_relabelled_p,
    encode_one_hot,
    estimate_effect,
    find_complete_block,
)
from analysis.statistics.moments import EPSILON, Array
from analysis.statistics.significance import adjust_p_values
from spaces.chain import DEFAULT_SAMPLER
from spaces.errors import UsageError

MixMeasure = Literal["others", "worst", "quarter", "spread", "gap", "lowest", "losing"]
MIX_MEASURES: tuple[MixMeasure, ...] = get_args(MixMeasure)
ROBUSTNESS_MEASURES: tuple[MixMeasure, ...] = (
    "worst",
    "quarter",
    "spread",
    "gap",
)  # over languages; what the verdict is about
MEASURES_OVER_TARGETS: tuple[MixMeasure, ...] = ("lowest", "losing")
LOWER_IS_BETTER: tuple[MixMeasure, ...] = ("spread", "gap", "losing")  # the lower the better
ONE_MORE_KIND = "one more kind, at equal size"
TWICE_AS_MANY_TASKS = "twice as many tasks, at equal kinds"
LABELLINGS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMix:
    """The tasks of a chain, and the kind of each; a single task is a mix of one."""

    chain: str
    tasks: tuple[str, ...]
    kinds: tuple[str, ...]
    sampler: str = DEFAULT_SAMPLER

    @property
    def has_several_kinds(self) -> bool:
        """Whether its tasks are of more than one kind."""
        return len(set(self.kinds)) > 1

    @property
    def effective_kinds(self) -> float:
        """The effective number of kinds: the exponential of the entropy of their shares (Hill 1973, order 1)."""
        return float(compute_effective_kinds(encode_one_hot(self.kinds).sum(axis=0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MixContrast:
    """An effect with two errors: over new mixes and seeds (`effect`), and over tasks whose kinds were dealt anew."""

    effect: Effect
    relabelled_p: float | None = None  # p; None where labels are not what the effect is about

    @property
    def p(self) -> float:
        """What has to hold in both ways."""
        return max(self.effect.p, self.relabelled_p or 0.0)


@dataclass(frozen=True, kw_only=True)
class MixComparison:
    """Changes over the baseline of the same seed, in points; `losing` in points of a hundred targets."""

    evenness: Evenness
    targets: tuple[str, ...]
    mixes: tuple[TaskMix, ...]
    left_out: Mapping[str, str]  # chain -> why it is no mix
    budget_warning: str | None
    changes: Mapping[MixMeasure, Array]  # mixes x seeds, means over the targets
    contrasts: Mapping[
        str, Mapping[MixMeasure, MixContrast | None]
    ]  # contrast -> measure; None: nothing tells it apart
    contrasts_by_target: Mapping[str, Mapping[MixMeasure, MixContrast | None]]  # target -> ONE_MORE_KIND there
    sampler_changes: Mapping[
        str, Mapping[MixMeasure, Array]
    ]  # chain -> by seed, less the default sampler's of the same tasks

    @property
    def incomplete_mixes(self) -> tuple[str, ...]:
        """Mixes that lack what others have, and so are in no contrast of the mean."""
        kept = set(find_complete_block(self.changes["others"])[0].tolist())
        return tuple(mix.chain for row, mix in enumerate(self.mixes) if row not in kept)

    @property
    def dropped_seeds(self) -> tuple[int, ...]:
        """Seeds that are in no contrast of the mean."""
        kept = set(find_complete_block(self.changes["others"])[1].tolist())
        return tuple(seed for place, seed in enumerate(self.evenness.transfer.seeds) if place not in kept)

    def adjust_p_values(self, contrast: str) -> dict[MixMeasure, float]:
        """The p values of the measures of robustness, corrected for their number; without those that have none."""
        line = self.contrasts[contrast]
        known = {name: one.p for name in ROBUSTNESS_MEASURES if (one := line[name]) is not None and np.isfinite(one.p)}
        return dict(zip(known, adjust_p_values(list(known.values())).tolist(), strict=True))


def compute_effective_kinds(counts: Array) -> Array:
    """Effective numbers of kinds, of counts [..., kinds]: [...]."""
    shares = counts / counts.sum(axis=-1, keepdims=True)
    return np.asarray(np.exp(-(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=-1)))


def compare_mixes(even: Evenness, rng: np.random.Generator, target: str | None = None) -> MixComparison:
    """Compare the mixes over all targets of `even`, or over one.

    Raises:
        UsageError: there are no two mixes of known tasks.
    """
    found = even.transfer
    mixes, left_out = _find_mixes(even)
    judged = [mix for mix in mixes if mix.sampler == DEFAULT_SAMPLER or len(mix.tasks) == 1]
    if len(judged) < 2:
        raise UsageError(
            f"{found.loaded_scores.source}: fewer than two chains are mixes of known tasks, so there is nothing to compare; "
            f"see search/run.py --space diversity."
        )
    scope = found.targets if target is None else (target,)
    changes = _compute_changes(even, mixes, scope)
    rows = [mixes.index(mix) for mix in judged]
    return MixComparison(
        evenness=even,
        targets=scope,
        mixes=mixes,
        left_out=left_out,
        budget_warning=describe_unequal_budgets(found, [mix.chain for mix in mixes]),
        changes=changes,
        contrasts=compute_contrasts(judged, {name: values[rows] for name, values in changes.items()}, rng),
        contrasts_by_target={
            name: compute_contrasts(
                judged, {key: each[rows] for key, each in _compute_changes(even, mixes, (name,)).items()}, rng
            )[ONE_MORE_KIND]
            for name in (scope if len(scope) > 1 else ())
        },
        sampler_changes=_compare_samplers(mixes, changes),
    )


def compute_contrasts(
    mixes: Sequence[TaskMix],
    changes: Mapping[MixMeasure, Array],
    rng: np.random.Generator,
    labellings: int = LABELLINGS,
) -> dict[str, dict[MixMeasure, MixContrast | None]]:
    """What more kinds and more tasks do, each at the other's equal, beyond what the tasks bring one by one.

    The model of a measure: the mean of one number per task over the tasks of the mix, one number per size, and a slope
    in the effective number of kinds; for the slope in the logarithm of size: without the numbers per size.
    """
    found: dict[str, dict[MixMeasure, MixContrast | None]] = {ONE_MORE_KIND: {}}
    sorts = [{len(mix.tasks) for mix in mixes if mix.has_several_kinds == sort} for sort in (True, False)]
    found |= {name_kinds_contrast(size): {} for size in sorted(set.intersection(*sorts))} | {TWICE_AS_MANY_TASKS: {}}
    for name, values in changes.items():
        rows, seeds = find_complete_block(values)
        kept, there = [mixes[row] for row in rows], values[np.ix_(rows, seeds)]
        for contrast, line in found.items():
            line[name] = None
            if not there.size:
                continue
            column, others = _build_design(kept, contrast)
            if (one := estimate_effect(there, column, others)) is not None:
                dealt = _permute_kinds(kept, rng, labellings) if contrast == ONE_MORE_KIND else None
                p = None if dealt is None else compute_relabelled_p(there.mean(axis=1), column, dealt, others)
                line[name] = MixContrast(effect=one, relabelled_p=p)
    return found


def name_kinds_contrast(size: int) -> str:
    """The name of the contrast of mixes of several kinds with those of one."""
    return f"several kinds against one, {size} tasks"


def _build_design(mixes: Sequence[TaskMix], contrast: str) -> tuple[Array, Array]:
    """The column of a contrast, and what it must say beyond."""
    sizes = [len(mix.tasks) for mix in mixes]
    kinds = np.array([mix.effective_kinds for mix in mixes])
    shares, levels = _compute_task_shares(mixes), encode_one_hot(sizes)
    if contrast == TWICE_AS_MANY_TASKS:
        return np.log2(sizes), np.column_stack([shares, np.ones(len(mixes)), kinds])
    if contrast == ONE_MORE_KIND:
        return kinds, np.column_stack([shares, levels])
    here = np.array([name_kinds_contrast(size) == contrast for size in sizes])
    mixed = np.array([float(mix.has_several_kinds) for mix in mixes])
    elsewhere = levels * np.where(here, 0.0, kinds)[:, None]
    return here * mixed, np.column_stack([shares, levels, elsewhere])


def _compute_task_shares(mixes: Sequence[TaskMix]) -> Array:
    """What share of a mix each task is, all alike: [mixes, tasks]."""
    tasks = list(dict.fromkeys(task for mix in mixes for task in mix.tasks))
    return np.array([[(task in mix.tasks) / len(mix.tasks) for task in tasks] for mix in mixes])


def _permute_kinds(mixes: Sequence[TaskMix], rng: np.random.Generator, count: int) -> Array:
    """Effective numbers of kinds when kinds are dealt anew to the tasks, as many of each: [count, mixes]."""
    kind = {task: kind for mix in mixes for task, kind in zip(mix.tasks, mix.kinds, strict=True)}
    labels = encode_one_hot(list(kind.values()))  # tasks x kinds
    deals = rng.permuted(np.tile(np.arange(len(labels)), (count, 1)), axis=1)
    return compute_effective_kinds((_compute_task_shares(mixes) > 0).astype(float) @ labels[deals])


def _find_mixes(even: Evenness) -> tuple[tuple[TaskMix, ...], dict[str, str]]:
    """The chains that are mixes, in the order of their size, and why others are none."""
    tasks = tasks_of(even.transfer)
    mixes: list[TaskMix] = []
    left_out: dict[str, str] = {}
    for name in even.transfer.intermediates:
        chain = read_plain_chain(even.transfer, name, tasks)
        if not isinstance(chain, str) and len(chain.tasks) < len(chain.ingredients):
            chain = "a task in several languages"
        if isinstance(chain, str):
            left_out[name] = chain
            continue
        kinds = tuple(tasks[task].kind for task in chain.tasks)
        mixes.append(TaskMix(chain=name, tasks=chain.tasks, kinds=kinds, sampler=chain.sampler or DEFAULT_SAMPLER))
    return tuple(sorted(mixes, key=lambda mix: len(mix.tasks))), left_out


def _compute_changes(even: Evenness, mixes: Sequence[TaskMix], targets: Sequence[str]) -> dict[MixMeasure, Array]:
    """Means over the targets that have the measure, less the baseline's at the same seed; NaN where one is missing."""
    rows = [even.transfer.chains.index(mix.chain) for mix in mixes]
    places = [even.transfer.targets.index(target) for target in targets]
    changes: dict[MixMeasure, Array] = {}
    for name in ("others", "worst", "quarter", "spread", "gap"):
        measured = even.measures[name][:, places]
        measured = measured[:, np.isfinite(measured).any(axis=(0, 2))]
        gains = measured[rows] - measured[:1]  # mixes x targets x seeds
        changes[name] = (
            gains.mean(axis=1) if gains.shape[1] else np.full((len(mixes), len(even.transfer.seeds)), np.nan)
        )
        if name == "others" and gains.shape[1] > 1:
            lost = np.where(np.isnan(gains), np.nan, gains < -EPSILON)
            changes |= {"lowest": gains.min(axis=1), "losing": 100 * lost.mean(axis=1)}
    return {name: changes[name] for name in MIX_MEASURES if name in changes}


def _compare_samplers(
    mixes: Sequence[TaskMix], changes: Mapping[MixMeasure, Array]
) -> dict[str, dict[MixMeasure, Array]]:
    """Chains of another sampler, less the chain of the same tasks with the default one."""
    default = {frozenset(mix.tasks): row for row, mix in enumerate(mixes) if mix.sampler == DEFAULT_SAMPLER}
    return {
        mix.chain: {name: values[row] - values[default[tasks]] for name, values in changes.items()}
        for row, mix in enumerate(mixes)
        if mix.sampler != DEFAULT_SAMPLER and (tasks := frozenset(mix.tasks)) in default
    }
