"""Which phases and targets of a plan are the same work."""

import dataclasses

import pytest

from spaces.benchmark import BENCHMARKS, UNBOUNDED, Budget
from spaces.chain import NONE, RANDOM_ENCODER
from spaces.phase import DEFAULT_MASKED_WORDS, resolve_phases
from spaces.plan import StageFactory, Stratum
from spaces.shared_training import find_shared_strata
from spaces.space import Range
from tests.stage_factory import make_factory

XTREME = BENCHMARKS["xtreme"]
RATES = (1e-5, 3e-5)


def factory_of(*chains: str, budget: Budget = UNBOUNDED) -> StageFactory:
    """What makes the stages of XTREME, without any data: no fingerprint is known."""
    return make_factory(
        benchmark=XTREME,
        fingerprints={},
        languages={task.name: task.languages for task in XTREME.targets.values()},
        phases=resolve_phases(chains, XTREME, mixture=(), budget=budget, masked=DEFAULT_MASKED_WORDS),
    )


def phase(name: str, **fields: object) -> Stratum:
    made = Stratum(kind="intermediate", task=name, intermediate=name, seed=0, parent=None, rates=RATES)
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


def target(*names: str, **fields: object) -> Stratum:
    training_set = XTREME.targets[names[0]].training_set
    assert training_set is not None
    made = Stratum(kind="target", task=training_set, intermediate=NONE, seed=0, parent=None, rates=RATES, targets=names)
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


def are_shared(one: Stratum, other: Stratum, budget: Budget = UNBOUNDED) -> bool:
    found = find_shared_strata((one, other), factory_of(one.task, budget=budget))
    assert found in ({}, {other.id: one.id})
    return bool(found)


@pytest.mark.parametrize(("name", "targets"), [("mnli", ("xnli",)), ("squad", ("xquad", "mlqa")), ("squad", ("mlqa",))])
def test_a_target_that_trains_on_the_rows_of_a_phase_is_trained_alike(name: str, targets: tuple[str, ...]) -> None:
    assert are_shared(phase(name), target(*targets))


@pytest.mark.parametrize(
    ("name", "other"), [("mnli", "xquad"), ("qqp", "pawsx"), ("squad2", "xquad"), ("squad", "tydiqa"), ("anli", "xnli")]
)
def test_other_rows_are_another_training(name: str, other: str) -> None:
    assert not are_shared(phase(name), target(other))


@pytest.mark.parametrize(
    "fields",
    [
        {"seed": 1},
        {"parent": "intermediate.qqp..0", "intermediate": "qqp"},
        {"intermediate": RANDOM_ENCODER},
        {"intermediate": "none~x2"},
        {"intermediate": "none:freelb"},
        {"rates": (1e-5, 1e-4)},
        {"rates": Range(1e-5, 1e-4, draws=3)},
    ],
)
def test_another_seed_start_rate_or_method_is_another_training(fields: dict[str, object]) -> None:
    assert not are_shared(phase("mnli"), target("xnli", **fields))


@pytest.mark.parametrize("name", ["mnli+squad", "mnli@sw", "random", "mnli~freelb", "mnli~lora", "mnli+mlm", "mnli~x2"])
def test_mixes_controls_methods_and_other_languages_are_trained_as_no_target_is(name: str) -> None:
    assert not are_shared(phase(name), target("xnli"))


def test_adapters_are_shared_with_adapters_alone() -> None:
    assert not are_shared(phase("mnli~lora"), target("xnli"))
    assert not are_shared(phase("mnli"), target("xnli", intermediate="none:lora"))
    assert are_shared(phase("mnli~lora"), target("xnli", intermediate="none:lora"))


def test_a_phase_of_fewer_steps_is_another_training() -> None:
    assert not are_shared(phase("mnli"), target("xnli"), Budget(steps=100))


def test_a_target_may_have_fewer_rates_than_its_phase() -> None:
    assert are_shared(phase("mnli"), target("xnli", rates=RATES[:1]))


def test_each_task_of_the_miniature_has_rows_of_its_own() -> None:
    one, other = phase("squad"), target("xquad", "mlqa")
    assert find_shared_strata((one, other), make_factory(("squad",))) == {}
