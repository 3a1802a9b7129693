"""The plan: a sweep's axes expanded into strata, and strata into stages.

A stratum is a set of arms that compete: same kind, task, parent and seed, another learning rate. Its winner (best
English dev, finished arms only) becomes the parent of the strata that wait for it. Keys of children hold the key of
their parent, so they are known only when the parent's stratum is settled.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from spaces.benchmark import Benchmark
from spaces.chain import NONE, RANDOM_ENCODER, phase_of, target_method_of
from spaces.phase import Phase, build_method_entry, has_phase
from spaces.space import Axes, Range
from spaces.stage import VERSIONS, Precision, Stage, StageKind

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Arms that compete with each other and with nothing else."""

    kind: StageKind
    task: str  # of an intermediate stage the phase, of a target stage the training set
    intermediate: str  # name of the chain, of an intermediate stage that of the phase
    seed: int
    parent: str | None  # id of the stratum whose winner is taken; None: the encoder the chain starts from
    rates: tuple[float | None, ...] | Range
    targets: tuple[str, ...] = ()  # what a target or retrieval stage evaluates

    @property
    def id(self) -> str:
        """A name that is unique in a plan and can be a file's."""
        chain = "" if self.kind == "intermediate" else self.intermediate  # its task is its chain: not twice, for length
        return f"{self.kind}.{self.task}.{chain}.{self.seed}"

    @property
    def workload(self) -> tuple[str, str, str, tuple[str, ...]]:
        """What strata of other seeds and chains share with it: the same sort has the same recipe, data and sizes."""
        floor = self.intermediate == RANDOM_ENCODER
        return self.kind, self.task, RANDOM_ENCODER if floor else target_method_of(self.intermediate), self.targets

    @property
    def arm_count(self) -> int:
        """How many stages the stratum has."""
        return self.rates.draws if isinstance(self.rates, Range) else len(self.rates)


def map_by_workload(plan: Iterable[Stratum], find: Callable[[Stratum], Value]) -> dict[str, Value]:
    """What `find` says of each stratum, by its id; of strata of one sort it is asked once."""
    found: dict[object, Value] = {}
    values = {}
    for stratum in plan:
        sort = stratum.workload
        if sort not in found:
            found[sort] = find(stratum)
        values[stratum.id] = found[sort]
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class StartEncoder:
    """The encoder at the start of every chain: the project's own (then `recipe` is its pretraining), or one given."""

    name: str  # miniature, a hub id or a folder's name
    profile: str
    fingerprint: str | None = None  # of a given encoder's weights
    recipe: Mapping[str, Any] | None = None  # of the project's own encoder
    data: str | None = None  # fingerprint of the pretraining text


def expand_strata(axes: Axes, benchmark: Benchmark, *, pretrain: bool) -> tuple[Stratum, ...]:
    """Every stratum of a sweep, parents before children, seed by seed (so that seed 0 is complete first)."""
    return tuple(_generate_strata(axes, benchmark, pretrain))


def _generate_strata(axes: Axes, benchmark: Benchmark, pretrain: bool) -> Iterator[Stratum]:
    root = None
    if pretrain:
        first = Stratum(kind="pretrain", task="encoder", intermediate=NONE, seed=0, parent=None, rates=(None,))
        root = first.id
        yield first
    rates = axes.learning_rates if isinstance(axes.learning_rates, Range) else sort_middle_first(axes.learning_rates)
    tasks = [benchmark.targets[name] for name in axes.targets]
    # Every target that shares a training is evaluated, whichever of them the sweep asked for: the training is what
    # costs, and a later sweep that asks for the other one finds it done.
    trainings = {
        task.training_set: tuple(one.name for one in benchmark.targets_trained_on(task.training_set, axes.targets))
        for task in tasks
        if task.training_set is not None
    }
    for seed in axes.seeds:
        parents: dict[str, str | None] = {NONE: root, **dict.fromkeys(axes.floors, root)}
        phases: dict[str, str] = {}
        for name in axes.intermediates:
            phase = phase_of(name)
            if not has_phase(name):
                parents[name] = root
            elif phase in phases:
                parents[name] = phases[phase]
            else:
                arms = Stratum(kind="intermediate", task=phase, intermediate=phase, seed=seed, parent=root, rates=rates)
                parents[name] = phases[phase] = arms.id
                yield arms
        for name, parent in parents.items():
            for training, targets in trainings.items():
                yield Stratum(
                    kind="target",
                    task=training,
                    intermediate=name,
                    seed=seed,
                    parent=parent,
                    rates=rates,
                    targets=targets,
                )
            for task in tasks:
                if task.kind == "retrieval":
                    yield Stratum(
                        kind="retrieval",
                        task=task.name,
                        intermediate=name,
                        seed=seed,
                        parent=parent,
                        rates=(None,),
                        targets=(task.name,),
                    )


