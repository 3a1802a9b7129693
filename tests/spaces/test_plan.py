"""The plan: what is shared, what competes, what waits for what."""

import dataclasses
import hashlib
import json
from collections import Counter
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.benchmark import BENCHMARKS, Benchmark
from spaces.chain import is_baseline, parse_chain
from spaces.encoders import PROFILES
from spaces.named_spaces import SPACES, NamedSpace
from spaces.phase import has_phase
from spaces.plan import Stratum
from spaces.rates import sort_middle_first
from spaces.space import Axes, Space, resolve_axes
from spaces.stage import Stage
from spaces.strata import expand_strata
from tests.stage_factory import FULL, MINIATURE, axes_of, make_factory


def plan(resolved: Axes = FULL) -> tuple[Stratum, ...]:
    return expand_strata(resolved, MINIATURE, pretrain=True)


def test_targets_with_the_same_training_share_one_stratum() -> None:
    squads = [s for s in plan() if s.kind == "target" and {"xquad", "mlqa"} & set(s.targets)]
    assert all(s.targets == ("xquad", "mlqa") for s in squads)
    assert len(squads) == sum(len(FULL.seeds_of(chain)) for chain in FULL.intermediates)


def test_asking_for_one_of_them_gives_the_same_stages() -> None:
    one = axes_of(Space(name="one", intermediates=("mnli",), targets=("xquad",)))
    both = axes_of(Space(name="both", intermediates=("mnli",), targets=("xquad", "mlqa")))
    assert plan(one) == plan(both)


def test_each_intermediate_is_trained_once_for_all_targets() -> None:
    trained = Counter((s.task, s.seed) for s in plan() if s.kind == "intermediate")
    assert set(trained.values()) == {1}
    assert len(trained) == sum(map(has_phase, FULL.intermediates)) * len(FULL.seeds)


def test_like_competes_with_like_only() -> None:
    # Arms of a stratum differ in the learning rate and in nothing else.
    factory = make_factory()
    for stratum in plan():
        stages = [factory.make_stage(stratum, rate, "parent") for rate in stratum.rates]  # type: ignore[union-attr]
        assert len({(s.kind, s.task, s.intermediate, s.seed, s.parent, str(s.recipe)) for s in stages}) == 1
        assert len({s.learning_rate for s in stages}) == len(stages)


def test_ids_are_unique_and_parents_come_first() -> None:
    seen: set[str] = set()
    for stratum in plan():
        assert stratum.id not in seen
        assert stratum.parent is None or stratum.parent in seen
        seen.add(stratum.id)


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=list(BENCHMARKS))
@pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
def test_every_id_can_be_the_name_of_a_file(space: NamedSpace, benchmark: Benchmark) -> None:
    resolved = resolve_axes(space.build(benchmark), benchmark, PROFILES["miniature"])
    ids = [stratum.id for stratum in expand_strata(resolved, benchmark, pretrain=True)]
    assert max(map(len, ids)) < 230  # of 255: names of temporary files are longer


def test_a_seed_is_a_replicate_of_the_whole_chain() -> None:
    # Nothing but pretraining is shared between seeds: every stage of a chain carries its seed, and so does its parent.
    by_id = {stratum.id: stratum for stratum in plan()}
    for stratum in by_id.values():
        parent = by_id.get(stratum.parent or "")
        if parent is not None and parent.kind != "pretrain":
            assert parent.seed == stratum.seed


def test_the_key_of_a_child_holds_its_parent() -> None:
    stratum = next(s for s in plan() if s.kind == "target")
    assert make_factory().make_stage(stratum, 1e-3, "one").key != make_factory().make_stage(stratum, 1e-3, "other").key


def test_precision_names_a_stage_but_not_the_own_encoders_pretraining() -> None:
    # Own encoders are made in 32 bits, so that sweeps of both precisions share one.
    for stratum in plan():
        factories = (make_factory(precision=precision) for precision in ("fp32", "bf16"))
        one, other = (factory.make_stage(stratum, 1e-3, "p").key for factory in factories)
        assert (one == other) == (stratum.kind == "pretrain")


