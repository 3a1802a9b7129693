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
    mnli|squad               no training: the mean of the encoders of two phases
    hub:ORG/NAME@commit      no training: an encoder that somebody has trained, from the hub
    folder:NAME              the same, from a folder
    none:salt                with another method of fine-tuning on the target, after the colon

Every variant of the intermediate phase is thus one more name on the axis of intermediate tasks.
"""

import re
from collections.abc import Callable
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

HUB, FOLDER = "hub:", "folder:"  # how the names of ready encoders begin
_MEMBER = rf"(?:{HUB}|{FOLDER})?[^:|]*"
_NAME_PATTERN = re.compile(rf"({_MEMBER}(?:\|{_MEMBER})*)(?::(.*))?", re.DOTALL)  # phase, method on the target
_READY_PATTERN = re.compile(rf"{HUB}[\w.-]+(?:/[\w.-]+)?(?:@[\w.-]+)?|{FOLDER}[\w.-]+", re.ASCII)
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
    members: tuple["Chain", ...] = ()  # of a merge: the phases whose encoders are averaged
    ready: str | None = None  # the name of a ready encoder, which takes the place of a phase

    @property
    def is_trained(self) -> bool:
        """True if there is a phase, and it is trained: no merge and no ready encoder."""
        return bool(self.ingredients)

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
        """The names of the tasks, each once; of a merge those of all members."""
        members = (task for member in self.members for task in member.tasks)
        return tuple(dict.fromkeys((*(ingredient.task for ingredient in self.ingredients), *members)))


def phase_of(name: str) -> str:
    """Return the part of a chain's name that names its phase, and with it its intermediate stages. Accepts any text."""
    return _split_name(name)[0]


def _split_name(name: str) -> tuple[str, str | None]:
    """Return the parts of a name before and after the colon of the target's method; None without a colon."""
    parts = _NAME_PATTERN.fullmatch(name)
    assert parts is not None  # it matches any text
    return parts[1], parts[2]


def members_of(phase: str) -> tuple[str, ...]:
    """Return the names of the phases that a merge averages; none for another phase. Accepts any text."""
    names = tuple(phase.split("|"))
    return names if len(names) > 1 else ()


def target_method_of(name: str) -> str:
    """Return the method of fine-tuning on the targets in a chain's name, empty if there is none. Accepts any text."""
    return _split_name(name)[1] or ""


def rename_phases(name: str, rename: Callable[[str], str]) -> str:
    """Return a chain's name in which its phase, or each one that a merge averages, is renamed. Accepts any text."""
    phase, method = phase_of(name), target_method_of(name)
    renamed = "|".join(rename(each) for each in members_of(phase) or (phase,))
    return f"{renamed}:{method}" if method else renamed


def is_baseline(name: str) -> bool:
    """Return True for `none` and `none~xN`: no intermediate phase, plain training on targets. Accepts any text."""
    return _BASELINE_PATTERN.fullmatch(name) is not None


def target_multiplier_of(name: str) -> int:
    """Return the factor on the steps of a chain's target stages: N of `none~xN`, else 1. Accepts any text."""
    baseline = _BASELINE_PATTERN.fullmatch(phase_of(name))
    return int(baseline[1] or 1) if baseline else 1


def parse_chain(name: str) -> Chain:
    """Return the chain of a name; raises UsageError if it breaks the syntax. Tasks and languages are not looked up."""
    phase, target_method = _split_name(name)
    if target_method is not None and target_method not in METHODS:
        raise UsageError(f"{name!r}: {describe_unknown('method', target_method, METHODS)}")
    if members := members_of(phase):
        return Chain(name=name, members=_parse_members(name, members), target_method=target_method)
    if phase.startswith((HUB, FOLDER)):
        _check_ready(name, phase)
        return Chain(name=name, ready=phase, target_method=target_method)
    mix, *options = phase.split("~")
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
        target_method=target_method,
    )


def _parse_members(name: str, members: tuple[str, ...]) -> tuple[Chain, ...]:
    """Return the members of a merge; raises UsageError for one that is given twice or has no phase."""
    twice = next((member for member in members if members.count(member) > 1), None)
    if twice is not None:
        raise UsageError(f"{name!r} merges {twice!r} with itself: give each phase once.")
    for member in members:
        if member in (NONE, RANDOM_ENCODER) or is_baseline(member) or not member:
            raise UsageError(f"{name!r}: {member!r} is no phase, and only phases are merged; write `mnli|squad`.")
    return tuple(parse_chain(member) for member in members)


def _check_ready(name: str, ready: str) -> None:
    if _READY_PATTERN.fullmatch(ready) is None:
        raise UsageError(
            f"{name!r}: {ready!r} names no ready encoder; write hub:ORG/NAME, hub:ORG/NAME@commit or folder:DIR, where "
            "the name of the folder has letters, digits, '.', '_' and '-'."
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
