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
from analysis.statistics.significance import ALPHA, holm, p_values
from analysis.transfer.array import Transfer
from analysis.transfer.columns import Column, points
from spaces.benchmark import BENCHMARKS
from spaces.chain import Chain, read_chain
from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.task import Task

Basis = Literal["steps", "compute"]
BASES: tuple[Basis, ...] = get_args(Basis)
Outcome = Literal["in domain", "out of domain", "mixed", "mixed drop", "perturbed", "perturbed drop"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
ASKED: tuple[Outcome, ...] = ("out of domain", "mixed drop", "perturbed drop")  # what the question is about
LEAST, MOST = 0.95, 1.5  # passes of a plain chain, in those of the method, at which their compute counts as equal
MIXED_KINDS = "several"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A chain that can be compared: the tasks of its phase, how they were trained, and what that cost."""

    name: str
    tasks: str  # as the chain names them, with the sampler of a mix
    kind: str  # of the tasks; MIXED_KINDS of a mix of several
    method: str | None  # None: plain
    times: int
    passes: float  # plain steps that the phase is worth: measured, or in units of the tasks' own recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A method less plain training, in points by seed, paired by target, language and seed; NaN for a hole.

    Of a drop (clean less shifted score) below 0 is better, of all else above.
    """

    arm: Arm
    basis: Basis
    outcome: Outcome
    against: str | None  # the plain chain; None where there is none
    values: Array  # seeds
    why: str = ""  # no value at any seed
    p: float = np.nan  # of no difference
    adjusted: float = np.nan  # Holm's, over all methods and tasks and what is ASKED of one basis; NaN if not asked

    @property
    def certain(self) -> bool:
        """True if it differs from 0 even when all that is asked is looked at."""
        return bool(self.adjusted < ALPHA)


@dataclass(frozen=True, kw_only=True)
class Methods:
    """All comparisons that a sweep allows."""

    found: Transfer
    arms: tuple[Arm, ...]  # plain ones too
    measured: bool  # whether passes are those that stages recorded
    targets: Mapping[str, Mapping[Outcome, tuple[str, ...]]]  # kind of task -> outcome -> targets
    effects: tuple[Effect, ...]
    tried: Mapping[tuple[str, str], int] = field(default_factory=dict)  # method, kind -> chains with a score

    @cached_property
    def trained(self) -> tuple[Arm, ...]:
        """The arms of methods."""
        return tuple(arm for arm in self.arms if arm.method is not None)

    def effect(self, chain: str, basis: Basis, outcome: Outcome) -> Effect:
        """The one effect of a method's chain."""
        return self._by_name[chain, basis, outcome]

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, Basis, Outcome], Effect]:
        return {(one.arm.name, one.basis, one.outcome): one for one in self.effects}

    def of(self, basis: Basis, outcome: Outcome) -> tuple[Effect, ...]:
        """The effects that have a value at some seed."""
        return tuple(
            one
            for one in self.effects
            if (one.basis, one.outcome) == (basis, outcome) and np.isfinite(one.values).any()
        )


def compare(found: Transfer) -> Methods:
    """Every method of a sweep against plain training.

    Raises:
        UsageError: no chain has a method that could be compared, or no chain is plain.
    """
    arms, measured = arms_of(found)
    if not any(arm.method for arm in arms):
        raise UsageError(
            f"{found.read.source}: no chain trains its intermediate phase by a method, as `mnli~freelb` does: search "
            "`--space adversarial`."
        )
    if all(arm.method for arm in arms):
        methods = ", ".join(arm.name for arm in arms)
        raise UsageError(
            f"{found.read.source}: no plain chain to compare with {methods}: add the tasks without method."
        )
    targets = {arm.kind: outcomes(found, arm.kind) for arm in arms}
    return Methods(
        found=found,
        arms=arms,
        measured=measured,
        targets=targets,
        effects=tuple(_tested(tuple(_effects(found, arms, targets)))),
        tried=_tried(found, arms),
    )


def arms_of(found: Transfer) -> tuple[tuple[Arm, ...], bool]:
    """The chains with an intermediate phase that can be compared, and whether their costs are measured."""
    known = tasks_of(found)
    chains = [chain for name in found.intermediates if (chain := _readable(found, name)) is not None]
    measured = _measured(found, chains)
    arms = tuple(
        Arm(
            name=chain.name,
            tasks="+".join(map(str, chain.ingredients)) + (f"~{chain.sampler}" if chain.sampler else ""),
            kind=_kind(chain, known),
            method=chain.method,
            times=chain.times,
            passes=measured.get(chain.name) or chain.times * (METHODS[chain.method].passes if chain.method else 1.0),
        )
        for chain in chains
    )
    return arms, bool(measured)


def _readable(found: Transfer, name: str) -> Chain | None:
    """The chain, unless it is a control, has no phase, or changes the target's own fine-tuning."""
    try:
        chain = read_chain(name)
    except UsageError:  # a foreign file may call its chains as it likes
        return None
    controlled = {name, *chain.tasks} & found.read.controls
    return None if controlled or not chain.ingredients or chain.target_method else chain


def _kind(chain: Chain, known: Mapping[str, Task]) -> str:
    kinds = {known[task].kind if task in known else "unknown" for task in chain.tasks}
    return MIXED_KINDS if len(kinds) > 1 or chain.multitask else kinds.pop()


def _measured(found: Transfer, chains: Sequence[Chain]) -> dict[str, float]:
    """Passes by chain, where every one of them recorded its own; else empty."""
    rows = found.read.upstream
    if "passes" not in rows.columns:
        return {}
    whole = pl.col("status").is_in(["finished", "degenerate"])  # they took all their steps
    finished = rows.filter(whole, pl.col("passes").is_not_null())
    spent = dict(finished.group_by("intermediate").agg(pl.col("passes").max()).iter_rows())
    return {chain.name: spent[chain.name] for chain in chains} if all(one.name in spent for one in chains) else {}


