"""Benchmarks: tables of intermediate tasks and of targets, and what spaces and scores need to know about them."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from spaces import miniature, xtreme, xtreme_r, xtreme_wide
from spaces.chain import DEFAULT_SAMPLER, MULTITASK, NONE
from spaces.errors import UsageError
from spaces.language import Language
from spaces.table import Table
from spaces.task import Recipe, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Recipe of a phase that mixes several tasks, the sampler, and its cap on the number of rows of a task."""

    recipe: Recipe
    cap: int = 2**17
    sampler: str = DEFAULT_SAMPLER  # where a chain names none


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Budget of every intermediate phase of a sweep, so that phases of different size can be compared.

    `steps` are steps of the mixture's batch size. `examples` are distinct rows of all ingredients together, which the
    sampler divides among them. None leaves the number to the phase's own recipe and data. Raises UsageError for
    anything but whole numbers of at least 1.
    """

    steps: int | None = None
    examples: int | None = None

    def __post_init__(self) -> None:
        for name, number in (("steps", self.steps), ("examples", self.examples)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise UsageError(f"Budget: `{name}` must be a whole number of at least 1, got {number!r}.")


UNBOUNDED = Budget()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionBudgets:
    """The budgets of the spaces that answer one question each.

    A phase of few steps before a target of many hardly moves the target, so a question about it finds nothing.
    `--plan` and every verdict print the share of the phase in the steps of a chain.
    """

    diversity: Budget  # equal rows and steps of mixes of tasks: no more rows than the smallest task has
    languages: Budget  # equal rows and steps of one task in several languages
    methods: Budget  # most methods make several passes per step


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A benchmark to search on: its tasks, its languages, and the defaults of the named spaces."""

    name: str
    note: str  # printed with its scores
    intermediates: Table[Task]
    targets: Table[Task]
    languages: Table[Language]
    mixture: Mixture
    question_budgets: QuestionBudgets
    assumed_spread: float | None = None  # points, of a gain on one target over seeds; None: no assumption is made
    quick_intermediates: tuple[str, ...]
    quick_targets: tuple[str, ...]
    parallel_targets: tuple[str, ...] = ()  # whose test rows alignment probes read without sentences of their own
    tagging_target: str  # the tagging target whose words probes read
    matched_baseline: str  # the baseline whose targets train for about as long as chain and target together
    quick_test_limit: int | None = None  # dev and test examples per language of a quick sweep
    base: str | None = None  # the benchmark with whose stages its own are shared, if they have the same targets

    def intermediate_names(self) -> tuple[str, ...]:
        """Return every intermediate of a full sweep, the baseline first and the matched baseline last."""
        tasks = (task.name for task in self.intermediates.values() if not task.is_opt_in)
        return (NONE, *tasks, MULTITASK, self.matched_baseline)

    def target_names(self) -> tuple[str, ...]:
        """Return every target of a full sweep."""
        return tuple(task.name for task in self.targets.values() if not task.is_opt_in)

    def targets_trained_with(self, target: str, named: Collection[str]) -> tuple[str, ...]:
        """Return the targets with the same training set, in table order; opt-in targets only if they are `named`."""
        training_set = self.targets[target].training_set
        tasks = [task for task in self.targets.values() if task.training_set == training_set is not None]
        return tuple(task.name for task in tasks if not task.is_opt_in or task.name in named)

    def multitask_tasks(self) -> tuple[Task, ...]:
        """Return the tasks of `multitask`: every intermediate task that is neither a control nor opt-in."""
        return tuple(task for task in self.intermediates.values() if not (task.is_control or task.is_opt_in))


_XTREME = Benchmark(
    name="xtreme",
    note="XTREME targets, zero-shot from English; scores by the official rules.",
    intermediates=xtreme.INTERMEDIATES,
    targets=xtreme.TARGETS,
    languages=xtreme.LANGUAGES,
    quick_test_limit=500,
    mixture=Mixture(recipe=Recipe(epochs=1, batch_size=32, max_length=256)),
    # Gains of 1 point in single runs of XNLI, PAWS-X, POS and NER are within what seeds do; TyDiQA, with 400 steps, and
    # retrieval vary by several points (Keung et al. 2020, Dodge et al. 2020, Mosbach et al. 2021).
    assumed_spread=1.0,
    question_budgets=QuestionBudgets(
        diversity=Budget(steps=913, examples=9_741),  # all rows of CommonsenseQA, the smallest, three times
        languages=Budget(steps=24_544, examples=392_702),  # MultiNLI and its translations, twice, as the target XNLI
        methods=UNBOUNDED,  # the task's own recipe on all its rows
    ),
    quick_intermediates=("mnli", "squad"),
    quick_targets=("xnli", "udpos", "xquad", "tatoeba"),
    parallel_targets=("tatoeba", "xnli"),
    tagging_target="udpos",
    matched_baseline=f"{NONE}~x2",
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
            question_budgets=QuestionBudgets(
                diversity=Budget(steps=400, examples=3000),
                languages=Budget(steps=400, examples=3000),
                methods=Budget(steps=200, examples=3000),
            ),
            quick_intermediates=("mnli", "squad", "ccg"),
            quick_targets=("xnli", "udpos", "xquad", "tatoeba"),
            tagging_target="udpos",
            matched_baseline=f"{NONE}~x6",  # phases have 340 steps on average, targets 67
        ),
        _XTREME,
        replace(
            _XTREME,
            name="xtreme-r",
            note="XTREME-R targets, zero-shot from English; LAReQA and Mewsli-X without a trained dual encoder.",
            targets=xtreme_r.TARGETS,
            languages=xtreme_r.LANGUAGES,
        ),
        replace(
            _XTREME,
            name="xtreme-wide",
            note="XTREME targets and, apart from their means, the same questions in further languages; zero-shot.",
            targets=xtreme_wide.TARGETS,
            languages=xtreme_wide.LANGUAGES,
            quick_targets=("xnli", "udpos", "xquad", "tatoeba", "americasnli-test", "masakhapos"),
            base=_XTREME.name,
        ),
    ),
)
