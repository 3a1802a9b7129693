"""A benchmark: a table of intermediate tasks, a table of targets, and what is said about them on screen."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from spaces import miniature, xtreme, xtreme_r
from spaces.chain import MULTITASK, NONE
from spaces.errors import UsageError
from spaces.language import Language
from spaces.table import Table, describe_unknown
from spaces.task import Recipe, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """The recipe of a phase that mixes several tasks, and the cap on the number of rows that weighs a task in it."""

    recipe: Recipe
    cap: int = 2**17


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What every intermediate phase of a sweep may spend, so that phases of unlike size can be compared.

    `steps` are steps of the mixture's batch size; `examples` are distinct rows, all ingredients together, each of which
    gets its share of them by the sampler. None: as much as the phase's own recipe and data say.
    """

    steps: int | None = None
    examples: int | None = None

    def __post_init__(self) -> None:
        for what, number in (("steps", self.steps), ("examples", self.examples)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise UsageError(f"a budget's {what} are a whole number from 1 up, got {number!r}.")


UNBOUNDED = Budget()


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One world to search in."""

    name: str
    note: str  # what a reader of its scores must know
    intermediates: Table[Task]
    targets: Table[Task]
    languages: Table[Language]
    mixture: Mixture
    equal_budget: (
        Budget  # at which phases of unlike tasks or languages can be compared: no more rows than the smallest has
    )
    quick_intermediates: tuple[str, ...]
    quick_targets: tuple[str, ...]
    parallel_targets: tuple[
        str, ...
    ]  # targets whose test sets hold translations of English; probes read the first there is
    tagging_target: str  # tagging target whose words probes read
    quick_test_limit: int | None = None  # dev and test examples per language of a quick sweep

    def intermediate_names(self) -> tuple[str, ...]:
        """Every intermediate of a full sweep, baseline first."""
        return (NONE, *(task.name for task in self.intermediates.values() if not task.is_opt_in), MULTITASK)

    def target_names(self) -> tuple[str, ...]:
        """Every target of a full sweep."""
        return tuple(task.name for task in self.targets.values() if not task.is_opt_in)

    def check_target(self, name: str) -> None:
        """Raise UsageError with the near names if `name` is no target of this benchmark."""
        if name not in self.targets:
            raise UsageError(describe_unknown(f"target of {self.name}", name, self.targets))

    def targets_trained_on(self, training: str, asked: Collection[str] = ()) -> tuple[Task, ...]:
        """The targets that are trained on the set `training`, in table order; extras where they are asked for."""
        return tuple(
            task
            for task in self.targets.values()
            if task.training_set == training and (not task.is_opt_in or task.name in asked)
        )

    def multitask_tasks(self) -> tuple[Task, ...]:
        """The tasks of `multitask`: every intermediate task that is no control and no extra."""
        return tuple(task for task in self.intermediates.values() if not (task.is_control or task.is_opt_in))


_XTREME = Benchmark(
    name="xtreme",
    note="XTREME targets, zero-shot from English; scores by the official rules.",
    intermediates=xtreme.INTERMEDIATES,
    targets=xtreme.TARGETS,
    languages=xtreme.LANGUAGES,
    quick_test_limit=500,
    mixture=Mixture(recipe=Recipe(epochs=1, batch_size=32, max_length=256)),
    equal_budget=Budget(steps=1_000, examples=6_000),  # AmericasNLI has 6,457 rows, but of 743 texts
    quick_intermediates=("mnli", "squad"),
    quick_targets=("xnli", "udpos", "xquad", "tatoeba"),
    parallel_targets=("tatoeba", "xnli"),
    tagging_target="udpos",
)

BENCHMARKS = Table(
    "benchmark",
    (
        Benchmark(
            name="miniature",
            note="The miniature is a synthetic world with a planted truth: nothing here is about natural language.",
            intermediates=miniature.INTERMEDIATES,
            targets=miniature.TARGETS,
            languages=miniature.LANGUAGES,
            mixture=Mixture(recipe=Recipe(steps=600, batch_size=32, max_length=64), cap=6000),
            equal_budget=Budget(steps=400, examples=3000),
            quick_intermediates=("mnli", "squad", "ccg"),
            quick_targets=("xnli", "udpos", "xquad", "tatoeba"),
            parallel_targets=("bucc",),
            tagging_target="udpos",
        ),
        _XTREME,
        replace(
            _XTREME,
            name="xtreme-r",
            note="XTREME-R targets, zero-shot from English; LAReQA and Mewsli-X without a trained dual encoder.",
            targets=xtreme_r.TARGETS,
            languages=xtreme_r.LANGUAGES,
        ),
    ),
)
