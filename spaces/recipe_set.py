"""Named sets of recipes: what each one sets for which tasks, and the file or paper that every setting is read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spaces.benchmark import Mixture
from spaces.task import Recipe, RetrievalRecipe, TaskKind

OURS = "ours"
TRAINING_SETTINGS = tuple(
    "epochs batch_size max_length learning_rate warmup weight_decay clip selection splits".split()
)
SPAN_SETTINGS = ("windows", "question_limit", "decoding")
CHOICE_SETTINGS = ("question_beside",)

Sources = Mapping[str, str]  # file or `ours` -> the settings that are read from it, separated by blanks


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeRow:
    """The recipe of tasks of one kind. Raises ValueError unless every setting of the kind has exactly one source."""

    tasks: tuple[str, ...]
    kind: TaskKind
    recipe: Recipe
    sources: Sources

    def __post_init__(self) -> None:
        sourced = [setting for settings in self.sources.values() for setting in settings.split()]
        if sorted(sourced) != sorted(list_settings(self.kind)):
            raise ValueError(
                f"the recipe of {', '.join(self.tasks)} must name one source for each of "
                f"{', '.join(list_settings(self.kind))}; got {', '.join(sourced)}."
            )

    def find_source(self, setting: str) -> str:
        """Return the source of a setting."""
        return next(source for source, settings in self.sources.items() if setting in settings.split())


def list_settings(kind: TaskKind) -> tuple[str, ...]:
    """Return the settings of a recipe that a kind of task has. `warmup` is also its number of steps, `windows` both."""
    own = {"span": SPAN_SETTINGS, "choice": CHOICE_SETTINGS}.get(kind, ())
    return (*TRAINING_SETTINGS, *own)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRow:
    """How one retrieval target is read, and the file that says so."""

    task: str
    reading: RetrievalRecipe
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeSet:
    """Recipes that belong together. Tasks without a row keep the recipe `ours`."""

    name: str
    about: str  # one sentence for --help
    repository: str | None = None  # the public repository of the files that are named as sources
    benchmarks: tuple[str, ...] = ()  # that it can be used on; `ours` is for all
    intermediates: tuple[RecipeRow, ...] = ()
    targets: tuple[RecipeRow, ...] = ()
    retrieval: tuple[RetrievalRow, ...] = ()
    mixture: Mixture | None = None  # None: the benchmark's own
    mixture_sources: Sources = field(default_factory=dict)
    learning_rates: tuple[float, ...] | None = None  # of recipes that name none; None: the encoder profile's
