"""A task: one dataset seen as a problem, with how it is trained, scored and in which languages."""

from dataclasses import dataclass
from typing import Literal

TaskKind = Literal["pair", "tagging", "span", "choice", "mlm", "retrieval"]
AnswerScript = Literal["squad1", "squad2", "mlqa"]  # whose official script scores answers: SQuAD 1.1, SQuAD 2.0, MLQA
RetrievalMode = Literal["nearest", "mine", "rank"]
Shift = Literal["mixed", "perturbed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a task is trained. The learning rate is no part of it: it is an axis of the search.

    Exactly one of `steps` and `epochs` is given. One step is one update with `batch_size` examples.
    The rate rises linearly over the first `warmup` share of the steps and then falls linearly to 0.
    """

    steps: int | None = None
    epochs: float | None = None
    batch_size: int = 32
    max_length: int = 128  # sub-tokens; longer inputs are cut, or windowed (span)
    stride: int = 64  # sub-tokens that neighbouring windows share (span only)
    warmup: float = 0.1  # share of all steps
    weight_decay: float = 0.01  # none on biases and norms
    clip: float = 1.0  # largest gradient norm

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(f"a recipe has either steps or epochs, got {self.steps=}, {self.epochs=}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One row of a benchmark's table of intermediate tasks or of targets."""

    name: str
    kind: TaskKind
    about: str  # one sentence for --help, the README and reports
    languages: tuple[str, ...] = ("en",)  # in which it is evaluated
    training_languages: tuple[str, ...] = ("en",)  # languages in which it can be trained on, its own first
    labels: tuple[str, ...] = ()  # names in the order of their ids (pair, tagging)
    official_metrics: tuple[str, ...]  # official metrics; the task score, on dev and test, is their mean
    other_metrics: tuple[str, ...] = ()  # metrics that are reported next to the official ones
    training_set: str | None = None  # name of the training set; targets that share it share one stage
    recipe: Recipe | None = None  # None only where there is nothing to train (retrieval)
    skills: frozenset[str] = frozenset()  # planted skills (miniature only)
    is_control: bool = False  # a negative control: chance level is what it should reach
    is_opt_in: bool = False  # a member only where it is named: no part of `full`, nor of a multi-task run
    option_count: int = 1  # choice: inputs per question, for estimates of cost
    answer_script: AnswerScript = "squad1"  # span
    retrieval_mode: RetrievalMode = "nearest"  # retrieval: nearest candidate, mined pairs (BUCC), or a ranking (LAReQA)
    is_parallel: bool = False  # the test sets of its languages are translations of the same items
    clean_target: str | None = (
        None  # a shifted target: the one whose test items it changes (`spaces/shifted_targets.py`)
    )
    shift: Shift | None = None  # and how: two languages in one pair, or other words or spellings

    def __post_init__(self) -> None:
        if (self.kind == "retrieval") != (self.recipe is None):
            raise ValueError(f"task {self.name!r}: every kind but retrieval needs a recipe.")

    @property
    def own_language(self) -> str:
        """The language that it is trained on where none is named."""
        return self.training_languages[0]

    def split_language(self, language: str) -> tuple[str, ...]:
        """The languages of an item's texts: two where the target mixes them, the one for each sentence."""
        return tuple(language.split("-")) if self.shift == "mixed" else (language,)

    @property
    def test_languages(self) -> tuple[str, ...]:
        """The languages that its test rows are read in, each once."""
        return tuple(dict.fromkeys(side for language in self.languages for side in self.split_language(language)))

    @property
    def item_column(self) -> Literal["id", "example"]:
        """The column of kept predictions that names an item; where the task is parallel, alike in every language."""
        named = self.kind == "span" or self.retrieval_mode == "rank"
        return "id" if self.is_parallel and named else "example"

    @property
    def has_unanswerable(self) -> bool:
        """Whether some questions have no answer, so that a model may say so (span)."""
        return self.answer_script == "squad2"
