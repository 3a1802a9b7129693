"""Methods of the intermediate phase against plain training of the same tasks: at equal steps, and at equal compute.

A method changes what a step does (`spaces/method.py`), and most cost several passes where a plain step costs one. So
`mnli~freelb` is compared with `mnli`, which takes as many steps, and with `mnli~x2`, which makes as many passes. Where
no plain chain makes just as many, the next longer one stands in: what a method gains over it is no matter of compute.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Literal, get_args

import numpy as np
import polars as pl

from analysis.questions.chains import tasks_of
from analysis.statistics.moments import Array
from analysis.statistics.significance import ALPHA, adjust_p_values, compute_p_values
from analysis.transfer.array import Transfer
from analysis.transfer.columns import TransferColumn, compute_column
from spaces.benchmark import BENCHMARKS
from spaces.chain import Chain, parse_chain
from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.task import Task

ComparisonBasis = Literal["steps", "compute"]
BASES: tuple[ComparisonBasis, ...] = get_args(ComparisonBasis)
MethodOutcome = Literal["in domain", "out of domain", "mixed", "mixed drop", "perturbed", "perturbed drop"]
OUTCOMES: tuple[MethodOutcome, ...] = get_args(MethodOutcome)
PRIMARY_OUTCOMES: tuple[MethodOutcome, ...] = (
    "out of domain",
    "mixed drop",
    "perturbed drop",
)  # what the question is about
MIN_PASS_RATIO, MAX_PASS_RATIO = (
    0.95,
    1.5,
)  # passes of a plain chain, in those of the method, at which their compute counts as equal
MIXED_KINDS = "several"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodArm:
    """A chain that can be compared: the tasks of its phase, how they were trained, and what that cost."""

    name: str
    tasks: str  # as the chain names them, with the sampler of a mix
    kind: str  # of the tasks; MIXED_KINDS of a mix of several
    method: str | None  # None: plain
    times: int
    passes: float  # plain steps that the phase is worth: measured, or in units of the tasks' own recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodEffect:
    """A method less plain training, in points by seed, paired by target, language and seed; NaN for a hole.

    Of a drop (clean less shifted score) below 0 is better, of all else above.
    """

    arm: MethodArm
    basis: ComparisonBasis
    outcome: MethodOutcome
    plain_chain: str | None  # the plain chain; None where there is none
    values: Array  # seeds
    missing_reason: str = ""  # no value at any seed
    p: float = np.nan  # of no difference
    holm: float = np.nan  # Holm's, over all methods and tasks and what is ASKED of one basis; NaN if not asked

    @property
    def is_significant(self) -> bool:
        """True if it differs from 0 even when all that is asked is looked at."""
        return bool(self.holm < ALPHA)


@dataclass(frozen=True, kw_only=True)
class MethodComparison:
    """All comparisons that a sweep allows."""

    transfer: Transfer
    arms: tuple[MethodArm, ...]  # plain ones too
    has_measured_passes: bool  # whether passes are those that stages recorded
    targets_by_outcome: Mapping[str, Mapping[MethodOutcome, tuple[str, ...]]]  # kind of task -> outcome -> targets
    effects: tuple[MethodEffect, ...]
    scored_chain_counts: Mapping[tuple[str, str], int] = field(
        default_factory=dict
    )  # method, kind -> chains with a score

    @cached_property
    def method_arms(self) -> tuple[MethodArm, ...]:
        """The arms of methods."""
        return tuple(arm for arm in self.arms if arm.method is not None)

    def get_effect(self, chain: str, basis: ComparisonBasis, outcome: MethodOutcome) -> MethodEffect:
        """The one effect of a method's chain."""
        return self._effects_by_key[chain, basis, outcome]

    @cached_property
    def _effects_by_key(self) -> Mapping[tuple[str, ComparisonBasis, MethodOutcome], MethodEffect]:
        return {(one.arm.name, one.basis, one.outcome): one for one in self.effects}

    def select_effects(self, basis: ComparisonBasis, outcome: MethodOutcome) -> tuple[MethodEffect, ...]:
        """The effects that have a value at some seed."""
        return tuple(
            one
            for one in self.effects
            if (one.basis, one.outcome) == (basis, outcome) and np.isfinite(one.values).any()
        )


