"""`xtreme-wide`: the stages of `xtreme` with more to evaluate, and one name for every language."""

from dataclasses import replace

import pytest

from spaces.benchmark import BENCHMARKS, UNBOUNDED, Benchmark
from spaces.encoders import PROFILES
from spaces.language_codes import canonical_code
from spaces.named_spaces import SPACES
from spaces.phase import DEFAULT_MASKED_WORDS, resolve_phases
from spaces.plan import StageFactory, StartEncoder, Stratum
from spaces.recipes import choose_recipes
from spaces.same_data import list_training_sets
from spaces.shared_training import find_shared_strata
from spaces.space import Axes, Space, resolve_axes
from spaces.strata import expand_strata
from spaces.wide_data import WIDE_DATASETS
from spaces.xtreme_data import TASK_SPLITS
from spaces.xtreme_wide import WIDE_TARGETS

XTREME, WIDE = BENCHMARKS["xtreme"], BENCHMARKS["xtreme-wide"]


def axes_of(benchmark: Benchmark, space: Space) -> Axes:
    return resolve_axes(space, benchmark, PROFILES["pretrained"])


def plan_of(benchmark: Benchmark, space: Space) -> tuple[Stratum, ...]:
    return expand_strata(axes_of(benchmark, space), benchmark, pretrain=False)


def make_factory(benchmark: Benchmark, absent: tuple[str, ...] = ()) -> StageFactory:
    """A factory whose data have every language of every target but the absent ones."""
    axes = axes_of(benchmark, SPACES["full"].build(benchmark))
    phases = resolve_phases(
        axes.intermediates, benchmark, mixture=axes.mixture, budget=UNBOUNDED, masked=DEFAULT_MASKED_WORDS
    )
    ingredients = {str(each) for phase in phases.values() for each in phase.ingredients}
    return StageFactory(
        benchmark=benchmark,
        start=StartEncoder(name="e", profile="pretrained", fingerprint="f"),
        world={"world_seed": 0, "null_world": False},
        fingerprints={
            **{("intermediate", name): name for name in ingredients},
            **{("target", name): name for name in benchmark.targets},
        },
        languages={task.name: task.languages for task in benchmark.targets.values() if task.name not in absent},
        phases=phases,
        limit=None,
        test_limit=None,
        pool_limit=None,
        precision="fp32",
    )


def list_trainings(plan: tuple[Stratum, ...]) -> list[tuple[object, ...]]:
    return [(s.id, s.kind, s.task, s.intermediate, s.seed, s.parent, s.rates) for s in plan]


@pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))
def test_a_plan_has_exactly_the_trainings_of_xtreme(space: object) -> None:
    chosen = space.build(XTREME)  # type: ignore[attr-defined]
    if chosen.targets is None:
        assert list_trainings(plan_of(WIDE, chosen)) == list_trainings(plan_of(XTREME, chosen))
    alike = replace(chosen, targets=chosen.targets or XTREME.target_names())
    assert list_trainings(plan_of(WIDE, alike)) == list_trainings(plan_of(XTREME, alike))


def test_a_wide_target_alone_trains_what_its_target_alone_trains() -> None:
    for task in WIDE_TARGETS:
        alone, other = (
            plan_of(WIDE, Space(name="s", intermediates=("mnli",), targets=(name,)))
            for name in (task.name, task.wide_of)
        )
        assert list_trainings(alone) == list_trainings(other)
        evaluated = {task.name, *(() if WIDE.targets[task.wide_of or ""].is_opt_in else (task.wide_of,))}
        assert all(evaluated <= {*s.targets} for s in alone if s.kind == "target")


def test_a_wide_target_is_trained_scored_and_selected_as_the_target_that_it_widens() -> None:
    for task in WIDE_TARGETS:
        target = XTREME.targets[task.wide_of or ""]
        same = ("kind", "labels", "official_metrics", "training_set", "recipe", "answer_script")
        assert {name: getattr(task, name) for name in same} == {name: getattr(target, name) for name in same}
        assert task.trained_as == target.name and list_training_sets(WIDE, task) == list_training_sets(WIDE, target)
        splits = TASK_SPLITS[task.name]
        assert splits.test and not (splits.train or splits.dev or splits.translated)


