"""A benchmark: a table of intermediate tasks, a table of targets, and what is said about them on screen."""

from dataclasses import dataclass, replace

from spaces import miniature, xtreme, xtreme_r
from spaces.chain import MULTITASK, NONE
from spaces.errors import UsageError
from spaces.language import Language
from spaces.table import Table, unknown
from spaces.task import Recipe, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """How the multi-task run draws its batches: task i with p_i ~ min(N_i, cap)^(1/temperature).

    `cap` bounds the weight of the largest tasks (T5's examples-proportional mixing, Raffel et al. 2020, and the
    sampler of Phang et al. 2020). `recipe` is the recipe of the whole run.
    """

    recipe: Recipe
    cap: int = 2**17
    temperature: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One world to search in."""

    name: str
    note: str  # what a reader of its scores must know
    intermediates: Table[Task]
    targets: Table[Task]
    languages: Table[Language]
    mixture: Mixture
    quick_intermediates: tuple[str, ...]
    quick_targets: tuple[str, ...]
    parallel: tuple[str, ...]  # targets whose test sets hold translations of English; probes read the first there is
    tagged: str  # tagging target whose words probes read
    quick_test_limit: int | None = None  # dev and test examples per language of a quick sweep

    def intermediate_names(self) -> tuple[str, ...]:
        """Every intermediate of a full sweep, baseline first."""
        return (NONE, *self.intermediates, MULTITASK)

    def check_intermediate(self, name: str) -> None:
        """Raise UsageError with the near names if `name` is no intermediate of this benchmark."""
        if name not in self.intermediate_names():
            noun = f"intermediate task of {self.name}"
            raise UsageError(unknown(noun, name, self.intermediate_names()))

    def check_target(self, name: str) -> None:
        """Raise UsageError with the near names if `name` is no target of this benchmark."""
        if name not in self.targets:
            raise UsageError(unknown(f"target of {self.name}", name, self.targets))

    def sharing(self, training: str) -> tuple[Task, ...]:
        """The targets that are trained on the training set `training`, in table order."""
        return tuple(task for task in self.targets.values() if task.training == training)

    def mixed(self) -> tuple[Task, ...]:
        """The tasks of the multi-task run: every intermediate task that is no control."""
        return tuple(task for task in self.intermediates.values() if not task.control)


_XTREME = Benchmark(
    name="xtreme",
    note="XTREME targets, zero-shot from English; scores by the official rules.",
    intermediates=xtreme.INTERMEDIATES,
    targets=xtreme.TARGETS,
    languages=xtreme.LANGUAGES,
    quick_test_limit=500,
    mixture=Mixture(recipe=Recipe(epochs=1, batch_size=32, max_length=256)),
    quick_intermediates=("mnli", "squad"),
    quick_targets=("xnli", "udpos", "xquad", "tatoeba"),
    parallel=("tatoeba", "xnli"),
    tagged="udpos",
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
            quick_intermediates=("mnli", "squad", "ccg"),
            quick_targets=("xnli", "udpos", "xquad", "tatoeba"),
            parallel=("bucc",),
            tagged="udpos",
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
