"""Intermediate phases of a benchmark: the rows that a phase trains on, its number of steps and its method.

`chain.py` parses a name such as `mnli+squad~freelb`. Its tasks and languages are looked up here and make a recipe.
Names that mean the same phase get the same recipe, by which a sweep refuses the second name.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spaces.benchmark import Benchmark, Budget
from spaces.ceilings import is_ceiling
from spaces.chain import (
    MLM,
    RANDOM_ENCODER,
    SAMPLERS,
    Chain,
    Ingredient,
    is_baseline,
    members_of,
    parse_chain,
    phase_of,
)
from spaces.errors import UsageError
from spaces.method import METHODS, Method
from spaces.task import INPUT_FIELDS, Recipe, Task, list_key_fields
from spaces.untrained_phase import build_untrained_recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedWords:
    """Masked words beside the tasks of a phase. Raises UsageError for a share or an exponent out of range.

    A language of n texts is drawn with p ~ n^smoothing, as XLM-R's pretraining does with 0.3 (Conneau et al. 2020). The
    share and the languages of Phang et al. 2020 are not known to us.
    """

    share: float = 0.5  # of all steps
    languages: tuple[str, ...] | None = None  # None: all languages of the task
    smoothing: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise UsageError(f"the share of masked words must be between 0 and 1, got {self.share:g}.")
        if not 0 <= self.smoothing <= 1:
            raise UsageError(f"the smoothing exponent of masked words must be from 0 to 1, got {self.smoothing:g}.")


DEFAULT_MASKED_WORDS = MaskedWords()
Names = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """An intermediate phase. `recipe` holds all that changes its outcome but data, rate and seed, in JSON values."""

    name: str
    ingredients: tuple[Ingredient, ...]  # each with its language; none if it is not trained
    recipe: Mapping[str, Any]


def resolve_phases(
    names: Names, benchmark: Benchmark, *, mixture: Names, budget: Budget, masked: MaskedWords
) -> dict[str, Phase]:
    """Return the phases of chains, by name. Raises UsageError where two names mean the same phase."""
    phases: dict[str, Phase] = {}
    for name in list_phases(names):
        chain = parse_chain(name)
        if chain.is_trained:
            phase = _build_phase(chain, benchmark, mixture, budget, masked)
        else:
            phase = Phase(name=name, ingredients=(), recipe=build_untrained_recipe(chain))
        for other in phases.values():
            if other.recipe == phase.recipe:
                raise UsageError(f"{other.name!r} and {name!r} mean the same phase: give one of them.")
        phases[name] = phase
    return phases


def list_phases(chains: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the phases of chains, each once; the members of a merge before it."""
    phases = [phase_of(name) for name in chains if has_phase(name)]
    return tuple(dict.fromkeys(name for phase in phases for name in (*members_of(phase), phase)))


def ingredients_of(chain: Chain, benchmark: Benchmark, mixture: Names, masked: MaskedWords) -> tuple[Ingredient, ...]:
    """Return the ingredients, each with its language, in the order of the benchmark's tables, masked words last.

    Raises UsageError where a task without a language means the same rows as the task with a language beside it.
    """
    definite: list[Ingredient] = []
    for ingredient in tuple(map(Ingredient, mixture)) if chain.is_multitask else chain.ingredients:
        task = benchmark.intermediates[ingredient.task]
        if task.name == MLM and ingredient.language is None:
            definite += [Ingredient(task.name, language) for language in masked.languages or task.training_languages]
        else:
            definite.append(Ingredient(task.name, ingredient.language or task.own_language))
    twice = [str(ingredient) for ingredient in dict.fromkeys(definite) if definite.count(ingredient) > 1]
    if twice:
        raise UsageError(f"{chain.name!r} names {', '.join(twice)} twice, once without its language: give it once.")
    tasks = list(benchmark.intermediates)

    def position(ingredient: Ingredient) -> tuple[bool, int, int]:
        languages = (*benchmark.intermediates[ingredient.task].training_languages, ingredient.language)
        return ingredient.task == MLM, tasks.index(ingredient.task), languages.index(ingredient.language)

    return tuple(sorted(definite, key=position))


