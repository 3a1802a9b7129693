"""A dataset: where its rows lie on the hub, what its columns hold, and which splits a task reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

HELD_OUT = "held-out"  # the last rows of the train split, which training then leaves out


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """One dataset as a repository on the hub (or in a folder laid out like the hub) offers it.

    `columns` maps a role to the column that fills it. Roles are `first`, `second` (sentence pairs), `words`, `tags`,
    `id`, `question`, `context`, `answers`, `sentences`, `options` (one list, a letter-and-text pair of lists, or
    several columns parted by blanks), `query`, `candidate`, `gold`, `mention`, `entity`, `text`, and `label`.
    """

    name: str
    repo_id: str  # repository on the hub; one that begins with `local/` is in data folders only
    fallbacks: tuple[str, ...] = ()  # other repositories with the same configs and columns, tried in turn
    configs: tuple[str, ...]  # the first that is there is read; `{code}` is the code of the language
    columns: Mapping[str, str]
    label_format: Literal["names", "own names", "digits", "letters", "places", "none"] = "none"
    # names: class labels or their names. own names: the same, and the data themselves say which there are. digits: text
    # that counts through `digits`. letters: the letter of an option. places: the index of an option, as text or number.
    first_option: int = 0  # the number that means the first option
    digit_labels: tuple[str, ...] = ()
    label_aliases: Mapping[str, str] = field(default_factory=dict)  # spellings of labels that mean another name
    language_in: Literal["config", "column", "id", "none"] = "none"  # what tells the language of a row
    language: str = "en"  # of all rows, where nothing tells it
    codes: Mapping[str, str] = field(default_factory=dict)  # language -> its code here; empty: the same
    published_rows: Mapping[str, int] = field(default_factory=dict)  # split -> published number of English rows
    max_rows: int | None = None  # rows of a split that are read: the first ones
    revision: str | None = None  # branch of `hub` on the hub; None is the main one
    question_wording: Mapping[str, str] = field(
        default_factory=dict
    )  # value of the question column -> the question to ask
    licence: str
    note: str = ""  # what a reader of scores must know
    how_to_obtain: str = ""  # how to get it, where no repository of the hub has it

    @property
    def repo_ids(self) -> tuple[str, ...]:
        """Repositories that may have it, best first."""
        return (self.repo_id, *self.fallbacks)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys(column for columns in self.columns.values() for column in columns.split()))

    @property
    def label_column(self) -> str:
        """The column of the labels: of tags where the rows are sentences of words."""
        return self.columns["tags" if "tags" in self.columns else "label"]

    def code_of(self, language: str) -> str | None:
        """What the language is called here; None if the dataset does not have it."""
        if self.language_in == "none" and language != self.language:
            return None
        return self.codes.get(language) if self.codes else language


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPart:
    """The rows that one use of a task takes from one dataset: the first of `splits` that is there."""

    dataset: str
    splits: tuple[str, ...]
    is_optional: bool = False  # the task can do without it, and its notes say that it did
    fallback: "SplitPart | None" = None  # what is read where this one lacks the split or the language


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSplits:
    """What a task is trained on, what selection sees (English), and what is scored in every language.

    The rows of several parts are joined: a uniform shuffle of them is sampling in proportion to size. Where a training
    set was translated, row i is the same item in every language.
    """

    name: str  # the task's
    train: tuple[SplitPart, ...] = ()
    translated: SplitPart | None = None  # the one part of `train`, row by row, in languages other than the task's own
    dev: tuple[SplitPart, ...] = ()
    test: tuple[SplitPart, ...] = ()
    pool: tuple[SplitPart, ...] = ()  # what retrieval looks among, where that is not in the test rows
