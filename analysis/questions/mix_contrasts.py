"""The effects of more kinds and of more tasks in a mix, separated from those of its single tasks by a linear model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analysis.statistics import effects
from analysis.statistics.effects import Effect, encode_one_hot
from analysis.statistics.moments import Array
from spaces.chain import DEFAULT_SAMPLER

MixMeasure = Literal["others", "worst", "quarter", "spread", "gap", "lowest", "losing"]
MIX_MEASURES: tuple[MixMeasure, ...] = get_args(MixMeasure)
ROBUSTNESS_MEASURES: tuple[MixMeasure, ...] = ("worst", "quarter", "spread", "gap")  # over languages, for the verdict
MEASURES_OVER_TARGETS: tuple[MixMeasure, ...] = ("lowest", "losing")
LOWER_IS_BETTER: tuple[MixMeasure, ...] = ("spread", "gap", "losing")
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
    near_duplicates: tuple[str, ...] = ()  # pairs of its tasks, such as anli+mnli, that have much the same rows

    @property
    def has_several_kinds(self) -> bool:
        """True if its tasks are of more than one kind."""
        return len(set(self.kinds)) > 1

    @property
    def effective_kinds(self) -> float:
        """The effective number of kinds: the exponential of the entropy of their shares (Hill 1973, order 1)."""
        return float(compute_effective_kinds(encode_one_hot(self.kinds).sum(axis=0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MixContrast:
    """An effect with two errors: over new mixes and seeds (`effect`), and over tasks with permuted kinds."""

    effect: Effect
    relabelled_p: float | None = None  # None where the effect is not about kinds

    @property
    def p(self) -> float:
        """The larger of the two p values."""
        return max(self.effect.p, self.relabelled_p or 0.0)


Contrasts = Mapping[MixMeasure, MixContrast | None]  # by measure; None where the mixes cannot separate the effect


def compute_effective_kinds(counts: Array) -> Array:
    """Return effective numbers of kinds [...], given counts [..., kinds]."""
    shares = counts / counts.sum(axis=-1, keepdims=True)
    return np.asarray(np.exp(-(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=-1)))


def compute_contrasts(
    mixes: Sequence[TaskMix],
    changes: Mapping[MixMeasure, Array],
    rng: np.random.Generator,
    labellings: int = LABELLINGS,
) -> dict[str, dict[MixMeasure, MixContrast | None]]:
    """Return the effects of more kinds and of more tasks, each at equal other, beyond the single tasks.

    The model of a measure: the mean of one number per task over the tasks of the mix, one number per size, and a slope
    in the effective number of kinds. For the slope in the logarithm of size there are no numbers per size.
    """
    contrasts: dict[str, dict[MixMeasure, MixContrast | None]] = {ONE_MORE_KIND: {}}
    sizes = [{len(mix.tasks) for mix in mixes if mix.has_several_kinds == has_several} for has_several in (True, False)]
    contrasts |= {name_kinds_contrast(size): {} for size in sorted(set.intersection(*sizes))}
    contrasts[TWICE_AS_MANY_TASKS] = {}
    for name, values in changes.items():
        rows, seeds = effects.find_complete_block(values)
        complete, block = [mixes[row] for row in rows], values[np.ix_(rows, seeds)]
        for contrast, by_measure in contrasts.items():
            by_measure[name] = None
            if not block.size:
                continue
            column, others = _build_design(complete, contrast)
            if (effect := effects.estimate_effect(block, column, others)) is not None:
                p = None
                if contrast == ONE_MORE_KIND:
                    permuted = _permute_kinds(complete, rng, labellings)
                    p = effects.compute_relabelled_p(block.mean(axis=1), column, permuted, others)
                by_measure[name] = MixContrast(effect=effect, relabelled_p=p)
    return contrasts


def name_kinds_contrast(size: int) -> str:
    """Return the name of the contrast of mixes of several kinds with those of one."""
    return f"several kinds against one, {size} tasks"


def _build_design(mixes: Sequence[TaskMix], contrast: str) -> tuple[Array, Array]:
    """Return the column of a contrast, and the columns that it must explain more than."""
    sizes = [len(mix.tasks) for mix in mixes]
    kinds = np.array([mix.effective_kinds for mix in mixes])
    shares, levels = _compute_task_shares(mixes), encode_one_hot(sizes)
    if contrast == TWICE_AS_MANY_TASKS:
        return np.log2(sizes), np.column_stack([shares, np.ones(len(mixes)), kinds])
    if contrast == ONE_MORE_KIND:
        return kinds, np.column_stack([shares, levels])
    is_size = np.array([name_kinds_contrast(size) == contrast for size in sizes])
    several_kinds = np.array([float(mix.has_several_kinds) for mix in mixes])
    other_sizes = levels * np.where(is_size, 0.0, kinds)[:, None]
    return is_size * several_kinds, np.column_stack([shares, levels, other_sizes])


def _compute_task_shares(mixes: Sequence[TaskMix]) -> Array:
    """Return each task's share of each mix, [mixes, tasks]; the tasks of a mix have equal shares."""
    tasks = list(dict.fromkeys(task for mix in mixes for task in mix.tasks))
    return np.array([[(task in mix.tasks) / len(mix.tasks) for task in tasks] for mix in mixes])


def _permute_kinds(mixes: Sequence[TaskMix], rng: np.random.Generator, count: int) -> Array:
    """Return effective numbers of kinds [count, mixes] after permuting the kinds among the tasks."""
    kind = {task: kind for mix in mixes for task, kind in zip(mix.tasks, mix.kinds, strict=True)}
    labels = encode_one_hot(list(kind.values()))  # tasks x kinds
    permutations = rng.permuted(np.tile(np.arange(len(labels)), (count, 1)), axis=1)
    return compute_effective_kinds((_compute_task_shares(mixes) > 0).astype(float) @ labels[permutations])
