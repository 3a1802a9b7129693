"""Examples: what a dataset yields, before any tokenizer. One frozen class per kind of task.

Every benchmark, the miniature included, speaks in text, so that one path leads from here to the batches.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sentences and the id of their label (an index into the task's `labels`)."""

    first: str
    second: str
    label: int


@dataclass(frozen=True, slots=True)
class Tagged:
    """Words and the id of each word's tag (an index into the task's `labels`)."""

    words: tuple[str, ...]
    tags: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A question on a context. Without answers it is unanswerable.

    `answers` are the accepted texts; `starts[i]` is the character at which `answers[i]` begins in `context`.
    """

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A context, a question (may be empty) and options, of which number `label` is right."""

    context: str
    question: str
    options: tuple[str, ...]
    label: int


@dataclass(frozen=True, slots=True)
class Parallel:
    """A retrieval pool: `queries` (foreign; in Tatoeba English) are looked up among `candidates` (the other).

    `gold[i]` is the index of the candidate that translates query i, or -1 for a distractor without translation.
    """

    queries: tuple[str, ...]
    candidates: tuple[str, ...]
    gold: tuple[int, ...]


Example = Pair | Tagged | Span | Choice
