"""Tasks: datasets seen as problems, with how they are trained and scored, and in which languages."""

from dataclasses import dataclass
from typing import Literal

from spaces.language import ENGLISH, split_pair

TaskKind = Literal["pair", "tagging", "span", "choice", "mlm", "retrieval"]
Split = Literal["train", "dev", "test"]
AnswerScript = Literal["squad1", "squad2", "mlqa"]  # official script that scores answers: SQuAD 1.1, SQuAD 2.0, MLQA
RetrievalMode = Literal["nearest", "mine", "rank"]
Shift = Literal["mixed", "perturbed"]
ClusterText = Literal["premise", "sentence", "passage", "entity"]

NLI_LABELS = ("entailment", "neutral", "contradiction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Training of a task, without the learning rate, which is an axis of the search.

    Exactly one of `steps` and `epochs` is given; anything else raises ValueError. One step is one update with
    `batch_size` examples. The rate rises linearly over the first `warmup` share of the steps and then falls linearly to
    0.
    """

    steps: int | None = None
    epochs: float | None = None
    batch_size: int = 32
    max_length: int = 128  # sub-tokens; longer inputs are cut, or windowed (span)
    stride: int = 64  # sub-tokens shared by neighbouring windows (span only)
    warmup: float = 0.1  # share of all steps
    weight_decay: float = 0.01  # none on biases and norms
    clip: float = 1.0  # largest gradient norm

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(f"a recipe has either steps or epochs, got {self.steps=}, {self.epochs=}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An intermediate task or a target. Raises ValueError unless all kinds but retrieval have a recipe."""

    name: str
    kind: TaskKind
    about: str  # one sentence
    languages: tuple[str, ...] = (ENGLISH,)  # evaluation languages
    training_languages: tuple[str, ...] = (ENGLISH,)  # languages with training rows, its own first
    labels: tuple[str, ...] = ()  # names in the order of their ids (pair, tagging)
    official_metrics: tuple[str, ...] = ("accuracy",)  # the task score, on dev and test, is their mean
    other_metrics: tuple[str, ...] = ()  # reported next to the official ones
    training_set: str | None = None  # targets with the same training set share one stage
    recipe: Recipe | None = None  # None only where nothing is trained (retrieval)
    skills: frozenset[str] = frozenset()  # planted skills (miniature only)
    is_control: bool = False  # a negative control, which should stay at chance level
    is_opt_in: bool = False  # a member only where it is named: not in `full`, nor in a multi-task run
    option_count: int = 1  # choice: inputs per question, for estimates of cost
    answer_script: AnswerScript = "squad1"  # span
    retrieval_mode: RetrievalMode = "nearest"  # retrieval: nearest candidate, mined pairs (BUCC), or a ranking (LAReQA)
    is_parallel: bool = False  # the test sets of its languages are translations of the same items
    cluster_text: ClusterText | None = None  # what test items may share, so that they are drawn together
    clean_target: str | None = None  # of a shifted target: the target whose test items it changes (shifted_targets.py)
    shift: Shift | None = None  # of a shifted target: two languages in one item, or other words or spellings

    def __post_init__(self) -> None:
        if (self.kind == "retrieval") != (self.recipe is None):
            raise ValueError(f"task {self.name!r}: every kind but retrieval needs a recipe.")

    @property
    def own_language(self) -> str:
        """The training language where none is named."""
        return self.training_languages[0]

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
