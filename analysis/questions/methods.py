"""Methods of the intermediate phase against plain training of the same tasks, at equal steps and at equal compute."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Literal, get_args

import numpy as np

from analysis.questions.method_arms import BASES, ComparisonBasis, MethodArm, build_arms, find_plain_arm
from analysis.statistics.moments import Array
from analysis.statistics.significance import ALPHA, adjust_p_values, compute_p_values
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, benchmarks_of, compute_column
from spaces.errors import UsageError
from spaces.task import Task

MethodOutcome = Literal["in domain", "out of domain", "mixed", "mixed drop", "perturbed", "perturbed drop"]
OUTCOMES: tuple[MethodOutcome, ...] = get_args(MethodOutcome)
PRIMARY_OUTCOMES: tuple[MethodOutcome, ...] = ("out of domain", "mixed drop", "perturbed drop")  # the question's own

TargetsByOutcome = Mapping[MethodOutcome, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodEffect:
    """A method less plain training, in points by seed, paired by target, language and seed; NaN for a hole.

    For a drop (clean less shifted score) a negative value is better, for all other outcomes a positive one.
    """

    arm: MethodArm
    basis: ComparisonBasis
    outcome: MethodOutcome
    plain_chain: str | None
    values: Array  # seeds
    missing_reason: str = ""  # why there is no value at any seed
    p: float = np.nan
    holm: float = np.nan  # Holm's p, over methods, tasks and PRIMARY_OUTCOMES of one basis; else NaN

    @property
    def is_significant(self) -> bool:
        """True if it differs from 0 after Holm's correction."""
        return bool(self.holm < ALPHA)


@dataclass(frozen=True, kw_only=True)
class MethodComparison:
    """All comparisons that a sweep allows."""

    transfer: Transfer
    arms: tuple[MethodArm, ...]  # plain ones too
    has_measured_passes: bool  # passes are those that the stages recorded
    targets_by_outcome: Mapping[str, TargetsByOutcome]  # by kind of task
    effects: tuple[MethodEffect, ...]
    scored_chain_counts: Mapping[tuple[str, str], int]  # by method and kind of task

    @cached_property
    def method_arms(self) -> tuple[MethodArm, ...]:
        """The arms that have a method."""
        return tuple(arm for arm in self.arms if arm.method is not None)

    def get_effect(self, chain: str, basis: ComparisonBasis, outcome: MethodOutcome) -> MethodEffect:
        """Return the effect of one chain with a method."""
        return self._effects_by_key[chain, basis, outcome]

    @cached_property
    def _effects_by_key(self) -> Mapping[tuple[str, ComparisonBasis, MethodOutcome], MethodEffect]:
        return {(effect.arm.name, effect.basis, effect.outcome): effect for effect in self.effects}

    def select_effects(self, basis: ComparisonBasis, outcome: MethodOutcome) -> tuple[MethodEffect, ...]:
        """Return the effects that have a value at some seed."""
        effects = (each for each in self.effects if (each.basis, each.outcome) == (basis, outcome))
        return tuple(effect for effect in effects if np.isfinite(effect.values).any())


def compare_methods(transfer: Transfer) -> MethodComparison:
    """Compare each method with plain training; raise UsageError if no chain has a method, or none is plain."""
    arms, measured = build_arms(transfer)
    source = transfer.loaded_scores.source
    if not any(arm.method for arm in arms):
        raise UsageError(
            f"{source}: no chain trains its intermediate phase by a method, as `mnli~freelb` does. Run search/run.py "
            "--space adversarial."
        )
    if all(arm.method for arm in arms):
        methods = ", ".join(arm.name for arm in arms)
        raise UsageError(f"{source}: no plain chain to compare with {methods}. Add plain chains.")
    targets = {arm.kind: group_targets_by_outcome(transfer, arm.kind) for arm in arms}
    counts: Counter[tuple[str, str]] = Counter()
    for arm in arms:
        if arm.method is not None:
            counts[arm.method, arm.kind] += int(np.isfinite(transfer.scores[transfer.chains.index(arm.name)]).any())
    return MethodComparison(
        transfer=transfer,
        arms=arms,
        has_measured_passes=measured,
        targets_by_outcome=targets,
        effects=tuple(_add_p_values(tuple(_compute_effects(transfer, arms, targets)))),
        scored_chain_counts=counts,
    )


def _list_benchmark_targets(transfer: Transfer) -> Mapping[str, Task]:
    return {name: task for benchmark in benchmarks_of(transfer) for name, task in benchmark.targets.items()}


