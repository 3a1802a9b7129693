"""Examples of tasks as text, before any tokenizer: one frozen class per kind of task.

Every benchmark, the miniature included, yields these, so that there is one path from here to the batches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PairExample:
    """Two sentences and the id of their label (an index into the task's `labels`)."""

    first: str
    second: str
    label: int


@dataclass(frozen=True, slots=True)
class TextExample:
    """A text and the id of its label (an index into the task's `labels`)."""

    text: str
    label: int


@dataclass(frozen=True, slots=True)
class TaggingExample:
    """Words and the id of each word's tag (an index into the task's `labels`)."""

    words: tuple[str, ...]
    tags: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SpanExample:
    """A question on a context; one without answers is unanswerable.

    `answers` are the accepted texts; `starts[i]` is the character at which `answers[i]` begins in `context`.
    """

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A context, a question (may be empty) and options; `options[label]` is right."""

    context: str
    question: str
    options: tuple[str, ...]
    label: int


@dataclass(frozen=True, slots=True)
class PassageExample:
    """A text in one language."""

    text: str


@dataclass(frozen=True, slots=True)
class ParallelPool:
    """A retrieval pool: `queries` (foreign; in Tatoeba English) are searched among `candidates` (the other language).

    `gold[i]` is the index of the candidate that translates query i, or -1 for a distractor without translation.
    The ids are those of the data, for predictions that an official server scores; empty where the data have none.
    """

    queries: tuple[str, ...]
    candidates: tuple[str, ...]
    gold: tuple[int, ...]
    query_ids: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)  # rows that gave no query, by reason


@dataclass(frozen=True, slots=True)
class RankingPool:
    """A retrieval pool in which query i may have several right candidates: those with the indices in `relevant[i]`.

    Pools of several languages that share their candidates should share the tuple, which is then embedded once.
    `query_passages` are the passages that queries are about; empty where they are about none.
    """

    queries: tuple[str, ...]
    candidates: tuple[str, ...]
    relevant: tuple[frozenset[int], ...]
    query_ids: tuple[str, ...] = ()
    query_passages: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)  # rows that gave no query, by reason


Translations = tuple[tuple[str, ...], tuple[str, ...]]  # English sentences, and their translations


@dataclass(frozen=True, slots=True)
class ProbeSentences:
    """Translated sentences that probes read, by language, and the name of the data set or target they are from."""

    source: str
    by_language: Mapping[str, Translations]


Example = PairExample | TextExample | TaggingExample | SpanExample | ChoiceExample | PassageExample
Pool = ParallelPool | RankingPool


def format_left_out(left_out: Mapping[str, int]) -> str:
    """Return the reasons for which rows gave no example, with their numbers: `no label (2), empty text (1)`."""
    return ", ".join(f"{reason} ({count})" for reason, count in left_out.items())
