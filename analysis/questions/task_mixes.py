"""Does a more diverse mix of intermediate tasks make transfer more robust, apart from its size and its tasks?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.questions import mix_contrasts
from analysis.questions.chains import describe_unequal_budgets, read_plain_chain, tasks_of
from analysis.questions.evenness import Evenness
from analysis.questions.mix_contrasts import ONE_MORE_KIND, Contrasts, MixMeasure, TaskMix
from analysis.statistics.effects import find_complete_block
from analysis.statistics.moments import EPSILON, Array
from analysis.statistics.significance import adjust_p_values
from spaces.errors import UsageError
from spaces.recipe_set import OURS
from spaces.recipes import find_default_sampler
from spaces.task import Task


@dataclass(frozen=True, kw_only=True)
class MixComparison:
    """Changes against the baseline of the same seed, in points; `losing` in points of a hundred targets."""

    evenness: Evenness
    targets: tuple[str, ...]
    mixes: tuple[TaskMix, ...]
    left_out: Mapping[str, str]  # chain -> why it is not a mix
    budget_warning: str | None
    changes: Mapping[MixMeasure, Array]  # mixes x seeds, means over the targets
    contrasts: Mapping[str, Contrasts]
    contrasts_by_target: Mapping[str, Contrasts]  # target -> ONE_MORE_KIND there
    default_sampler: str  # of mixes that name none
    sampler_changes: Mapping[str, Mapping[MixMeasure, Array]]  # chain -> by seed, against the default sampler
    distinct_contrasts: Contrasts  # ONE_MORE_KIND without mixes of near-duplicates; empty if there are none

    @property
    def repetitive_mixes(self) -> tuple[str, ...]:
        """The mixes that hold near-duplicates."""
        return tuple(mix.chain for mix in self.mixes if mix.near_duplicates)

    @property
    def incomplete_mixes(self) -> tuple[str, ...]:
        """The mixes that lack a value that others have: they are in no contrast of the mean."""
        complete = set(find_complete_block(self.changes["others"])[0].tolist())
        return tuple(mix.chain for row, mix in enumerate(self.mixes) if row not in complete)

    @property
    def dropped_seeds(self) -> tuple[int, ...]:
        """The seeds that are in no contrast of the mean."""
        complete = set(find_complete_block(self.changes["others"])[1].tolist())
        return tuple(seed for index, seed in enumerate(self.evenness.transfer.seeds) if index not in complete)

    def adjust_p_values(self, contrast: str) -> dict[MixMeasure, float]:
        """Return Holm's p values over the measures of robustness; measures without a p value are left out."""
        contrasts = self.contrasts[contrast]
        known = ((name, each) for name in mix_contrasts.ROBUSTNESS_MEASURES if (each := contrasts[name]) is not None)
        p_values = {name: each.p for name, each in known if np.isfinite(each.p)}
        return dict(zip(p_values, adjust_p_values(list(p_values.values())).tolist(), strict=True))


def compare_mixes(evenness: Evenness, rng: np.random.Generator, target: str | None = None) -> MixComparison:
    """Compare the mixes over all targets or one; raise UsageError for fewer than two mixes of known tasks."""
    transfer = evenness.transfer
    mixes, left_out = _find_mixes(evenness)
    default_sampler = _find_default_sampler(evenness)
    candidates = [mix for mix in mixes if mix.sampler == default_sampler or len(mix.tasks) == 1]
    if len(candidates) < 2:
        raise UsageError(
            f"{transfer.loaded_scores.source}: fewer than two chains are mixes of known tasks, so there is nothing to "
            "compare. Run search/run.py --space diversity."
        )
    scope = transfer.targets if target is None else (target,)
    changes = _compute_changes(evenness, mixes, scope)

    def compare(targets: tuple[str, ...], mixes: Sequence[TaskMix] = candidates) -> Mapping[str, Contrasts]:
        return mix_contrasts.compute_contrasts(mixes, _compute_changes(evenness, mixes, targets), rng)

    distinct = [mix for mix in candidates if not mix.near_duplicates]
    return MixComparison(
        evenness=evenness,
        targets=scope,
        mixes=mixes,
        left_out=left_out,
        budget_warning=describe_unequal_budgets(transfer, [mix.chain for mix in mixes]),
        changes=changes,
        contrasts=compare(scope),
        contrasts_by_target={name: compare((name,))[ONE_MORE_KIND] for name in (scope if len(scope) > 1 else ())},
        default_sampler=default_sampler,
        sampler_changes=_compare_samplers(mixes, changes, default_sampler),
        distinct_contrasts=compare(scope, distinct)[ONE_MORE_KIND] if 1 < len(distinct) < len(candidates) else {},
    )