def group_targets_by_outcome(transfer: Transfer, kind: str) -> TargetsByOutcome:
    """Return the targets of each outcome for intermediate tasks of this kind.

    In domain are targets of the same kind as the task, such as the target trained on the task's own data set. All
    others, retrieval too, are out of domain. Shifted targets are neither.
    """
    tasks = _list_benchmark_targets(transfer)
    shifts = {name: tasks[name].shift for name in transfer.targets if name in tasks}
    clean = tuple(name for name in transfer.targets if shifts.get(name) is None)
    own = tuple(name for name in clean if name in tasks and tasks[name].kind == kind)
    mixed, perturbed = (
        tuple(name for name in transfer.targets if shifts.get(name) == shift) for shift in ("mixed", "perturbed")
    )
    other = tuple(name for name in clean if name in tasks and name not in own)
    return dict(zip(OUTCOMES, (own, other, mixed, mixed, perturbed, perturbed), strict=True))


def compute_drops(transfer: Transfer) -> Array:
    """Return the clean score, of mixed languages their mean, less the shifted one; NaN for targets not shifted."""
    tasks = _list_benchmark_targets(transfer)
    language_indices = {name: index for index, name in enumerate(transfer.languages)}
    drops = np.full(transfer.scores.shape, np.nan)
    for row, name in enumerate(transfer.targets):
        task = tasks.get(name)
        if task is None or task.clean_target not in transfer.targets:
            continue
        clean = transfer.scores[:, transfer.targets.index(task.clean_target)]
        for language, index in language_indices.items():
            sides = [language_indices.get(side, -1) for side in task.split_language(language)]
            if min(sides) >= 0:
                drops[:, row, index] = clean[:, sides].mean(axis=1) - transfer.scores[:, row, index]
    return drops


def _compute_effects(
    transfer: Transfer, arms: Sequence[MethodArm], targets: Mapping[str, TargetsByOutcome]
) -> Iterator[MethodEffect]:
    """Yield every method arm on every basis and outcome; arms of one kind share their columns."""
    drops, no_values = compute_drops(transfer), np.full(len(transfer.seeds), np.nan)
    for basis, kind in product(BASES, targets):
        pairs = [(arm, find_plain_arm(arms, arm, basis)) for arm in arms if arm.method is not None and arm.kind == kind]
        paired = [(arm, plain) for arm, plain in pairs if plain is not None]
        method_rows = [transfer.chains.index(arm.name) for arm, _ in paired]
        plain_rows = [transfer.chains.index(plain.name) for _, plain in paired]
        for outcome, scored in targets[kind].items():
            blank = MethodEffect(arm=arms[0], basis=basis, outcome=outcome, plain_chain=None, values=no_values)
            for arm, plain in pairs:
                if plain is None:
                    yield replace(blank, arm=arm, missing_reason="no plain chain")
                elif not scored:
                    yield replace(blank, arm=arm, plain_chain=plain.name, missing_reason="no target")
            if not scored:
                continue
            array = drops if outcome.endswith("drop") else transfer.scores
            column = TransferColumn(name=outcome, targets=scored)
            points = compute_column(transfer, column, array[method_rows] - array[plain_rows])
            for (arm, plain), values, parts in zip(paired, points.values, points.parts, strict=True):
                count = int(parts.max())
                reason = f"{count}/{points.of_parts} targets" if count else "no score"
                reason = "" if np.isfinite(values).any() else reason
                yield replace(blank, arm=arm, plain_chain=plain.name, values=values, missing_reason=reason)


def _add_p_values(effects: Sequence[MethodEffect]) -> Iterator[MethodEffect]:
    """Yield the effects with p values; Holm's are over the primary outcomes of one basis."""
    p = compute_p_values(np.array([effect.values for effect in effects]))
    primary = {
        basis: np.array([effect.basis == basis and effect.outcome in PRIMARY_OUTCOMES for effect in effects], np.bool_)
        for basis in BASES
    }
    adjusted = {basis: adjust_p_values(np.where(is_primary, p, np.nan)) for basis, is_primary in primary.items()}
    for index, effect in enumerate(effects):
        yield replace(effect, p=float(p[index]), holm=float(adjusted[effect.basis][index]))


def average_effects(effects: Sequence[MethodEffect]) -> Array:
    """Return the mean over the effects by seed; NaN where an effect lacks a seed that it has elsewhere."""
    values = [effect.values for effect in effects if np.isfinite(effect.values).any()]
    return np.asarray(np.mean(values, axis=0)) if values else np.zeros(0)