def test_stages_without_wide_targets_are_those_of_xtreme() -> None:
    """Phases and the targets of other training sets are never trained again; the others are other stages."""
    space = Space(name="s", intermediates=("none", "mnli", "squad", "multitask"), seeds=(0,))
    mine, theirs = make_factory(WIDE), make_factory(XTREME)
    keys = {
        name: {s.id: factory.make_stage(s, 1e-5, "parent").key for s in plan_of(factory.benchmark, space)}
        for name, factory in (("wide", mine), ("xtreme", theirs))
    }
    shared = {name for name, key in keys["wide"].items() if keys["xtreme"][name] == key}
    widened = {task.training_set for task in WIDE_TARGETS}
    assert widened == {"mnli", "udpos", "panx", "squad", "sib200"}
    strata = plan_of(WIDE, space)
    assert shared == {s.id for s in strata if s.kind != "target" or s.task not in widened}
    assert {s.task for s in strata if s.id in shared and s.kind == "target"} == {"pawsx", "tydiqa"}


def test_a_wide_target_without_data_leaves_the_stage_of_xtreme() -> None:
    absent = tuple(task.name for task in WIDE_TARGETS if task.wide_of in ("xquad", "panx"))
    mine, theirs = make_factory(WIDE, absent), make_factory(XTREME)
    for s in plan_of(WIDE, Space(name="s", intermediates=("mnli",), seeds=(0,))):
        twin = next(each for each in plan_of(XTREME, Space(name="s", seeds=(0,))) if each.id == s.id)
        is_same = mine.make_stage(s, 1e-5, "p") == theirs.make_stage(twin, 1e-5, "p")
        assert is_same == (s.kind != "target" or s.task not in ("mnli", "udpos"))


def test_keys_of_xtreme_are_what_they_were() -> None:
    """Literals of the version before xtreme-wide."""
    factory, plan = make_factory(XTREME), plan_of(XTREME, Space(name="s", intermediates=("mnli",), seeds=(0,)))
    keys = {s.id: factory.make_stage(s, 1e-5, None).key for s in plan}
    assert {name: keys[name] for name in KEYS_BEFORE} == KEYS_BEFORE


KEYS_BEFORE = {
    "intermediate.mnli..0": "162dfbcc69f62191",
    "target.mnli.none.0": "52136eda2f441a94",
    "target.pawsx.none.0": "1d92c2298bf9250e",
    "target.udpos.mnli.0": "07a73d1393144c74",
    "target.panx.mnli.0": "0bf94a0317ff0f50",
    "target.squad.none.0": "d30ffe8c11719b93",
    "retrieval.tatoeba.none.0": "2acd0c2a323a326a",
}


def test_a_phase_leaves_its_weights_to_the_widened_stage_as_well() -> None:
    space = Space(name="s", intermediates=("mnli", "squad"), seeds=(0,))
    shared = [find_shared_strata(plan_of(b, space), make_factory(b)) for b in (WIDE, XTREME)]
    assert shared[0] == shared[1] and len(shared[0]) == 2


@pytest.mark.parametrize("name", ["jiant", "xtreme"])
def test_a_named_recipe_is_that_of_the_target(name: str) -> None:
    benchmark = choose_recipes(WIDE, name)
    for task in WIDE_TARGETS:
        assert benchmark.targets[task.name].recipe == benchmark.targets[task.trained_as].recipe


def test_every_language_has_one_name_and_is_in_the_table() -> None:
    for task in WIDE_TARGETS:
        assert set(task.languages) <= set(WIDE.languages) and "en" not in task.languages
        for language in task.languages:
            assert canonical_code(language, ()) in (language, None)


def test_codes_of_datasets_are_those_of_their_languages() -> None:
    """A code is the language's own, or one of ISO 639-3 that stands for it; macrolanguages surprise."""
    for dataset in WIDE_DATASETS.values():
        for language, code in dataset.codes.items():
            assert code == language or canonical_code(code) == language, (dataset.name, language, code)
    africa, americas = (WIDE_DATASETS[name].codes for name in ("masakhapos", "americasnli_test"))
    assert (africa["sw"], africa["ny"], africa["tw"], africa["bm"]) == ("swa", "nya", "twi", "bam")
    assert (americas["qu"], americas["ay"], americas["gn"], americas["tar"]) == ("quy", "aym", "gn", "tar")
    assert len(africa) == 20 and len(americas) == 10


def test_languages_of_xtreme_keep_their_rows() -> None:
    assert {name: WIDE.languages[name] for name in XTREME.languages} == dict(XTREME.languages)
    assert {row.resource for name, row in WIDE.languages.items() if name not in XTREME.languages} == {"low"}
