"""Chains, and the syntax of their names: the training of an encoder before and on a target.

    none                     the baseline: no intermediate phase
    none~x2                  the baseline with twice the steps of every target: as much training as a chain has
    mnli                     an intermediate task, in English (or in its own language)
    mnli@sw                  the same task on its rows in another language
    mnli@en+mnli@sw+squad    a mix of tasks, drawn step by step
    multitask                the mix of all intermediate tasks
    mnli+mlm                 with masked words of many languages between the task's steps
    squad~freelb             trained by another method
    multitask~proportional   drawn by another sampler
    mnli~x2                  with twice the steps
    none:salt                with another method of fine-tuning on the target, after the colon

Every variant of the intermediate phase is thus one more name on the axis of intermediate tasks.
"""

import re
from dataclasses import dataclass

from spaces.errors import UsageError
from spaces.method import METHODS
from spaces.table import Table, describe_unknown

NONE = "none"  # the baseline: no intermediate phase
MULTITASK = "multitask"  # all intermediate tasks (controls excepted) in one phase
RANDOM_ENCODER = "random-encoder"  # a floor: the baseline from random weights
MLM = "mlm"  # masked words, in many languages
RESERVED_NAMES = (NONE, MULTITASK, RANDOM_ENCODER)


@dataclass(frozen=True, slots=True)
class Sampler:
    """Distribution of a mix's steps over its tasks: task i of N_i rows has p_i ~ min(N_i, cap)^(1/temperature).

    Samplers with a cap use the benchmark's (T5's examples-proportional mixing, Raffel et al. 2020, and the sampler that
    jiant released for Phang et al. 2020). An infinite temperature gives all tasks the same probability.
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

_MULTIPLIER_PATTERN = re.compile(r"x([1-9][0-9]?)")
_BASELINE_PATTERN = re.compile(rf"{NONE}(?:~x([2-9]|[1-9][0-9]))?")


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A task of an intermediate phase, and the language of its rows; None for the task's own language."""

    task: str
    language: str | None = None

    def __str__(self) -> str:
        return self.task if self.language is None else f"{self.task}@{self.language}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A parsed name."""

    name: str
    ingredients: tuple[Ingredient, ...] = ()  # empty without a phase; the single task `multitask` for that mix
    method: str | None = None  # of the intermediate phase
    sampler: str | None = None  # None: the default
    step_multiplier: int = 1  # factor on the steps of the phase; without a phase, on the steps of every target
    target_method: str | None = None  # of the fine-tuning on the target

    @property
    def phase(self) -> str:
        """The name of the intermediate phase alone. Chains with the same phase share its runs."""
        return phase_of(self.name)

    @property
    def is_multitask(self) -> bool:
        """True if the phase mixes all intermediate tasks."""
        return self.ingredients == (Ingredient(MULTITASK),)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks, each once."""
        return tuple(dict.fromkeys(ingredient.task for ingredient in self.ingredients))


def phase_of(name: str) -> str:
    """Return the part of a chain's name that names its phase, and with it its intermediate stages. Accepts any text."""
    return name.partition(":")[0]


def target_method_of(name: str) -> str:
    """Return the method of fine-tuning on the targets in a chain's name, empty if there is none. Accepts any text."""
    return name.partition(":")[2]


def is_baseline(name: str) -> bool:
    """Return True for `none` and `none~xN`: no intermediate phase, plain training on targets. Accepts any text."""
    return _BASELINE_PATTERN.fullmatch(name) is not None


def target_multiplier_of(name: str) -> int:
    """Return the factor on the steps of a chain's target stages: N of `none~xN`, else 1. Accepts any text."""
    baseline = _BASELINE_PATTERN.fullmatch(phase_of(name))
    return int(baseline[1] or 1) if baseline else 1


def parse_chain(name: str) -> Chain:
    """Return the chain of a name; raises UsageError if it breaks the syntax. Tasks and languages are not looked up."""
    phase, colon, target_method = name.partition(":")
    mix, *options = phase.split("~")
    if colon and target_method not in METHODS:
        raise UsageError(f"{name!r}: {describe_unknown('method', target_method, METHODS)}")
    method = sampler = None
    step_multiplier = 1
    for option in options:
        multiplier = _MULTIPLIER_PATTERN.fullmatch(option)
        if multiplier is not None and step_multiplier == 1:
            step_multiplier = int(multiplier[1])
        elif option in SAMPLERS and sampler is None:
            sampler = option
        elif option in METHODS and method is None:
            method = option
        else:
            raise UsageError(f"{name!r}: {_describe_option_fault(option)}")
    ingredients = tuple(_parse_ingredient(name, text) for text in mix.split("+"))
    if len(set(ingredients)) < len(ingredients):
        raise UsageError(f"{name!r} names an ingredient twice: name each ingredient once.")
    reserved = next((ingredient.task for ingredient in ingredients if ingredient.task in RESERVED_NAMES), None)
    if reserved and (len(ingredients) > 1 or ingredients[0].language is not None):
        raise UsageError(f"{name!r}: {reserved!r} is not a task: it cannot be mixed or take a language.")
    if reserved and reserved != MULTITASK:
        if options:
            _check_baseline_options(name, reserved, options)
        ingredients = ()
    if sampler is not None and len(ingredients) == 1 and ingredients[0].task != MULTITASK:
        raise UsageError(f"{name!r}: a sampler needs a mix of tasks, and this is a single one; leave out ~{sampler}.")
    return Chain(
        name=name,
        ingredients=ingredients,
        method=method,
        sampler=sampler,
        step_multiplier=step_multiplier,
        target_method=target_method or None,
    )


def _check_baseline_options(name: str, reserved: str, options: list[str]) -> None:
    """Raise UsageError unless the options after `~` are a single multiplier of the baseline's target stages."""
    if reserved != NONE or _MULTIPLIER_PATTERN.fullmatch(options[0]) is None or len(options) > 1:
        hint = f" `{NONE}` takes a multiplier only, such as `{NONE}~x2`." if reserved == NONE else ""
        raise UsageError(f"{name!r}: {reserved!r} has no intermediate phase; leave out what follows '~'.{hint}")
    if options == ["x1"]:
        raise UsageError(f"{name!r} means {name.replace('~x1', '')!r}: leave out ~x1.")


def _parse_ingredient(name: str, text: str) -> Ingredient:
    task, at, language = text.partition("@")
    if not task or (at and not language) or "@" in language:
        raise UsageError(f"{name!r}: {text!r} is not an ingredient; write `task` or `task@language`.")
    return Ingredient(task, language or None)


def _describe_option_fault(option: str) -> str:
    """Return the fault of an option after `~` that is unknown, or the second of its sort in a name."""
    if option in METHODS or option in SAMPLERS:
        noun = "method" if option in METHODS else "sampler"
    elif _MULTIPLIER_PATTERN.fullmatch(option):
        noun = "multiplier"
    else:
        return describe_unknown("method or sampler", option, (*METHODS, *SAMPLERS, "x2"))
    return f"{option!r} is a second {noun}; give one {noun} only."
