"""Examples: what a dataset yields, before any tokenizer. One frozen class per kind of task.

Every benchmark, the miniature included, speaks in text, so that one path leads from here to the batches.
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
class TaggingExample:
    """Words and the id of each word's tag (an index into the task's `labels`)."""

    words: tuple[str, ...]
    tags: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SpanExample:
    """A question on a context. Without answers it is unanswerable.

    `answers` are the accepted texts; `starts[i]` is the character at which `answers[i]` begins in `context`.
    """

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChoiceExample:
    """A context, a question (may be empty) and options, of which number `label` is right."""

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
    """A retrieval pool: `queries` (foreign; in Tatoeba English) are looked up among `candidates` (the other).

    `gold[i]` is the index of the candidate that translates query i, or -1 for a distractor without translation.
    The ids are the data's own names, for predictions that others score; empty where there are none.
    """

    queries: tuple[str, ...]
    candidates: tuple[str, ...]
    gold: tuple[int, ...]
    query_ids: tuple[str, ...] = ()
    candidate_ids: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)  # rows that are in no query, by reason


@dataclass(frozen=True, slots=True)
class RankingPool:
    """A retrieval pool in which a query may have several right candidates: the indices in `relevant[i]`.

    Pools of several languages that share their candidates should share the tuple: it is embedded once.
    """

    queries: tuple[str, ...]
    candidates: tuple[str, ...]
    relevant: tuple[frozenset[int], ...]
    query_ids: tuple[str, ...] = ()
    candidate_ids: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)  # rows that are in no query, by reason


Example = PairExample | TaggingExample | SpanExample | ChoiceExample | PassageExample
Pool = ParallelPool | RankingPool
