"""Tasks: datasets seen as problems, with how they are trained and scored, and in which languages."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from spaces.language import ENGLISH, split_pair

TaskKind = Literal["pair", "text", "tagging", "span", "choice", "mlm", "retrieval"]
Split = Literal["train", "dev", "test"]
AnswerScript = Literal["squad1", "squad2", "mlqa"]  # official script that scores answers: SQuAD 1.1, SQuAD 2.0, MLQA
RetrievalMode = Literal["nearest", "mine", "rank"]
Shift = Literal["mixed", "perturbed"]
ClusterText = Literal["premise", "sentence", "passage", "entity"]
Windows = Literal["share", "step"]
Decoding = Literal["best", "maximal context"]
Selection = Literal["best", "last"]
Pooling = Literal["mean", "first"]

# The groups that XTREME (Hu et al. 2020) and XTREME-R (Ruder et al. 2021) average their targets by.
CLASSIFICATION, STRUCTURED = "sentence classification", "structured prediction"
ANSWERING, RETRIEVAL = "question answering", "retrieval"
GROUP_OF_KIND: Mapping[TaskKind, str] = {
    "pair": CLASSIFICATION,
    "text": CLASSIFICATION,
    "choice": CLASSIFICATION,
    "tagging": STRUCTURED,
    "span": ANSWERING,
    "retrieval": RETRIEVAL,
}

NLI_LABELS = ("entailment", "neutral", "contradiction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Training of a task. Its learning rate is an axis of the search, for which `learning_rate` is only the default.

    Exactly one of `steps` and `epochs` is given; anything else raises ValueError. One step is one update with
    `batch_size` examples. The rate rises linearly over the first `warmup` share of the steps, or over `warmup_steps`,
    and then falls linearly to 0. `recipes/` has the values of each named recipe, with their sources.
    """

    steps: int | None = None
    epochs: float | None = None
    batch_size: int = 32
    max_length: int = 128  # sub-tokens; longer inputs are cut, or windowed (span)
    stride: int = 64  # span: sub-tokens that neighbouring windows share, or by which they step (`windows`)
    warmup: float = 0.1  # share of all steps
    weight_decay: float = 0.01  # none on biases and norms
    clip: float = 1.0  # largest gradient norm
    # The fields from here on are in a stage's key only where they differ from these defaults (`list_key_fields`).
    warmup_steps: int | None = None  # instead of the share; may exceed all steps, as TyDiQA's do in XTREME
    windows: Windows = "share"  # span
    question_limit: int | None = None  # span: sub-tokens of a question; None: half of max_length
    decoding: Decoding = "best"  # span: a start in any window, or only in the one where it has most context
    question_beside: Literal["option", "context"] = "option"  # choice: what the question is joined to
    selection: Selection = "best"  # the evaluation whose weights are kept: the best on dev, or the last
    splits: str | None = None  # name in the table of splits; None: the task's own
    most_steps: int | None = None  # bound on the steps, however many the epochs need
    is_bounded: bool = False  # a sweep's bounds shorten its steps or inputs: its scores are limited
    learning_rate: float | None = None  # where the command line names none; never in a key, which has the arm's rate

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(f"a recipe has either steps or epochs, got {self.steps=}, {self.epochs=}.")


# Settings of inputs beside their lengths: in a mix every task has its own.
INPUT_FIELDS = ("windows", "question_limit", "decoding", "question_beside", "splits")
_LATER_FIELDS = ("warmup_steps", "selection", "most_steps", "is_bounded", *INPUT_FIELDS)


def list_key_fields(recipe: Recipe) -> dict[str, Any]:
    """Return what a stage's key holds of a recipe, in JSON values.

    Fields that came later are left out at their defaults, so that stages of former versions keep their keys.
    """
    values = {field.name: (getattr(recipe, field.name), field.default) for field in fields(recipe)}
    del values["learning_rate"]
    return {name: value for name, (value, default) in values.items() if name not in _LATER_FIELDS or value != default}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRecipe:
    """How retrieval reads a sentence: the mean of all positions or the first one, in which layer.

    `layers` are pairs of an encoder's number of layers and the layer that is read, where 0 is the embeddings' output.
    `below_top` counts from the last layer down and is for all encoders. Without either, the profile's depth counts.
    """

    pooling: Pooling = "mean"
    layers: tuple[tuple[int, int], ...] = ()
    below_top: int | None = None


