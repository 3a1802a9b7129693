"""Bounds: what a sweep leaves out for a small machine. Scores under any of them are marked as limited."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from spaces.benchmark import Benchmark
from spaces.errors import UsageError
from spaces.table import Table
from spaces.task import Recipe, Task

LEAST = {
    "max_length": 32,  # sub-tokens: half of them for a question, the rest for a piece of its context
    "probe_limit": 8,  # sentences: the least that an alignment probe measures
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Upper bounds for all tasks of a sweep; None: no bound. Raises UsageError for anything but large enough numbers.

    Chains of one sweep have the same bounds, so their differences are fair. A smaller retrieval pool is easier.
    """

    limit: int | None = None  # training rows of a task
    test_limit: int | None = None  # dev and test rows of a language
    pool_limit: int | None = None  # queries of a retrieval pool, and candidates
    probe_limit: int | None = None  # sentences of a language that alignment probes read: translations, tagged ones
    target_steps: int | None = None  # steps of a target's training; `none~x2` has twice as many
    batch_size: int | None = None  # examples of a batch, also in phases whose steps a budget sets
    max_length: int | None = None  # sub-tokens of an input; what windows share shrinks in proportion

    def __post_init__(self) -> None:
        for name, number in asdict(self).items():
            least = LEAST.get(name, 1)
            is_whole = isinstance(number, int) and not isinstance(number, bool)
            if number is not None and not (is_whole and number >= least):
                raise UsageError(f"Bounds: `{name}` must be a whole number of at least {least}, got {number!r}.")

    @property
    def given(self) -> dict[str, int]:
        """The bounds that are not None, by name."""
        return {name: number for name, number in asdict(self).items() if number is not None}


NO_BOUNDS = Bounds()

_DESCRIPTIONS = {
    "limit": "{} training rows of a task",
    "test_limit": "{} dev and test rows of a language",
    "pool_limit": "{} queries and candidates of a retrieval pool",
    "probe_limit": "{} sentences of an alignment probe",
    "target_steps": "{} steps of a target",
    "batch_size": "{} examples of a batch",
    "max_length": "{} sub-tokens of an input",
}
BOUND_NAMES = tuple(_DESCRIPTIONS)  # as in `sweep.json`


def describe_bounds(spec: Mapping[str, Any]) -> str:
    """Return the bounds of a specification for readers, such as `at most 500 training rows of a task`; "" for none."""
    parts = [text.format(f"{spec[name]:,}") for name, text in _DESCRIPTIONS.items() if spec.get(name) is not None]
    return "at most " + ", ".join(parts) if parts else ""


def bound_recipes(benchmark: Benchmark, bounds: Bounds) -> Benchmark:
    """Return the benchmark with recipes that keep to the bounds on steps of targets, on batches and on inputs."""
    if bounds.target_steps is None and bounds.batch_size is None and bounds.max_length is None:
        return benchmark
    mixture = replace(benchmark.mixture, recipe=_bound_batches(benchmark.mixture.recipe, bounds))
    return replace(
        benchmark,
        intermediates=_bound_tasks(benchmark.intermediates, replace(bounds, target_steps=None)),
        targets=_bound_tasks(benchmark.targets, bounds),
        mixture=mixture,
    )


def _bound_tasks(tasks: Table[Task], bounds: Bounds) -> Table[Task]:
    def bound(task: Task) -> Task:
        if task.recipe is None:
            return task
        recipe = _bound_batches(task.recipe, bounds)
        if bounds.target_steps is not None:
            recipe = replace(recipe, most_steps=bounds.target_steps, is_bounded=True)
        return replace(task, recipe=recipe)

    return Table(tasks.noun, map(bound, tasks.values()))


def _bound_batches(recipe: Recipe, bounds: Bounds) -> Recipe:
    """Return a recipe whose batches and inputs keep to the bounds."""
    if bounds.batch_size is not None and bounds.batch_size < recipe.batch_size:
        recipe = replace(recipe, batch_size=bounds.batch_size, is_bounded=True)
    longest = bounds.max_length
    if longest is None or recipe.max_length <= longest:
        return recipe
    stride = max(1, round(recipe.stride * longest / recipe.max_length))
    question = None if recipe.question_limit is None else min(recipe.question_limit, longest // 2)
    return replace(recipe, max_length=longest, stride=stride, question_limit=question, is_bounded=True)
