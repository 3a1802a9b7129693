"""The plan of a sweep: strata (strata.py expands the axes into them), and the stages of strata.

A stratum is a set of arms that compete: same kind, task, parent and seed, different learning rates. Its winner (best
English dev score, finished arms only) becomes the parent of the strata that wait for it. The key of a child contains
the key of its parent, so it is known only when the parent's stratum is settled.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from spaces.benchmark import BENCHMARKS, Benchmark
from spaces.ceilings import Ceiling, is_ceiling
from spaces.chain import RANDOM_ENCODER, target_method_of, target_multiplier_of
from spaces.phase import Phase, build_method_entry, multiply_steps
from spaces.space import Range
from spaces.stage import VERSIONS, Precision, Stage, StageKind
from spaces.task import list_key_fields
from spaces.untrained_phase import MERGED, is_ready, is_untrained

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Arms that compete with each other and with no others."""

    kind: StageKind
    task: str  # the phase of an intermediate stage, the training set of a target stage
    intermediate: str  # name of the chain, or of the phase in an intermediate stage
    seed: int
    parent: str | None  # id of the stratum whose winner is the parent; None: the encoder at the start of the chain
    merged: tuple[str, ...] = ()  # ids of the strata whose winners a merge averages
    rates: tuple[float | None, ...] | Range
    targets: tuple[str, ...] = ()  # targets that a target or retrieval stage evaluates

    @property
    def id(self) -> str:
        """A name that is unique in a plan and can be the name of a file."""
        # The task of an intermediate stage is its chain, which is not repeated: file names have a limited length.
        chain = "" if self.kind == "intermediate" else self.intermediate
        # Names of ready encoders may have dots and slashes.
        task, chain = (quote(name, safe="+@~:|").replace(".", "%2E") for name in (self.task, chain))
        return f"{self.kind}.{task}.{chain}.{self.seed}"

    @property
    def sources(self) -> tuple[str, ...]:
        """The ids of the strata that must be settled before this one can start."""
        return self.merged if self.parent is None else (self.parent, *self.merged)

    @property
    def workload(self) -> tuple[str, str, str, int, tuple[str, ...]]:
        """A key for strata of all seeds and chains with the same recipe, data and sizes."""
        is_reference = self.intermediate == RANDOM_ENCODER or is_ceiling(self.intermediate)
        variant = self.intermediate if is_reference else target_method_of(self.intermediate)
        return self.kind, self.task, variant, target_multiplier_of(self.intermediate), self.targets

    @property
    def arm_count(self) -> int:
        """The number of stages in the stratum."""
        return self.rates.draws if isinstance(self.rates, Range) else len(self.rates)