def read_retrieval_recipe(fields_of_key: Mapping[str, Any] | None) -> RetrievalRecipe:
    """Return the retrieval recipe of a stage's key, in which tuples are lists; None stands for the default."""
    entries = dict(fields_of_key or {})
    if "layers" in entries:
        entries["layers"] = tuple((int(depth), int(layer)) for depth, layer in entries["layers"])
    return RetrievalRecipe(**entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An intermediate task or a target. Raises ValueError unless all kinds but retrieval have a recipe."""

    name: str
    kind: TaskKind
    about: str  # one sentence
    languages: tuple[str, ...] = (ENGLISH,)  # evaluation languages
    training_languages: tuple[str, ...] = (ENGLISH,)  # languages with training rows, its own first
    labels: tuple[str, ...] = ()  # names in the order of their ids (pair, text, tagging)
    official_metrics: tuple[str, ...] = ("accuracy",)  # the task score, on dev and test, is their mean
    other_metrics: tuple[str, ...] = ()  # reported next to the official ones
    training_set: str | None = None  # targets with the same training set share one stage
    recipe: Recipe | None = None  # None only where nothing is trained (retrieval)
    retrieval: RetrievalRecipe | None = None  # None: the mean, in the profile's layer
    skills: frozenset[str] = frozenset()  # planted skills (miniature only)
    is_control: bool = False  # an intermediate task that teaches no target, for comparison
    text_task: str | None = None  # masked words: the task whose English texts are read; None: texts of its own
    is_opt_in: bool = False  # a member only where it is named: not in `full`, nor in a multi-task run
    option_count: int = 1  # choice: inputs per question, for estimates of cost
    answer_script: AnswerScript = "squad1"  # span
    retrieval_mode: RetrievalMode = "nearest"  # retrieval: nearest candidate, mined pairs (BUCC), or a ranking (LAReQA)
    is_translated: bool = False  # its training rows are translated into its languages
    is_parallel: bool = False  # the test sets of its languages are translations of the same items
    cluster_text: ClusterText | None = None  # what test items may share, so that they are drawn together
    near_duplicates: tuple[str, ...] = ()  # tasks that ask the same question of much the same rows
    clean_target: str | None = None  # of a shifted target: the target whose test items it changes (shifted_targets.py)
    shift: Shift | None = None  # of a shifted target: two languages in one item, or other words or spellings
    wide_of: str | None = None  # of a wide target: the target that it asks in further languages (xtreme_wide.py)

    def __post_init__(self) -> None:
        if (self.kind == "retrieval") != (self.recipe is None):
            raise ValueError(f"task {self.name!r}: every kind but retrieval needs a recipe.")

    @property
    def own_language(self) -> str:
        """The training language where none is named."""
        return self.training_languages[0]

    @property
    def trained_as(self) -> str:
        """The target whose rows and recipe it is trained with: its own name, but for shifted and wide targets."""
        return self.clean_target or self.wide_of or self.name

    def split_language(self, language: str) -> tuple[str, ...]:
        """Return the languages of an item's texts: one for each sentence where the target mixes two, else just one."""
        return split_pair(language) if self.shift == "mixed" else (language,)

    @property
    def test_languages(self) -> tuple[str, ...]:
        """The languages of its test rows, each once."""
        return tuple(dict.fromkeys(side for language in self.languages for side in self.split_language(language)))

    @property
    def item_column(self) -> Literal["id", "example"]:
        """The column of kept predictions that names an item; in a parallel task, alike in every language."""
        has_ids = self.kind == "span" or self.retrieval_mode == "rank"
        return "id" if self.is_parallel and has_ids else "example"

    @property
    def has_unanswerable(self) -> bool:
        """True if some questions have no answer, so that a model may give none (span)."""
        return self.answer_script == "squad2"


def with_splits_of(task: Task, recipe: Recipe) -> Task:
    """Return the task with the rows that `recipe` names; the task itself if those are its rows already."""
    if task.recipe is None or task.recipe.splits == recipe.splits:
        return task
    return replace(task, recipe=replace(task.recipe, splits=recipe.splits))