def test_what_a_maker_remembers_of_a_sort_holds_for_every_stratum() -> None:
    # Stages and keys are made fast from parts that strata share. Here each stage is made alone as well.
    names = ("mnli", "mnli~freelb", "mnli:layers", "none:layers", "none~x2", "none~x2:layers")
    space = Space(name="s", intermediates=names, targets=("xnli", "xquad", "tatoeba"), seeds=(0, 1), floor=True)
    resolved = axes_of(space)
    factory, workloads = make_factory(names, ()), set()
    for stratum in (*plan(resolved), *plan(resolved)[::-1]):
        stage = factory.make_stage(stratum, 1e-3, "p")
        assert stage == make_factory(names, ()).make_stage(stratum, 1e-3, "p")
        text = json.dumps(dataclasses.asdict(stage), sort_keys=True, separators=(",", ":"))
        assert stage.key == hashlib.sha256(text.encode()).hexdigest()[:16]
        workloads.add(stratum.workload)
    assert len({workload[0] for workload in workloads}) == 4 and len(workloads) < len(plan(resolved)) / 2


def test_a_longer_baseline_trains_every_target_longer_and_starts_from_the_same_encoder() -> None:
    names = ("none", "none~x3", "none~x3:layers", "mnli")
    by_name: dict[str, dict[str, Stage]] = {name: {} for name in names}
    for stratum in plan(axes_of(Space(name="s", intermediates=names, seeds=(0,)))):
        if stratum.kind in ("target", "retrieval"):
            stage = make_factory(names, ()).make_stage(stratum, 1e-3, "root")
            by_name[stratum.intermediate][stratum.task] = stage
            assert stratum.parent == (
                "intermediate.mnli..0" if stratum.intermediate == "mnli" else "pretrain.encoder.none.0"
            )
    assert not [s for s in plan(axes_of(Space(name="s", intermediates=("none~x3",)))) if s.kind == "intermediate"]
    for task, stage in by_name["none"].items():
        longer, method = by_name["none~x3"][task], by_name["none~x3:layers"][task]
        assert longer.key != stage.key
        if stage.recipe is None:  # retrieval: nothing is trained
            assert longer.recipe is method.recipe is None
            continue
        assert longer.recipe == {**stage.recipe, "steps": 3 * stage.recipe["steps"]}
        assert method.recipe is not None and method.recipe["method"]["name"] == "layers"
        assert method.recipe["steps"] == 3 * stage.recipe["steps"]
        assert by_name["mnli"][task].recipe == stage.recipe


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=list(BENCHMARKS))
def test_the_matched_baseline_trains_about_as_long_as_chain_and_target(benchmark: Benchmark) -> None:
    assert benchmark.intermediate_names()[-1] == benchmark.matched_baseline
    assert is_baseline(benchmark.matched_baseline) and benchmark.matched_baseline != "none"
    if benchmark.name == "miniature":
        trained = {task.training_set: task.recipe for task in benchmark.targets.values()}
        recipes = [[task.recipe for task in benchmark.intermediates.values()], trained.values()]
        phase, target = (mean(recipe.steps for recipe in part if recipe and recipe.steps) for part in recipes)
        assert round((phase + target) / target) == parse_chain(benchmark.matched_baseline).step_multiplier


def test_a_random_encoder_is_another_stage_than_the_baseline() -> None:
    floor = axes_of(Space(name="floor", intermediates=("none",), floor=True))
    chosen = [s for s in plan(floor) if s.kind == "target" and s.task == "xnli-en"]
    keys = [make_factory().make_stage(s, 1e-3, "root").key for s in chosen]
    assert len(set(keys)) == len(keys) == 2 * len(floor.seeds)


