"""Datasets: where their rows lie on the hub, what their columns hold, and which splits a task reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from spaces.language import ENGLISH

HELD_OUT = "held-out"  # the last rows of the train split, which training then leaves out


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A dataset in a repository of the hub, or in a folder with the hub's layout.

    `columns` maps a role to the column that fills it. Roles are `first`, `second` (sentence pairs), `words`, `tags`,
    `id`, `question`, `context`, `answers`, `sentences`, `options` (one list, a letter-and-text pair of lists, or
    several columns separated by blanks), `query`, `candidate`, `gold`, `mention`, `entity`, `text`, `item` (the
    number that translations of a text have in common), `language`, and `label`.

    `label_format` says how labels are written: by name, as class labels or text (`names`; `own names` if the data
    define which labels there are), as an index into `digit_labels`, as text (`digits`), as the letter of an option
    (`letters`), or as the index of an option, text or number (`places`).
    """

    name: str
    repo_id: str  # repository on the hub; one that begins with `local/` is in data folders only
    fallbacks: tuple[str, ...] = ()  # other repositories with the same configs and columns, tried in turn
    configs: tuple[str, ...] = ("default",)  # the first that exists is read; `{code}` is the code of the language
    columns: Mapping[str, str]
    label_format: Literal["names", "own names", "digits", "letters", "places", "none"] = "none"
    first_option: int = 0  # the number of the first option
    digit_labels: tuple[str, ...] = ()
    label_aliases: Mapping[str, str] = field(default_factory=dict)  # other spellings of labels -> names
    unused_labels: tuple[str, ...] = ()  # classes that stand for no label; no row should have one
    dropped_entities: tuple[str, ...] = ()  # types of entities that no task has: their words are outside of entities
    has_blank_answers: bool = False  # an empty answer says that there is none; else that it is withheld
    has_language_ids: bool = False  # the id of a row begins with the row's language
    language: str = ENGLISH  # of all rows, where `language_in` is none
    codes: Mapping[str, str] = field(default_factory=dict)  # language -> its code here; empty: the same
    published_rows: Mapping[str, int] = field(default_factory=dict)  # split -> published number of English rows
    may_be_tokenised: bool = False  # copies have blanks before marks or not: `trainables/data/detokenise.py`
    contains: tuple[str, ...] = ()  # other datasets whose training rows are among its own
    max_rows: int | None = None  # only so many rows of a split are read, from the first on
    question_wording: Mapping[str, str] = field(default_factory=dict)  # value of the question column -> question
    licence: str
    note: str = ""  # what a reader of scores must know
    how_to_obtain: str = ""  # for datasets that no repository of the hub has

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns that are read, each once."""
        return tuple(dict.fromkeys(column for columns in self.columns.values() for column in columns.split()))

    @property
    def label_column(self) -> str:
        """The column of the labels, or of the tags where rows are sentences of words."""
        return self.columns["tags" if "tags" in self.columns else "label"]

    @property
    def language_in(self) -> Literal["config", "column", "id", "none"]:
        """Where the language of a row is found."""
        if "{code}" in self.configs[0]:
            return "config"
        return "column" if "language" in self.columns else "id" if self.has_language_ids else "none"

    def code_of(self, language: str) -> str | None:
        """Return the dataset's own code of a language; None if it does not have the language."""
        if self.language_in == "none" and language != self.language:
            return None
        return self.codes.get(language) if self.codes else language


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPart:
    """Rows of one dataset that a task uses: those of the first of `splits` that exists."""

    dataset: str
    splits: tuple[str, ...]
    is_optional: bool = False  # the task can do without it; its notes then say that it is missing
    fallback: "SplitPart | None" = None  # read instead where this one lacks the split or the language

    @property
    def datasets(self) -> tuple[str, ...]:
        """The dataset, and those that are read instead."""
        return (self.dataset, *(() if self.fallback is None else self.fallback.datasets))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSplits:
    """Rows of a task: for training, for selection (English dev), and for its test in every language.

    The rows of several parts are joined: a uniform shuffle of them is sampling in proportion to size. In a translated
    training set, row i is the same item in every language.
    """

    name: str  # the task's
    train: tuple[SplitPart, ...] = ()
    translated: SplitPart | None = None  # replaces the one part of `train` in languages other than the task's own
    dev: tuple[SplitPart, ...] = ()
    test: tuple[SplitPart, ...] = ()
    pool: tuple[SplitPart, ...] = ()  # retrieval: the candidates, where they are not in the test rows
    trains_on_dev: bool = False  # held-out rows are trained on, too: for recipes that keep the last weights