def compare_methods(found: Transfer) -> MethodComparison:
    """Every method of a sweep against plain training.

    Raises:
        UsageError: no chain has a method that could be compared, or no chain is plain.
    """
    arms, measured = build_arms(found)
    if not any(arm.method for arm in arms):
        raise UsageError(
            f"{found.loaded_scores.source}: no chain trains its intermediate phase by a method, as `mnli~freelb` does: search "
            "`--space adversarial`."
        )
    if all(arm.method for arm in arms):
        methods = ", ".join(arm.name for arm in arms)
        raise UsageError(
            f"{found.loaded_scores.source}: no plain chain to compare with {methods}: add the tasks without method."
        )
    targets = {arm.kind: group_targets_by_outcome(found, arm.kind) for arm in arms}
    return MethodComparison(
        transfer=found,
        arms=arms,
        has_measured_passes=measured,
        targets_by_outcome=targets,
        effects=tuple(_add_p_values(tuple(_compute_effects(found, arms, targets)))),
        scored_chain_counts=_count_scored_chains(found, arms),
    )


def build_arms(found: Transfer) -> tuple[tuple[MethodArm, ...], bool]:
    """The chains with an intermediate phase that can be compared, and whether their costs are measured."""
    known = tasks_of(found)
    chains = [chain for name in found.intermediates if (chain := _read_comparable_chain(found, name)) is not None]
    measured = _read_measured_passes(found, chains)
    arms = tuple(
        MethodArm(
            name=chain.name,
            tasks="+".join(map(str, chain.ingredients)) + (f"~{chain.sampler}" if chain.sampler else ""),
            kind=_kind_of(chain, known),
            method=chain.method,
            times=chain.step_multiplier,
            passes=measured.get(chain.name)
            or chain.step_multiplier * (METHODS[chain.method].passes if chain.method else 1.0),
        )
        for chain in chains
    )
    return arms, bool(measured)


def _read_comparable_chain(found: Transfer, name: str) -> Chain | None:
    """The chain, unless it is a control, has no phase, or changes the target's own fine-tuning."""
    try:
        chain = parse_chain(name)
    except UsageError:  # a foreign file may call its chains as it likes
        return None
    controlled = {name, *chain.tasks} & found.loaded_scores.controls
    return None if controlled or not chain.ingredients or chain.target_method else chain


def _kind_of(chain: Chain, known: Mapping[str, Task]) -> str:
    kinds = {known[task].kind if task in known else "unknown" for task in chain.tasks}
    return MIXED_KINDS if len(kinds) > 1 or chain.is_multitask else kinds.pop()


def _read_measured_passes(found: Transfer, chains: Sequence[Chain]) -> dict[str, float]:
    """Passes by chain, where every one of them recorded its own; else empty."""
    rows = found.loaded_scores.intermediate_rows
    if "passes" not in rows.columns:
        return {}
    whole = pl.col("status").is_in(["finished", "degenerate"])  # they took all their steps
    finished = rows.filter(whole, pl.col("passes").is_not_null())
    spent = dict(finished.group_by("intermediate").agg(pl.col("passes").max()).iter_rows())
    return {chain.name: spent[chain.name] for chain in chains} if all(one.name in spent for one in chains) else {}


def _list_benchmark_targets(found: Transfer) -> Mapping[str, Task]:
    """The targets of the benchmark; of a file that names none: those of any benchmark."""
    benchmark = BENCHMARKS.get(found.loaded_scores.benchmark or "")
    tables = [benchmark] if benchmark else BENCHMARKS.values()
    return {name: task for table in tables for name, task in table.targets.items()}


def group_targets_by_outcome(found: Transfer, kind: str) -> dict[MethodOutcome, tuple[str, ...]]:
    """Which targets tell each outcome for intermediate tasks of this kind.

    In domain are targets of the same kind as the task: one that is trained on the task's own data set is among them.
    All others, retrieval too, are out of domain. Shifted targets are neither.
    """
    known = _list_benchmark_targets(found)
    shift = {name: known[name].shift for name in found.targets if name in known}
    clean = tuple(name for name in found.targets if shift.get(name) is None)
    own = tuple(name for name in clean if name in known and known[name].kind == kind)
    told: dict[MethodOutcome, tuple[str, ...]] = {
        "in domain": own,
        "out of domain": tuple(name for name in clean if name in known and name not in own),
    }
    for how in ("mixed", "perturbed"):
        told[how] = told[f"{how} drop"] = tuple(name for name in found.targets if shift.get(name) == how)  # type: ignore[index]
    return told