def _build_phase(chain: Chain, benchmark: Benchmark, mixture: Names, budget: Budget, masked: MaskedWords) -> Phase:
    ingredients = ingredients_of(chain, benchmark, mixture, masked)
    tasks = [ingredient for ingredient in ingredients if ingredient.task != MLM]
    share = 0.0 if len(tasks) == len(ingredients) else masked.share if tasks else 1.0
    base = _build_recipe(chain, benchmark, tasks or list(ingredients), budget, share)
    recipe: dict[str, Any] = list_key_fields(base)
    recipe["ingredients"] = [[ingredient.task, ingredient.language] for ingredient in ingredients]
    mixed = [benchmark.intermediates[name] for name in dict.fromkeys(ingredient.task for ingredient in ingredients)]
    if len(mixed) > 1:  # inputs are as long as each task's own recipe says
        recipe["inputs"] = {task.name: _list_inputs(task.recipe) for task in mixed if task.recipe}
    if budget.examples is not None and budget.examples < len(tasks):
        raise UsageError(
            f"{chain.phase!r} has {len(tasks)} ingredients and needs an example of each: "
            f"a budget of {budget.examples} examples is too small."
        )
    if len(tasks) > 1:
        sampler = SAMPLERS[chain.sampler or benchmark.mixture.sampler]
        cap = benchmark.mixture.cap if sampler.has_cap else None
        recipe["sampler"] = {"cap": cap, "exponent": 1 / sampler.temperature}
    if share:
        recipe["masked"] = {"share": share, "smoothing": masked.smoothing}
    if budget.examples is not None:
        recipe["examples"] = budget.examples
    if chain.method is not None:
        recipe["method"] = build_method_entry(chain.method)
    return Phase(name=chain.phase, ingredients=ingredients, recipe=recipe)


def _list_inputs(recipe: Recipe) -> list[Any]:
    """Return the lengths of a task's inputs and, where it has any, its other settings of inputs by name."""
    chosen = list_key_fields(recipe)
    others = {name: chosen[name] for name in INPUT_FIELDS if name in chosen}
    return [recipe.max_length, recipe.stride, *([others] if others else [])]


def find_own_rate(name: str, benchmark: Benchmark, mixture: Names, masked: MaskedWords) -> float | None:
    """Return the learning rate that the recipe of a trained phase names; None if it leaves that to the axis."""
    ingredients = ingredients_of(parse_chain(name), benchmark, mixture, masked)
    tasks = [ingredient for ingredient in ingredients if ingredient.task != MLM]
    return _choose_recipe(tasks or list(ingredients), benchmark).learning_rate


def _choose_recipe(tasks: list[Ingredient], benchmark: Benchmark) -> Recipe:
    own = benchmark.intermediates[tasks[0].task].recipe
    is_mix = len({ingredient.task for ingredient in tasks}) > 1
    return benchmark.mixture.recipe if is_mix or own is None else own


def _build_recipe(chain: Chain, benchmark: Benchmark, tasks: list[Ingredient], budget: Budget, share: float) -> Recipe:
    """Return a task's own recipe, or the mixture's. Masked words add steps of their own, unless a budget fixes them."""
    recipe = _choose_recipe(tasks, benchmark)
    if budget.steps is not None:
        size = benchmark.mixture.recipe.batch_size
        return dataclasses.replace(recipe, steps=budget.steps * chain.step_multiplier, epochs=None, batch_size=size)
    return multiply_steps(recipe, chain.step_multiplier / (1 - share) if share < 1 else float(chain.step_multiplier))


def multiply_steps(recipe: Recipe, factor: float) -> Recipe:
    """Return a recipe with its steps, or its epochs, times a factor; a bound on the steps grows with them."""
    if recipe.most_steps is not None:
        recipe = dataclasses.replace(recipe, most_steps=round(recipe.most_steps * factor))
    if recipe.steps is not None:
        return dataclasses.replace(recipe, steps=round(recipe.steps * factor))
    assert recipe.epochs is not None
    return dataclasses.replace(recipe, epochs=recipe.epochs * factor)


def build_method_entry(name: str) -> dict[str, Any]:
    """Return a recipe's entry for a method: its name and all settings, so that other settings are another stage."""
    return {"name": name, **METHODS[name].settings}


def has_phase(name: str) -> bool:
    """Return True if the chain of a name has an intermediate phase."""
    phase = phase_of(name)
    return phase != RANDOM_ENCODER and not is_baseline(phase) and not is_ceiling(phase)


def passes_of(recipe: Mapping[str, Any] | None) -> float:
    """Return the mean cost of a step of a recipe, in plain steps. Masked words beside a method are trained plainly."""
    method = method_of(recipe)
    if recipe is None or method is None:
        return 1.0
    share: float = recipe.get("masked", {"share": 0.0})["share"]
    return share + (1 - share) * method.passes


def method_of(recipe: Mapping[str, Any] | None) -> Method | None:
    """Return the method of a recipe; None for plain training."""
    entry = (recipe or {}).get("method")
    return None if entry is None else METHODS[entry["name"]]


def tasks_of(phase: Phase, benchmark: Benchmark) -> tuple[Task, ...]:
    """Return the tasks of a phase, each once."""
    return tuple(benchmark.intermediates[name] for name in dict.fromkeys(part.task for part in phase.ingredients))
