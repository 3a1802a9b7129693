"""An intermediate phase made definite for a benchmark: which rows it trains on, for how many steps, by which method.

A name such as `mnli+squad~freelb` is read by `chain.py`; here its tasks and languages are looked up, and a recipe is
made of them. Names that mean the same phase get the same recipe, by which a sweep refuses the second of them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spaces.benchmark import Benchmark, Budget
from spaces.chain import DEFAULT_SAMPLER, MLM, NONE, RANDOM_ENCODER, SAMPLERS, Chain, Ingredient, parse_chain, phase_of
from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.table import describe_unknown
from spaces.task import Recipe, Task, TaskKind


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedWords:
    """How guessing masked words goes into a phase beside its tasks.

    `share` is their share of all steps. A language of n texts is drawn with p ~ n^smoothing, as XLM-R's pretraining
    does with 0.3 (Conneau et al. 2020). The share and the languages of Phang et al. 2020 are not known to us.
    """

    share: float = 0.5
    languages: tuple[str, ...] | None = None  # None: all that the task has
    smoothing: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise UsageError(f"the share of masked words lies between 0 and 1, got {self.share:g}.")
        if not 0 <= self.smoothing <= 1:
            raise UsageError(f"the smoothing exponent lies from 0 to 1, got {self.smoothing:g}.")


DEFAULT_MASKED_WORDS = MaskedWords()
MAX_NAME_LENGTH = 180  # letters in the name of a chain: it becomes part of files' names, which may have 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One intermediate phase. `recipe` holds all that changes its outcome but data, rate and seed, in JSON values."""

    name: str
    ingredients: tuple[Ingredient, ...]  # each with its language
    recipe: Mapping[str, Any]


def check_chain(name: str, benchmark: Benchmark, mixture: tuple[str, ...]) -> Chain:
    """The chain of a name, where `multitask` stands for the tasks of `mixture`.

    Raises UsageError for a task, language or method that does not go with the benchmark.
    """
    chain = parse_chain(name)
    if chain.phase == RANDOM_ENCODER:
        raise UsageError(f"{name!r}: a random encoder is a floor and no chain that competes: --floor adds it.")
    if len(name) > MAX_NAME_LENGTH:
        raise UsageError(
            f"{name!r} has {len(name)} letters, a name has at most {MAX_NAME_LENGTH}: leave ingredients out."
        )
    noun = f"intermediate task of {benchmark.name}"
    for one in () if chain.is_multitask else chain.ingredients:
        if one.task not in benchmark.intermediates:
            known = dict.fromkeys((*benchmark.intermediate_names(), *benchmark.intermediates))
            raise UsageError(describe_unknown(noun, one.task, known))
        languages = benchmark.intermediates[one.task].training_languages
        if one.language is not None and one.language not in languages:
            raise UsageError(
                f"{name!r}: {describe_unknown(f'training language of {one.task}', one.language, languages)}"
            )
    if chain.method is not None and chain.tasks == (MLM,):
        raise UsageError(
            f"{name!r}: masked words are trained plainly, beside a task and alone; leave out ~{chain.method}."
        )
    if chain.method is not None:
        tasks = mixture if chain.is_multitask else chain.tasks
        check_method(name, chain.method, {benchmark.intermediates[one].kind for one in tasks if one != MLM})
    return chain


def check_method(name: str, method: str, kinds: set[TaskKind]) -> None:
    """Raise UsageError if a method has no meaning for one of the kinds of task."""
    for kind, reason in METHODS[method].unsuited_kinds.items():
        if kind in kinds:
            raise UsageError(f"{name!r}: {method} does not go with a task of kind {kind}: {reason}.")


def resolve_phases(
    names: tuple[str, ...],
    benchmark: Benchmark,
    *,
    mixture: tuple[str, ...],
    budget: Budget,
    masked: MaskedWords,
) -> dict[str, Phase]:
    """Every phase that the chains go through, by name; chains of one phase share it.

    Raises UsageError where two names mean the same phase: it would be trained twice.
    """
    found: dict[str, Phase] = {}
    for name in dict.fromkeys(parse_chain(name).phase for name in names):
        chain = parse_chain(name)
        if not chain.ingredients:
            continue
        phase = _build_phase(chain, benchmark, mixture, budget, masked)
        for other in found.values():
            if other.recipe == phase.recipe:
                raise UsageError(f"{other.name!r} and {name!r} mean the same: give one of them.")
        found[name] = phase
    return found


