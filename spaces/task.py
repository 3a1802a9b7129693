"""A task: one dataset seen as a problem, with how it is trained, scored and in which languages."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["pair", "tagging", "span", "choice", "mlm", "retrieval"]
Answers = Literal["squad1", "squad2", "mlqa"]  # whose official script scores answers: SQuAD 1.1, SQuAD 2.0, MLQA
Retrieval = Literal["nearest", "mine", "rank"]
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
    kind: Kind
    about: str  # one sentence for --help, the README and reports
    languages: tuple[str, ...] = ("en",)  # in which it is evaluated
    trains: tuple[str, ...] = ("en",)  # languages in which it can be trained on, its own first
    labels: tuple[str, ...] = ()  # names in the order of their ids (pair, tagging)
    score: tuple[str, ...]  # official metrics; the task score, on dev and test, is their mean
    beside: tuple[str, ...] = ()  # metrics that are reported next to the official ones
    training: str | None = None  # name of the training set; targets that share it share one stage
    recipe: Recipe | None = None  # None only where there is nothing to train (retrieval)
    skills: frozenset[str] = frozenset()  # planted skills (miniature only)
    control: bool = False  # a negative control: chance level is what it should reach
    extra: bool = False  # a member only where it is named: no part of `full`, nor of a multi-task run
    options: int = 1  # choice: inputs per question, for estimates of cost
    answers: Answers = "squad1"  # span
    retrieval: Retrieval = "nearest"  # retrieval: nearest candidate, mined pairs (BUCC), or a ranking (LAReQA)
    parallel: bool = False  # the test sets of its languages are translations of the same items
    clean: str | None = None  # a shifted target: the one whose test items it changes (`spaces/shifted.py`)
    shift: Shift | None = None  # and how: two languages in one pair, or other words or spellings

    def __post_init__(self) -> None:
        if (self.kind == "retrieval") != (self.recipe is None):
            raise ValueError(f"task {self.name!r}: every kind but retrieval needs a recipe.")

    @property
    def own(self) -> str:
        """The language that it is trained on where none is named."""
        return self.trains[0]

    def sides(self, language: str) -> tuple[str, ...]:
        """The languages of an item's texts: two where the target mixes them, the one for each sentence."""
        return tuple(language.split("-")) if self.shift == "mixed" else (language,)

    @property
    def spoken(self) -> tuple[str, ...]:
        """The languages that its test rows are read in, each once."""
        return tuple(dict.fromkeys(side for language in self.languages for side in self.sides(language)))

    @property
    def item(self) -> Literal["id", "example"]:
        """The column of kept predictions that names an item; where the task is parallel, alike in every language."""
        named = self.kind == "span" or self.retrieval == "rank"
        return "id" if self.parallel and named else "example"

    @property
    def unanswerable(self) -> bool:
        """Whether some questions have no answer, so that a model may say so (span)."""
        return self.answers == "squad2"