def sort_middle_first(rates: tuple[float, ...]) -> tuple[float, ...]:
    """Rates in the order in which they start: the middle one, most often the best, sets the mark for the others.

    ASHA never stops the first arm that reaches a rung, so a poor first arm costs a whole run.
    """
    ascending = sorted(rates)
    middle = (len(ascending) - 1) / 2
    return tuple(sorted(ascending, key=lambda rate: (abs(ascending.index(rate) - middle), rate)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFactory:
    """Makes a stage from a stratum, a rate and the parent's key: the rest is the same all over a sweep.

    `fingerprints[role, name]` is that of the data of a target, an ingredient of an intermediate phase, or a method;
    `languages[target]` are those that the data hold.
    """

    benchmark: Benchmark
    start: StartEncoder
    world: Mapping[str, Any]
    fingerprints: Mapping[tuple[Any, str], str]
    languages: Mapping[str, tuple[str, ...]]
    phases: Mapping[str, Phase]
    limit: int | None
    test_limit: int | None
    precision: Precision
    _shared_by_workload: dict[tuple[Any, ...], dict[str, Any]] = field(
        default_factory=dict, init=False, repr=False
    )  # by sort

    def make_stage(self, stratum: Stratum, rate: float | None, parent: str | None) -> Stage:
        """The stage of one arm. `parent` is the key of the parent's winner."""
        shared = self._shared_by_workload.get(stratum.workload)
        if shared is None:
            shared = self._shared_by_workload[stratum.workload] = self._build_shared(stratum)
        return Stage(intermediate=stratum.intermediate, seed=stratum.seed, learning_rate=rate, parent=parent, **shared)

    def _build_shared(self, stratum: Stratum) -> dict[str, Any]:
        """The fields of a stage that are the same in every stratum of this sort."""
        tested = stratum.kind not in ("pretrain", "retrieval")
        return {
            "kind": stratum.kind,
            "benchmark": self.benchmark.name,
            "task": stratum.task,
            "targets": {name: self.languages[name] for name in self._evaluated_targets(stratum)},
            "recipe": self.recipe_of(stratum),
            "profile": self.start.profile,
            "precision": "fp32" if stratum.kind == "pretrain" else self.precision,  # own encoders are made in 32 bits
            "data": {"fingerprint": self._fingerprint_of(stratum), **self.world},
            "start": {
                "name": self.start.name,
                "fingerprint": self.start.fingerprint,
                "random": stratum.intermediate == RANDOM_ENCODER,
            },
            "limit": self.limit if tested else None,
            "test_limit": self.test_limit if tested else None,
            "version": VERSIONS[stratum.kind],
        }

    def _evaluated_targets(self, stratum: Stratum) -> tuple[str, ...]:
        return tuple(name for name in stratum.targets if self.languages.get(name))

    def recipe_of(self, stratum: Stratum) -> Mapping[str, Any] | None:
        """How the stratum's arms are trained, as a dict; None for retrieval."""
        if stratum.kind == "pretrain":
            return self.start.recipe
        if stratum.kind == "retrieval":
            return None
        if stratum.kind == "intermediate":
            return self.phases[stratum.task].recipe
        recipe = self.benchmark.targets[stratum.targets[0]].recipe
        method = target_method_of(stratum.intermediate)
        entry = {"method": build_method_entry(method)} if method else {}
        return None if recipe is None else {**dataclasses.asdict(recipe), **entry}

    def _fingerprint_of(self, stratum: Stratum) -> str | None:
        if stratum.kind == "pretrain":
            return self.start.data
        if stratum.kind == "intermediate":
            places = [("intermediate", str(one)) for one in self.phases[stratum.task].ingredients]
        else:
            places = [("target", name) for name in self._evaluated_targets(stratum)]
        method = (self.recipe_of(stratum) or {}).get("method", {}).get("name")
        if ("method", method) in self.fingerprints:
            places.append(("method", method))
        return "+".join(self.fingerprints[place] for place in places)
