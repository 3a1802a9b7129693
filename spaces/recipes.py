"""The named sets of recipes, and benchmarks whose tasks have the recipes of one of them."""

from collections.abc import Iterable
from dataclasses import replace

from spaces.benchmark import Benchmark
from spaces.chain import DEFAULT_SAMPLER
from spaces.errors import UsageError
from spaces.jiant_recipes import JIANT
from spaces.recipe_set import OURS, RecipeRow, RecipeSet
from spaces.table import Table
from spaces.task import Recipe, RetrievalRecipe, Task
from spaces.xtreme_recipes import XTREME

RECIPE_SETS = Table(
    "recipe",
    (RecipeSet(name=OURS, about="jiant's schedules with choices of this project (docs/protocol.md)"), JIANT, XTREME),
)


def choose_recipes(benchmark: Benchmark, name: str, *, with_rates: bool = True) -> Benchmark:
    """Return the benchmark with the recipes of a set; without their learning rates where the user gives some.

    Raises UsageError for an unknown set, or one that the benchmark does not have.
    """
    recipes = RECIPE_SETS.find(name)
    if name == OURS:
        return benchmark
    if benchmark.name not in recipes.benchmarks:
        raise UsageError(
            f"--recipe {name} is for {', '.join(recipes.benchmarks)}; {benchmark.name} has only the recipe {OURS!r}."
        )
    readings = {row.task: row.reading for row in recipes.retrieval}
    return replace(
        benchmark,
        intermediates=_replace_recipes(benchmark.intermediates, recipes.intermediates, {}, with_rates=with_rates),
        targets=_replace_recipes(benchmark.targets, recipes.targets, readings, with_rates=with_rates),
        mixture=recipes.mixture or benchmark.mixture,
    )


def _replace_recipes(
    tasks: Table[Task], rows: Iterable[RecipeRow], readings: dict[str, RetrievalRecipe], *, with_rates: bool
) -> Table[Task]:
    recipes = {name: row.recipe for row in rows for name in row.tasks}

    def choose(task: Task) -> Task:
        recipe, reading = recipes.get(task.trained_as), readings.get(task.name)
        if recipe is not None and not with_rates:
            recipe = replace(recipe, learning_rate=None)
        # The default reading is the absence of one, so that its stages keep their keys.
        reading = None if reading == RetrievalRecipe() else reading
        return replace(task, recipe=recipe or task.recipe, retrieval=reading)

    return Table(tasks.noun, map(choose, tasks.values()))


def list_kept_tasks(benchmark: Benchmark, name: str) -> tuple[str, ...]:
    """Return the tasks of a benchmark to which a set gives no recipe, so that they keep `ours`."""
    recipes = RECIPE_SETS.find(name)
    given = {task for row in (*recipes.intermediates, *recipes.targets) for task in row.tasks}
    given |= {row.task for row in recipes.retrieval}
    tasks = (*benchmark.intermediates.values(), *benchmark.targets.values())
    return tuple(dict.fromkeys(task.name for task in tasks if task.trained_as not in given))


def describe_rates(recipes: Iterable[tuple[str, Recipe | None]]) -> str:
    """Return the learning rates that recipes name, as `xnli 3e-05, pawsx 2e-05`; empty if none names one."""
    return ", ".join(
        f"{name} {recipe.learning_rate:g}" for name, recipe in recipes if recipe and recipe.learning_rate is not None
    )


def find_default_sampler(names: Iterable[str]) -> str:
    """Return the sampler of mixes that name none, in sweeps with these recipes; `capped` where they differ."""
    mixtures = [RECIPE_SETS[name].mixture if name in RECIPE_SETS else None for name in names]
    samplers = {DEFAULT_SAMPLER if mixture is None else mixture.sampler for mixture in mixtures}
    return samplers.pop() if len(samplers) == 1 else DEFAULT_SAMPLER