def _targets(found: Transfer) -> Mapping[str, Task]:
    """The targets of the benchmark; of a file that names none: those of any benchmark."""
    benchmark = BENCHMARKS.get(found.read.benchmark or "")
    tables = [benchmark] if benchmark else BENCHMARKS.values()
    return {name: task for table in tables for name, task in table.targets.items()}


def outcomes(found: Transfer, kind: str) -> dict[Outcome, tuple[str, ...]]:
    """Which targets tell each outcome for intermediate tasks of this kind.

    In domain are targets of the same kind as the task: one that is trained on the task's own data set is among them.
    All others, retrieval too, are out of domain. Shifted targets are neither.
    """
    known = _targets(found)
    shift = {name: known[name].shift for name in found.targets if name in known}
    clean = tuple(name for name in found.targets if shift.get(name) is None)
    own = tuple(name for name in clean if name in known and known[name].kind == kind)
    told: dict[Outcome, tuple[str, ...]] = {
        "in domain": own,
        "out of domain": tuple(name for name in clean if name in known and name not in own),
    }
    for how in ("mixed", "perturbed"):
        told[how] = told[f"{how} drop"] = tuple(name for name in found.targets if shift.get(name) == how)  # type: ignore[index]
    return told


def drops_of(found: Transfer) -> Array:
    """The shape of the scores: of a shifted target, by how much it is below the clean one; NaN elsewhere.

    Where two languages are mixed, the clean score is the mean over both.
    """
    known, places = _targets(found), {name: place for place, name in enumerate(found.languages)}
    drops = np.full(found.scores.shape, np.nan)
    for row, name in enumerate(found.targets):
        task = known.get(name)
        if task is None or task.clean not in found.targets:
            continue
        clean = found.scores[:, found.targets.index(task.clean)]
        for language, place in places.items():
            sides = task.sides(language)
            if all(side in places for side in sides):
                whole = np.mean([clean[:, places[side]] for side in sides], axis=0)
                drops[:, row, place] = whole - found.scores[:, row, place]
    return drops


def plain_for(arms: Sequence[Arm], arm: Arm, basis: Basis) -> Arm | None:
    """The plain chain of the same tasks with as many steps, or with as many passes or the next more (up to MOST)."""
    same = [one for one in arms if one.method is None and one.tasks == arm.tasks]
    if basis == "steps":
        return next((one for one in same if one.times == arm.times), None)
    enough = [one for one in same if LEAST <= one.passes / arm.passes <= MOST]
    return min(enough, key=lambda one: one.passes, default=None)


def _effects(
    found: Transfer, arms: Sequence[Arm], targets: Mapping[str, Mapping[Outcome, tuple[str, ...]]]
) -> Iterator[Effect]:
    """Every method arm on every basis and outcome; arms of one kind have the same columns and are taken together."""
    drops, nothing = drops_of(found), np.full(len(found.seeds), np.nan)
    for basis, kind in product(BASES, targets):
        pairs = [(arm, plain_for(arms, arm, basis)) for arm in arms if arm.method is not None and arm.kind == kind]
        known = [(arm, plain) for arm, plain in pairs if plain is not None]
        ones = [found.chains.index(arm.name) for arm, _ in known]
        others = [found.chains.index(plain.name) for _, plain in known]
        for outcome, scored in targets[kind].items():
            blank = Effect(arm=arms[0], basis=basis, outcome=outcome, against=None, values=nothing)
            yield from (replace(blank, arm=arm, why="no plain chain") for arm, plain in pairs if plain is None)
            if not scored:
                yield from (replace(blank, arm=arm, against=plain.name, why="no target") for arm, plain in known)
                continue
            array = drops if outcome.endswith("drop") else found.scores
            shown = points(found, Column(name=outcome, targets=scored), array[ones] - array[others])
            for place, (arm, plain) in enumerate(known):
                values, there = shown.values[place], int(shown.parts[place].max())
                lacking = f"{there}/{shown.of_parts} targets" if there else "no score"
                why = "" if np.isfinite(values).any() else lacking
                yield replace(blank, arm=arm, against=plain.name, values=values, why=why)


def _tested(effects: Sequence[Effect]) -> Iterator[Effect]:
    """With p values; those of what is asked adjusted for all that is asked on the same basis."""
    p = p_values(np.array([one.values for one in effects]))
    asked = {
        basis: np.array([one.basis == basis and one.outcome in ASKED for one in effects], np.bool_) for basis in BASES
    }
    adjusted = {basis: holm(np.where(wanted, p, np.nan)) for basis, wanted in asked.items()}
    for place, one in enumerate(effects):
        yield replace(one, p=float(p[place]), adjusted=float(adjusted[one.basis][place]))


def mean_over(effects: Sequence[Effect]) -> Array:
    """By seed: the mean over the effects, NaN where one is missing that has a value at another seed."""
    there = [one.values for one in effects if np.isfinite(one.values).any()]
    return np.asarray(np.mean(there, axis=0)) if there else np.zeros(0)


def _tried(found: Transfer, arms: Iterable[Arm]) -> dict[tuple[str, str], int]:
    """Method and kind of task -> how many of its chains have a score."""
    tried: dict[tuple[str, str], int] = {}
    for arm in arms:
        if arm.method is not None:
            scored = np.isfinite(found.scores[found.chains.index(arm.name)]).any()
            tried[arm.method, arm.kind] = tried.get((arm.method, arm.kind), 0) + int(scored)
    return tried