@given(
    old=st.sets(st.sampled_from([1e-4, 2e-4, 5e-4, 1e-3]), min_size=1),
    more=st.sets(st.sampled_from([1e-4, 2e-4, 5e-4, 1e-3]), min_size=1),
    seeds=st.sets(st.integers(0, 5), min_size=1),
)
def test_extending_an_axis_keeps_every_stage(old: set[float], more: set[float], seeds: set[int]) -> None:
    def keys(rates: set[float], seeds: set[int]) -> set[str]:
        grid = {"learning_rates": tuple(rates), "seeds": tuple(seeds)}
        space = Space(name="s", intermediates=("mnli",), targets=("xnli",), **grid)
        resolved = axes_of(space)
        return {make_factory().make_stage(s, r, "p").key for s in plan(resolved) for r in s.rates}  # type: ignore[union-attr]

    assert keys(old, seeds) <= keys(old | more, seeds | {9})


@given(
    common=st.sets(st.integers(0, 4), min_size=1),
    more=st.dictionaries(
        st.sampled_from(["none", "mnli", "mnli:layers", "random-encoder"]), st.sets(st.integers(0, 6), min_size=1)
    ),
)
def test_a_chain_with_more_seeds_has_their_stages_and_no_other_chain_gets_any(
    common: set[int], more: dict[str, set[int]]
) -> None:
    names = ("mnli", "mnli:layers", "ccg")
    chain_seeds = {name: tuple(seeds) for name, seeds in more.items()}
    space = Space(name="s", intermediates=names, targets=("xnli",), seeds=tuple(common), floor=True)
    strata = plan(axes_of(dataclasses.replace(space, chain_seeds=chain_seeds)))
    everywhere = plan(axes_of(dataclasses.replace(space, seeds=tuple(common.union(*more.values())))))
    assert [stratum for stratum in everywhere if stratum in strata] == list(strata)  # the same stages, in their order
    for name in ("none", "random-encoder", *names):
        seeds = {stratum.seed for stratum in strata if stratum.kind == "target" and stratum.intermediate == name}
        assert seeds == common | more.get(name, set())
    for phase, chains in {"mnli": names[:2], "ccg": names[2:]}.items():  # chains with the same phase share its runs
        seeds = {stratum.seed for stratum in strata if stratum.kind == "intermediate" and stratum.task == phase}
        assert seeds == common.union(*(more.get(name, set()) for name in chains))


@pytest.mark.parametrize("kind", ["pretrain", "intermediate", "target", "retrieval"])
def test_every_kind_of_stage_is_in_the_plan(kind: str) -> None:
    assert any(stratum.kind == kind for stratum in plan())


def test_the_middle_rate_starts_first() -> None:
    assert sort_middle_first((1e-4, 1e-3, 1e-2)) == (1e-3, 1e-4, 1e-2)
    assert sort_middle_first((1e-2, 1e-4)) == (1e-4, 1e-2)


def test_chains_that_differ_in_the_targets_method_share_their_phase() -> None:
    space = Space(name="s", intermediates=("mnli", "mnli:layers", "none:layers"), targets=("xnli",), seeds=(0,))
    resolved = axes_of(space)
    strata = {(s.kind, s.intermediate): s for s in plan(resolved)}
    assert {name for kind, name in strata if kind == "intermediate"} == {"mnli"}
    assert strata["target", "mnli:layers"].parent == strata["intermediate", "mnli"].id
    assert strata["target", "none:layers"].parent == strata["target", "none"].parent
    plain, other = (make_factory().recipe_of(strata["target", name]) for name in ("mnli", "mnli:layers"))
    assert plain is not None and other is not None and {**plain, "method": {"name": "layers"}} == other


def test_extra_targets_are_evaluated_where_they_are_named() -> None:
    def evaluated(*targets: str) -> tuple[str, ...]:
        space = Space(name="s", intermediates=("mnli",), targets=targets, seeds=(0,))
        strata = plan(axes_of(space))
        return next(stratum.targets for stratum in strata if stratum.kind == "target")

    assert evaluated("xnli") == ("xnli",)
    assert evaluated("xnli", "xnli-mixed") == ("xnli", "xnli-mixed")
    assert evaluated("xnli-mixed") == ("xnli", "xnli-mixed")