def map_by_workload(plan: Iterable[Stratum], find: Callable[[Stratum], Value]) -> dict[str, Value]:
    """Return `find(stratum)` by the id of each stratum. Strata of one workload share a single call."""
    by_workload: dict[object, Value] = {}
    values = {}
    for stratum in plan:
        if stratum.workload not in by_workload:
            by_workload[stratum.workload] = find(stratum)
        values[stratum.id] = by_workload[stratum.workload]
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class StartEncoder:
    """The encoder at the start of every chain: the project's own, which the sweep pretrains, or a given one."""

    name: str  # miniature, a hub id or a folder's name
    profile: str
    fingerprint: str | None = None  # of a given encoder's weights
    recipe: Mapping[str, Any] | None = None  # pretraining of the project's own encoder
    data: str | None = None  # fingerprint of the pretraining text
    notes: tuple[str, ...] = ()  # for users; no part of any key
    has_new_head: bool = False  # for masked words, which former versions did not recognise


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFactory:
    """Maker of stages from a stratum, a rate and the parent's key. Everything else is the same in a whole sweep.

    `fingerprints[role, name]` is the fingerprint of the data of a target, of an ingredient of an intermediate phase
    (role `intermediate`), or of a method. `languages[target]` are the languages that the data have.
    """

    benchmark: Benchmark
    start: StartEncoder
    world: Mapping[str, Any]
    fingerprints: Mapping[tuple[Any, str], str]
    languages: Mapping[str, tuple[str, ...]]
    phases: Mapping[str, Phase]
    limit: int | None
    test_limit: int | None
    pool_limit: int | None
    precision: Precision
    ceilings: Mapping[str, Ceiling] = field(default_factory=dict)  # by name
    target_method: str | None = None  # of chains that name none
    _shared_by_workload: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict, init=False, repr=False)

    def make_stage(self, stratum: Stratum, rate: float | None, parent: str | None, merged: Sequence[str] = ()) -> Stage:
        """Return the stage of one arm. `parent` is the key of the winner of the parent stratum.

        `merged` are the keys of the winners that a merge averages: their order does not matter.
        """
        shared = self._shared_by_workload.get(stratum.workload)
        if shared is None:
            shared = self._shared_by_workload[stratum.workload] = self._build_shared(stratum)
        if stratum.merged:
            shared = {**shared, "recipe": {MERGED: sorted(merged)}}
        return Stage(intermediate=stratum.intermediate, seed=stratum.seed, learning_rate=rate, parent=parent, **shared)

    def _build_shared(self, stratum: Stratum) -> dict[str, Any]:
        """Return the fields of a stage that are the same in every stratum of a workload."""
        recipe = self.recipe_of(stratum)
        is_trained = stratum.kind not in ("pretrain", "retrieval") and not is_untrained(recipe)
        test_limit = self.pool_limit if stratum.kind == "retrieval" else self.test_limit
        return {
            "kind": stratum.kind,
            "benchmark": self._name_benchmark(stratum),
            "task": stratum.task,
            "targets": {name: self.languages[name] for name in self._evaluated_targets(stratum)},
            "recipe": recipe,
            "profile": self.start.profile,
            "precision": "fp32" if stratum.kind == "pretrain" else self.precision,  # own encoders: always in 32 bits
            "data": {"fingerprint": self._fingerprint_of(stratum, recipe), **self.world},
            "start": {
                "name": self.start.name,
                "fingerprint": self.start.fingerprint,
                "random": stratum.intermediate == RANDOM_ENCODER,
            },
            "limit": self.limit if is_trained else None,
            "test_limit": None if stratum.kind == "pretrain" else test_limit,
            "version": VERSIONS[stratum.kind],
        }

    def _name_benchmark(self, stratum: Stratum) -> str:
        """Return the benchmark that a stage belongs to: the base, if the base has all targets that are evaluated.

        So a phase, or a target without wide targets beside it, is the same stage in both benchmarks.
        """
        base = self.benchmark.base
        if base is not None and all(name in BENCHMARKS[base].targets for name in self._evaluated_targets(stratum)):
            return base
        return self.benchmark.name

    def _evaluated_targets(self, stratum: Stratum) -> tuple[str, ...]:
        return tuple(name for name in stratum.targets if self.languages.get(name))

    def recipe_of(self, stratum: Stratum) -> Mapping[str, Any] | None:
        """Return the recipe of the stratum's arms as a dict; None for retrieval by the defaults."""
        if stratum.kind == "pretrain":
            return self.start.recipe
        if stratum.kind == "retrieval":
            reading = self.benchmark.targets[stratum.task].retrieval
            return None if reading is None else dataclasses.asdict(reading)
        if stratum.kind == "intermediate":
            return self.phases[stratum.task].recipe
        recipe = self.benchmark.targets[stratum.targets[0]].recipe
        if recipe is None:
            return None
        recipe = multiply_steps(recipe, target_multiplier_of(stratum.intermediate))
        method = target_method_of(stratum.intermediate) or self.target_method
        entry = {"method": build_method_entry(method)} if method else {}
        if stratum.intermediate in self.ceilings:
            entry |= self.ceilings[stratum.intermediate].build_entry(stratum.task)
        return {**list_key_fields(recipe), **entry}

    def _fingerprint_of(self, stratum: Stratum, recipe: Mapping[str, Any] | None) -> str | None:
        if stratum.kind == "pretrain":
            return self.start.data
        if stratum.kind == "intermediate":
            keys = [("ready", stratum.task)] if is_ready(recipe) else []
            keys += [("intermediate", str(ingredient)) for ingredient in self.phases[stratum.task].ingredients]
        else:
            keys = [("target", name) for name in self._evaluated_targets(stratum)]
        method = (recipe or {}).get("method", {}).get("name")
        if ("method", method) in self.fingerprints:
            keys.append(("method", method))
        if stratum.intermediate in self.ceilings:
            keys.append(("ceiling", f"{stratum.intermediate} {stratum.task}"))
        return "+".join(self.fingerprints[key] for key in keys)
