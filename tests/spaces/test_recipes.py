"""Named recipes: their cells, their sources, and what they change of a benchmark and of its plan."""

import pytest

from spaces.benchmark import BENCHMARKS, UNBOUNDED
from spaces.encoders import PROFILES
from spaces.errors import UsageError
from spaces.phase import DEFAULT_MASKED_WORDS, resolve_phases
from spaces.plan import Stratum
from spaces.recipe_set import RecipeRow
from spaces.recipes import RECIPE_SETS, choose_recipes, find_default_sampler, list_kept_tasks
from spaces.space import Space, resolve_axes
from spaces.space_chains import list_diversity_chains
from spaces.strata import expand_strata
from spaces.task import Recipe, list_key_fields
from spaces.xtreme_data import TASK_SPLITS

XTREME, PRETRAINED = BENCHMARKS["xtreme"], PROFILES["pretrained"]


def plan_of(recipes: str, intermediates: tuple[str, ...] = ("mnli",), *, with_rates: bool = True) -> list[Stratum]:
    benchmark = choose_recipes(XTREME, recipes, with_rates=with_rates)
    axes = resolve_axes(Space(name="s", intermediates=intermediates, seeds=(0,)), benchmark, PRETRAINED)
    return list(expand_strata(axes, benchmark, pretrain=False))


def test_ours_is_the_benchmark_itself() -> None:
    for benchmark in BENCHMARKS.values():
        assert choose_recipes(benchmark, "ours") is benchmark
        tasks = (*benchmark.intermediates.values(), *benchmark.targets.values())
        for task in tasks:  # no setting of another recipe is in any key
            assert task.retrieval is None
            assert task.recipe is None or len(list_key_fields(task.recipe)) == 8


def test_an_unknown_recipe_and_one_of_another_benchmark_are_refused() -> None:
    with pytest.raises(UsageError, match="unknown recipe 'jiants': did you mean jiant"):
        choose_recipes(XTREME, "jiants")
    with pytest.raises(
        UsageError, match="--recipe jiant is for xtreme, xtreme-r, xtreme-wide; miniature has only the recipe"
    ):
        choose_recipes(BENCHMARKS["miniature"], "jiant")


def test_a_method_multiplies_the_rates_that_a_recipe_names() -> None:
    plan = plan_of("xtreme", ("none:lora", "none:fgm"))
    rates = {stratum.intermediate: stratum.rates for stratum in plan if stratum.task == "mnli"}
    assert rates["none"] == rates["none:fgm"] == (3e-5,) and rates["none:lora"] == (3e-4,)


def test_every_cell_has_one_source() -> None:
    with pytest.raises(ValueError, match="one source for each of epochs, batch_size"):
        RecipeRow(tasks=("t",), kind="pair", recipe=Recipe(epochs=1), sources={"file": "epochs"})
    for recipes in RECIPE_SETS.values():
        for row in (*recipes.intermediates, *recipes.targets):
            assert row.find_source("epochs")
            assert row.recipe.splits is None or row.recipe.splits in TASK_SPLITS


@pytest.mark.parametrize(
    ("recipes", "name", "cells"),
    [
        ("jiant", "xnli", {"epochs": 2, "batch_size": 32, "max_length": 256, "splits": "xnli selected on mnli"}),
        ("jiant", "panx", {"epochs": 10, "batch_size": 32, "max_length": 256, "warmup": 0.1, "weight_decay": 0.01}),
        ("jiant", "tydiqa", {"epochs": 2, "batch_size": 16, "selection": "last", "splits": "tydiqa with all rows"}),
        ("jiant", "mnli", {"epochs": 3, "batch_size": 4, "max_length": 256, "selection": "last"}),
        ("jiant", "squad", {"max_length": 256, "windows": "step", "stride": 128, "question_limit": 64}),
        ("xtreme", "xnli", {"epochs": 5, "max_length": 128, "learning_rate": 3e-5, "warmup_steps": 0, "splits": None}),
        ("xtreme", "pawsx-mixed", {"epochs": 5, "max_length": 128, "learning_rate": 2e-5, "weight_decay": 0.0}),
        ("xtreme", "mlqa", {"epochs": 3, "batch_size": 32, "warmup_steps": 500, "weight_decay": 1e-4}),
        ("xtreme", "xquad", {"decoding": "maximal context", "selection": "last", "learning_rate": 3e-5}),
    ],
)
def test_cells_by_the_published_files(recipes: str, name: str, cells: dict[str, object]) -> None:
    benchmark = choose_recipes(XTREME, recipes)
    recipe = (benchmark.targets if name in benchmark.targets else benchmark.intermediates)[name].recipe
    assert {field: getattr(recipe, field) for field in cells} == cells


def test_xtreme_has_no_intermediate_tasks_so_these_keep_ours() -> None:
    assert choose_recipes(XTREME, "xtreme").intermediates["mnli"] == XTREME.intermediates["mnli"]
    assert set(list_kept_tasks(XTREME, "xtreme")) == {*XTREME.intermediates, "sib200", "nusax"}
    assert list_kept_tasks(XTREME, "jiant") == ("massive", "mlm", "sib200", "nusax")
    assert "xcopa" in list_kept_tasks(BENCHMARKS["xtreme-r"], "xtreme")


def test_a_recipes_rate_is_the_only_arm_unless_the_user_gives_rates() -> None:
    target_rates = {s.task: s.rates for s in plan_of("xtreme") if s.kind == "target"}
    assert target_rates == {
        "mnli": (3e-5,),
        "pawsx": (2e-5,),
        "udpos": (2e-5,),
        "panx": (2e-5,),
        "squad": (3e-5,),
        "tydiqa": (3e-5,),
    }
    assert {s.rates for s in plan_of("xtreme") if s.kind == "intermediate"} == {(2e-5, 1e-5, 3e-5)}
    assert {s.rates for s in plan_of("xtreme", with_rates=False) if s.kind == "target"} == {(2e-5, 1e-5, 3e-5)}


def test_mixes_that_name_no_sampler_have_the_recipes() -> None:
    assert [find_default_sampler(names) for names in (["jiant"], ["ours"], [], ["jiant", "ours"])] == [
        "proportional",
        "capped",
        "capped",
        "capped",
    ]
    for name in ("ours", "jiant"):  # every sampler once, by another name than the plain mix
        benchmark = choose_recipes(XTREME, name)
        chains = list_diversity_chains(benchmark)
        assert "multitask" in chains and f"multitask~{benchmark.mixture.sampler}" not in chains
        assert sum(chain.startswith("multitask~") for chain in chains) == 3


def test_a_mix_samples_and_reads_inputs_as_the_recipe_says() -> None:
    for recipes, exponent, inputs in (
        ("ours", 0.5, [384, 128]),
        ("jiant", 1.0, [256, 128, {"windows": "step", "question_limit": 64, "decoding": "maximal context"}]),
    ):
        benchmark = choose_recipes(XTREME, recipes)
        (phase,) = resolve_phases(
            ("mnli+squad",), benchmark, mixture=(), budget=UNBOUNDED, masked=DEFAULT_MASKED_WORDS
        ).values()
        assert phase.recipe["sampler"]["exponent"] == exponent
        assert phase.recipe["inputs"] == {"mnli": [256, 64], "squad": inputs}