def ingredients_of(
    chain: Chain, benchmark: Benchmark, mixture: tuple[str, ...], masked: MaskedWords
) -> tuple[Ingredient, ...]:
    """The ingredients, each with its language, in the order of the benchmark's tables, those of masked words last.

    Raises UsageError where a task without a language stands beside itself in that language.
    """
    definite: list[Ingredient] = []
    for one in tuple(Ingredient(task) for task in mixture) if chain.is_multitask else chain.ingredients:
        task = benchmark.intermediates[one.task]
        if task.kind == "mlm" and one.language is None:
            definite += [Ingredient(task.name, language) for language in masked.languages or task.training_languages]
        else:
            definite.append(Ingredient(task.name, one.language or task.own_language))
    twice = [str(one) for one in dict.fromkeys(definite) if definite.count(one) > 1]
    if twice:
        raise UsageError(
            f"{chain.name!r} names {', '.join(twice)} twice, once without its language: a mix has it once."
        )
    tasks = list(benchmark.intermediates)

    def place(one: Ingredient) -> tuple[bool, int, int]:
        languages = (*benchmark.intermediates[one.task].training_languages, one.language)
        return one.task == MLM, tasks.index(one.task), languages.index(one.language)

    return tuple(sorted(definite, key=place))


def _build_phase(
    chain: Chain, benchmark: Benchmark, mixture: tuple[str, ...], budget: Budget, masked: MaskedWords
) -> Phase:
    ingredients = ingredients_of(chain, benchmark, mixture, masked)
    tasks = [one for one in ingredients if one.task != MLM]
    share = 0.0 if len(tasks) == len(ingredients) else masked.share if tasks else 1.0
    recipe: dict[str, Any] = dataclasses.asdict(
        _build_recipe(chain, benchmark, tasks or list(ingredients), budget, share)
    )
    recipe["ingredients"] = [[one.task, one.language] for one in ingredients]
    mixed = [benchmark.intermediates[name] for name in dict.fromkeys(one.task for one in ingredients)]
    if len(mixed) > 1:  # inputs are as long as each task's own recipe says
        recipe["inputs"] = {task.name: [task.recipe.max_length, task.recipe.stride] for task in mixed if task.recipe}
    if budget.examples is not None and budget.examples < len(tasks):
        raise UsageError(
            f"{chain.phase!r} has {len(tasks)} ingredients: {budget.examples} examples are too few for it."
        )
    if len(tasks) > 1:
        sampler = SAMPLERS[chain.sampler or DEFAULT_SAMPLER]
        recipe["sampler"] = {
            "cap": benchmark.mixture.cap if sampler.has_cap else None,
            "exponent": 1 / sampler.temperature,
        }
    if share:
        recipe["masked"] = {"share": share, "smoothing": masked.smoothing}
    if budget.examples is not None:
        recipe["examples"] = budget.examples
    if chain.method is not None:
        recipe["method"] = build_method_entry(chain.method)
    return Phase(name=chain.phase, ingredients=ingredients, recipe=recipe)


def _build_recipe(
    chain: Chain, benchmark: Benchmark, tasks: list[Ingredient], budget: Budget, masked_share: float
) -> Recipe:
    """A task's own recipe, or the mixture's; masked words beside tasks take steps of their own, but no budget grows."""
    own = benchmark.intermediates[tasks[0].task].recipe
    several = len({one.task for one in tasks}) > 1
    recipe = benchmark.mixture.recipe if several or own is None else own
    if budget.steps is not None:
        size = benchmark.mixture.recipe.batch_size
        return dataclasses.replace(recipe, steps=budget.steps * chain.step_multiplier, epochs=None, batch_size=size)
    longer = chain.step_multiplier / (1 - masked_share) if masked_share < 1 else float(chain.step_multiplier)
    if recipe.steps is not None:
        return dataclasses.replace(recipe, steps=round(recipe.steps * longer))
    assert recipe.epochs is not None
    return dataclasses.replace(recipe, epochs=recipe.epochs * longer)


def build_method_entry(name: str) -> dict[str, Any]:
    """What a recipe says of a method: its name and all settings, so that other settings are another stage."""
    return {"name": name, **METHODS[name].settings}


def has_phase(name: str) -> bool:
    """Whether a chain has an intermediate phase."""
    return phase_of(name) not in (NONE, RANDOM_ENCODER)


def passes_of(recipe: Mapping[str, Any] | None) -> float:
    """What a step of a recipe costs on average, in plain steps. Masked words are trained plainly beside any method."""
    method = (recipe or {}).get("method")
    if recipe is None or method is None:
        return 1.0
    words: float = recipe.get("masked", {"share": 0.0})["share"]
    return words + (1 - words) * METHODS[method["name"]].passes


def tasks_of(phase: Phase, benchmark: Benchmark) -> tuple[Task, ...]:
    """The tasks of a phase, each once."""
    return tuple(benchmark.intermediates[name] for name in dict.fromkeys(one.task for one in phase.ingredients))
