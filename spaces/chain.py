"""A chain, and how its name is written: what an encoder goes through before a target scores it.

    none                     the baseline: no intermediate phase
    mnli                     an intermediate task, in English (or in its own language)
    mnli@sw                  the same task on its rows in another language
    mnli@en+mnli@sw+squad    a mix of tasks, drawn step by step
    multitask                the mix of all intermediate tasks
    mnli+mlm                 with masked words of many languages between the task's steps
    squad~freelb             trained by another method
    multitask~proportional   drawn by another sampler
    mnli~x2                  with twice the steps
    none:salt                what comes after the colon is the method of the target's own fine-tuning

So every variant of the intermediate phase is one more name on the axis of intermediate tasks.
"""

import re
from dataclasses import dataclass

from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.table import Table, describe_unknown

NONE = "none"  # the baseline: no intermediate phase
MULTITASK = "multitask"  # all intermediate tasks (controls excepted) in one phase
RANDOM_ENCODER = "random-encoder"  # a floor: the same chain from random weights, without an intermediate phase
MLM = "mlm"  # the task of guessing masked words, in many languages
RESERVED_NAMES = (NONE, MULTITASK, RANDOM_ENCODER)


@dataclass(frozen=True, slots=True)
class Sampler:
    """How a mix draws its steps: task i of N_i rows with p_i ~ min(N_i, cap)^(1/temperature).

    With `capped` the cap is the benchmark's (T5's examples-proportional mixing, Raffel et al. 2020, and the sampler
    that jiant released for Phang et al. 2020); without it there is none. An endless temperature draws all tasks alike.
    """

    name: str
    temperature: float
    has_cap: bool
    about: str


SAMPLERS = Table(
    "sampler",
    (
        Sampler("capped", 2.0, True, "the square root of the number of rows, up to a cap"),
        Sampler("temperature", 2.0, False, "the square root of the number of rows"),
        Sampler("proportional", 1.0, False, "the number of rows"),
        Sampler("uniform", float("inf"), False, "all tasks alike"),
    ),
)
DEFAULT_SAMPLER = "capped"

_TIMES_PATTERN = re.compile(r"x([1-9][0-9]?)")


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A task of an intermediate phase, and the language of its rows; None is the task's own."""

    task: str
    language: str | None = None

    def __str__(self) -> str:
        return self.task if self.language is None else f"{self.task}@{self.language}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A name, read. `ingredients` is empty where there is no intermediate phase, and for `multitask` (see `mixed`)."""

    name: str
    ingredients: tuple[Ingredient, ...] = ()
    method: str | None = None  # of the intermediate phase
    sampler: str | None = None  # None: the default
    step_multiplier: int = 1  # how often the steps of the recipe
    target_method: str | None = None

    @property
    def phase(self) -> str:
        """The name of the intermediate phase alone: chains that share it share its runs."""
        return phase_of(self.name)

    @property
    def is_multitask(self) -> bool:
        """Whether the phase mixes all intermediate tasks."""
        return self.ingredients == (Ingredient(MULTITASK),)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks by name, each once."""
        return tuple(dict.fromkeys(one.task for one in self.ingredients))


def phase_of(name: str) -> str:
    """The part of a chain's name that is its phase, by which its intermediate stages are known; of any text."""
    return name.partition(":")[0]


def target_method_of(name: str) -> str:
    """The method of the targets' own fine-tuning that a chain's name ends in, empty if there is none; of any text."""
    return name.partition(":")[2]


def parse_chain(name: str) -> Chain:
    """What a name means; raises UsageError for one that cannot be read. Tasks and languages are not looked up."""
    phase, colon, target_method = name.partition(":")
    mix, *options = phase.split("~")
    if colon:
        _check_method(name, target_method)
    method = sampler = None
    times = 1
    for option in options:
        found = _TIMES_PATTERN.fullmatch(option)
        if found is not None and times == 1:
            times = int(found[1])
        elif option in SAMPLERS and sampler is None:
            sampler = option
        elif option in METHODS and method is None:
            method = option
        else:
            known = (*METHODS, *SAMPLERS, "x2")
            twice = option in known or found is not None
            raise UsageError(
                f"{name!r}: {option!r} is given a second time or beside one like it."
                if twice
                else f"{name!r}: {describe_unknown('method or sampler', option, known)}"
            )
    ingredients = tuple(_parse_ingredient(name, one) for one in mix.split("+"))
    if len(set(ingredients)) < len(ingredients):
        raise UsageError(f"{name!r} names an ingredient twice: a mix has each once.")
    alone = [one.task for one in ingredients if one.task in RESERVED_NAMES]
    if alone and (len(ingredients) > 1 or ingredients[0].language is not None):
        raise UsageError(f"{name!r}: {alone[0]!r} is no task that could be mixed or have a language.")
    if alone and alone[0] != MULTITASK:
        if options:
            raise UsageError(f"{name!r}: {alone[0]!r} has no intermediate phase, so nothing can follow '~'.")
        ingredients = ()
    if sampler is not None and len(ingredients) == 1 and ingredients[0].task != MULTITASK:
        raise UsageError(f"{name!r}: a sampler draws from a mix, and this is one task.")
    return Chain(
        name=name,
        ingredients=ingredients,
        method=method,
        sampler=sampler,
        step_multiplier=times,
        target_method=target_method or None,
    )


def _parse_ingredient(name: str, text: str) -> Ingredient:
    task, at, language = text.partition("@")
    if not task or (at and not language) or "@" in language:
        raise UsageError(f"{name!r}: {text!r} is no ingredient; write a task, or task@language.")
    return Ingredient(task, language or None)


def _check_method(name: str, method: str) -> None:
    if method not in METHODS:
        raise UsageError(f"{name!r}: {describe_unknown('method', method, METHODS)}")