def _find_mixes(evenness: Evenness) -> tuple[tuple[TaskMix, ...], dict[str, str]]:
    """Return the chains that are mixes, by size, and the reason why each other chain is none."""
    tasks = tasks_of(evenness.transfer)
    mixes: list[TaskMix] = []
    left_out: dict[str, str] = {}
    for name in evenness.transfer.intermediates:
        chain = read_plain_chain(evenness.transfer, name, tasks)
        if not isinstance(chain, str) and len(chain.tasks) < len(chain.ingredients):
            chain = "one task in several languages"
        if isinstance(chain, str):
            left_out[name] = chain
            continue
        kinds = tuple(tasks[task].kind for task in chain.tasks)
        sampler, pairs = chain.sampler or _find_default_sampler(evenness), _find_near_duplicates(chain.tasks, tasks)
        mixes.append(TaskMix(chain=name, tasks=chain.tasks, kinds=kinds, sampler=sampler, near_duplicates=pairs))
    return tuple(sorted(mixes, key=lambda mix: len(mix.tasks))), left_out


def _find_default_sampler(evenness: Evenness) -> str:
    return find_default_sampler(str(spec.get("recipe", OURS)) for spec in evenness.transfer.loaded_scores.specs)


def _find_near_duplicates(names: Sequence[str], tasks: Mapping[str, Task]) -> tuple[str, ...]:
    return tuple(f"{name}+{other}" for name in names for other in tasks[name].near_duplicates if other in names)


def _compute_changes(evenness: Evenness, mixes: Sequence[TaskMix], targets: Sequence[str]) -> dict[MixMeasure, Array]:
    """Return means over the targets that have the measure, less the baseline's at the same seed; NaN for a hole."""
    rows = [evenness.transfer.chains.index(mix.chain) for mix in mixes]
    indices = [evenness.transfer.targets.index(target) for target in targets]
    changes: dict[MixMeasure, Array] = {}
    for name in ("others", "worst", "quarter", "spread", "gap"):
        measured = evenness.measures[name][:, indices]
        measured = measured[:, np.isfinite(measured).any(axis=(0, 2))]
        gains = measured[rows] - measured[:1]  # mixes x targets x seeds
        changes[name] = gains.mean(axis=1) if gains.shape[1] else gains.sum(axis=1) + np.nan
        if name == "others" and gains.shape[1] > 1:
            loses = np.where(np.isnan(gains), np.nan, gains < -EPSILON)
            changes |= {"lowest": gains.min(axis=1), "losing": 100 * loses.mean(axis=1)}
    return {name: changes[name] for name in mix_contrasts.MIX_MEASURES if name in changes}


def _compare_samplers(
    mixes: Sequence[TaskMix], changes: Mapping[MixMeasure, Array], default_sampler: str
) -> dict[str, dict[MixMeasure, Array]]:
    """Return chains of another sampler less the chain of the same tasks with the default sampler."""
    default_rows = {frozenset(mix.tasks): row for row, mix in enumerate(mixes) if mix.sampler == default_sampler}
    return {
        mix.chain: {name: values[row] - values[default_rows[tasks]] for name, values in changes.items()}
        for row, mix in enumerate(mixes)
        if mix.sampler != default_sampler and (tasks := frozenset(mix.tasks)) in default_rows
    }