def compute_drops(found: Transfer) -> Array:
    """The shape of the scores: of a shifted target, by how much it is below the clean one; NaN elsewhere.

    Where two languages are mixed, the clean score is the mean over both.
    """
    known, places = _list_benchmark_targets(found), {name: place for place, name in enumerate(found.languages)}
    drops = np.full(found.scores.shape, np.nan)
    for row, name in enumerate(found.targets):
        task = known.get(name)
        if task is None or task.clean_target not in found.targets:
            continue
        clean = found.scores[:, found.targets.index(task.clean_target)]
        for language, place in places.items():
            sides = task.split_language(language)
            if all(side in places for side in sides):
                whole = np.mean([clean[:, places[side]] for side in sides], axis=0)
                drops[:, row, place] = whole - found.scores[:, row, place]
    return drops


def find_plain_arm(arms: Sequence[MethodArm], arm: MethodArm, basis: ComparisonBasis) -> MethodArm | None:
    """The plain chain of the same tasks with as many steps, or with as many passes or the next more (up to MOST)."""
    same = [one for one in arms if one.method is None and one.tasks == arm.tasks]
    if basis == "steps":
        return next((one for one in same if one.times == arm.times), None)
    enough = [one for one in same if MIN_PASS_RATIO <= one.passes / arm.passes <= MAX_PASS_RATIO]
    return min(enough, key=lambda one: one.passes, default=None)


def _compute_effects(
    found: Transfer, arms: Sequence[MethodArm], targets: Mapping[str, Mapping[MethodOutcome, tuple[str, ...]]]
) -> Iterator[MethodEffect]:
    """Every method arm on every basis and outcome; arms of one kind have the same columns and are taken together."""
    drops, nothing = compute_drops(found), np.full(len(found.seeds), np.nan)
    for basis, kind in product(BASES, targets):
        pairs = [(arm, find_plain_arm(arms, arm, basis)) for arm in arms if arm.method is not None and arm.kind == kind]
        known = [(arm, plain) for arm, plain in pairs if plain is not None]
        ones = [found.chains.index(arm.name) for arm, _ in known]
        others = [found.chains.index(plain.name) for _, plain in known]
        for outcome, scored in targets[kind].items():
            blank = MethodEffect(arm=arms[0], basis=basis, outcome=outcome, plain_chain=None, values=nothing)
            yield from (
                replace(blank, arm=arm, missing_reason="no plain chain") for arm, plain in pairs if plain is None
            )
            if not scored:
                yield from (
                    replace(blank, arm=arm, plain_chain=plain.name, missing_reason="no target") for arm, plain in known
                )
                continue
            array = drops if outcome.endswith("drop") else found.scores
            shown = compute_column(found, TransferColumn(name=outcome, targets=scored), array[ones] - array[others])
            for place, (arm, plain) in enumerate(known):
                values, there = shown.values[place], int(shown.parts[place].max())
                lacking = f"{there}/{shown.of_parts} targets" if there else "no score"
                why = "" if np.isfinite(values).any() else lacking
                yield replace(blank, arm=arm, plain_chain=plain.name, values=values, missing_reason=why)


def _add_p_values(effects: Sequence[MethodEffect]) -> Iterator[MethodEffect]:
    """With p values; those of what is asked adjusted for all that is asked on the same basis."""
    p = compute_p_values(np.array([one.values for one in effects]))
    asked = {
        basis: np.array([one.basis == basis and one.outcome in PRIMARY_OUTCOMES for one in effects], np.bool_)
        for basis in BASES
    }
    adjusted = {basis: adjust_p_values(np.where(wanted, p, np.nan)) for basis, wanted in asked.items()}
    for place, one in enumerate(effects):
        yield replace(one, p=float(p[place]), holm=float(adjusted[one.basis][place]))


def average_effects(effects: Sequence[MethodEffect]) -> Array:
    """By seed: the mean over the effects, NaN where one is missing that has a value at another seed."""
    there = [one.values for one in effects if np.isfinite(one.values).any()]
    return np.asarray(np.mean(there, axis=0)) if there else np.zeros(0)


def _count_scored_chains(found: Transfer, arms: Iterable[MethodArm]) -> dict[tuple[str, str], int]:
    """Method and kind of task -> how many of its chains have a score."""
    tried: dict[tuple[str, str], int] = {}
    for arm in arms:
        if arm.method is not None:
            scored = np.isfinite(found.scores[found.chains.index(arm.name)]).any()
            tried[arm.method, arm.kind] = tried.get((arm.method, arm.kind), 0) + int(scored)
    return tried
