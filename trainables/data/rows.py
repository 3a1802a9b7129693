"""Conversion of rows to examples, with a count of the rows that give none.

Labels go by name, and answers are searched where their offset points beside them. Training leaves out rows without
text; evaluation keeps every row that has a label, as the official scorers do.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from spaces.dataset import DatasetSpec
from spaces.errors import UsageError
from spaces.task import Task
from trainables.data.column_shapes import field_of, item_type_of
from trainables.data.dataset_rows import DatasetRows
from trainables.data.labels import WITHHELD_LABELS, count_dropped_entities, find_option, make_label_mapper
from trainables.features.examples import (
    ChoiceExample,
    Example,
    PairExample,
    PassageExample,
    SpanExample,
    TaggingExample,
    TextExample,
)

LONGEST_PASSAGE = 20_000  # characters of a text to train on: nearly every article is shorter
LONGEST_DEV_PASSAGE = 1_000  # a text for dev is about one window
# Chinese and Japanese are written without blanks, yet some editions put one between characters or words.
CJK_BLANKS = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef]) +(?=[\u3000-\u9fff\uff00-\uffef])")
NO_LABEL, EMPTY_TEXT = "no label", "empty text"


@dataclass(frozen=True, slots=True)
class ConvertedRows:
    """Examples, and the number of rows that gave none, by reason, and of entities that count as none, by type."""

    examples: list[Example]
    left_out: Mapping[str, int] = field(default_factory=dict)


def convert_rows(rows: DatasetRows, task: Task, *, training: bool) -> ConvertedRows:
    """Convert rows to examples of the task; raises UsageError for labels that the task does not have."""
    converted = collect_examples(_CONVERTERS[task.kind](rows, task, training))
    entities = {f"entities of type {name}": count for name, count in count_dropped_entities(rows).items()}
    return replace(converted, left_out={**converted.left_out, **entities})


def collect_examples(converted: Iterable[Example | str]) -> ConvertedRows:
    """Return the examples of rows, of which some give a reason why they give none."""
    left_out: Counter[str] = Counter()
    examples: list[Example] = []
    for example in converted:
        if isinstance(example, str):
            left_out[example] += 1
        else:
            examples.append(example)
    return ConvertedRows(examples, dict(left_out))


def iter_pairs(rows: DatasetRows, task: Task, training: bool) -> Iterator[Example | str]:
    """Yield for every row its sentence pair, or the reason why it gives none."""
    label_id_of = make_label_mapper(task, rows.dataset, rows.column_type("label"))
    for first, second, value in rows.iter_columns("first", "second", "label"):
        label = label_id_of(value)
        if label is None:
            yield NO_LABEL
        elif training and not ((first or "").strip() and (second or "").strip()):
            yield EMPTY_TEXT
        else:
            yield PairExample(first or "", second or "", label)


def _iter_texts(rows: DatasetRows, task: Task, training: bool) -> Iterator[Example | str]:
    """Yield for every row its text, or the reason why it gives none."""
    label_id_of = make_label_mapper(task, rows.dataset, rows.column_type("label"))
    for text, value in rows.iter_columns("text", "label"):
        label = label_id_of(value)
        if label is None:
            yield NO_LABEL
        elif training and not (text or "").strip():
            yield EMPTY_TEXT
        else:
            yield TextExample(text or "", label)


def _iter_tagging(rows: DatasetRows, task: Task, training: bool) -> Iterator[Example | str]:
    label_id_of = make_label_mapper(task, rows.dataset, item_type_of(rows.column_type("tags")))
    for words, values in rows.iter_columns("words", "tags"):
        tags = [label_id_of(value) for value in values or ()]
        if not words:
            yield "no words"
        elif values is None or None in tags:
            yield NO_LABEL
        elif len(words) != len(tags):
            yield "different numbers of words and tags"
        elif None in words:
            yield "missing word"
        else:
            yield TaggingExample(_strip_language_prefix(words), tuple(tag for tag in tags if tag is not None))


def _strip_language_prefix(words: Sequence[str]) -> tuple[str, ...]:
    """Return words without the language prefix of WikiANN's own files (`en:Rome`)."""
    prefix = words[0][:3]
    has_prefix = len(prefix) == 3 and prefix[2] == ":" and prefix[:2].islower()
    if has_prefix and all(word.startswith(prefix) for word in words):
        return tuple(word[3:] for word in words)
    return tuple(words)


def _iter_passages(rows: DatasetRows, task: Task, training: bool) -> Iterator[Example | str]:
    """Yield a text for every row: the row's own, or both sentences of a pair, of which training needs both."""
    is_pair, longest = "first" in rows.dataset.columns, LONGEST_PASSAGE if training else LONGEST_DEV_PASSAGE
    for texts in rows.iter_columns("first", "second") if is_pair else rows.iter_columns("text"):
        parts = [part.strip() for part in texts if part and part.strip()]
        passage = CJK_BLANKS.sub("", " ".join(parts)[:longest].strip())
        yield PassageExample(passage) if passage and not (training and len(parts) < len(texts)) else EMPTY_TEXT


def _iter_spans(rows: DatasetRows, task: Task, training: bool) -> Iterator[Example | str]:
    id_counts: Counter[str] = Counter()
    for row_id, question, context, answers in rows.iter_columns("id", "question", "context", "answers"):
        question, context = question or "", context or ""
        if training and not (question.strip() and context.strip()):
            yield EMPTY_TEXT
            continue
        texts, offsets = field_of(answers, "text"), field_of(answers, "answer_start")
        if answers is None or (texts and not any(texts) and not rows.dataset.has_blank_answers):
            yield NO_LABEL
            continue
        if len(texts) != len(offsets):
            yield "different numbers of answers and offsets"
            continue
        spans = [(text, find_nearest(context, text, at)) for text, at in zip(texts, offsets, strict=True) if text]
        if not spans and not task.has_unanswerable:
            yield "no answer"
            continue
        if training:  # a span must have a position to be learnt; scoring compares texts only
            placed = [(text, start) for text, start in spans if start >= 0]
            if spans and not placed:
                yield "answer not found in the context"
                continue
            spans = placed
        if row_id is None:
            yield "no id"
            continue
        id_counts[row_id] += 1
        unique_id = row_id if id_counts[row_id] == 1 else f"{row_id}#{id_counts[row_id]}"
        answer_texts, starts = tuple(text for text, _ in spans), tuple(start for _, start in spans)
        yield SpanExample(unique_id, question, context, answer_texts, starts)


def find_nearest(context: str, text: str, at: int | None) -> int:
    """Return the start of the occurrence of `text` in `context` that is nearest to `at`.

    Returns -1 if `text` is empty or does not occur, or if `at` is None. The hub strips contexts and answers but keeps
    the offsets, so that these may point beside the answer.
    """
    if at is None:
        return -1
    if text and context.startswith(text, at) and at >= 0:
        return at
    starts, start = [], context.find(text)
    while text and start >= 0:
        starts.append(start)
        start = context.find(text, start + 1)
    return min(starts, key=lambda start: abs(start - at), default=-1)


def _iter_choices(rows: DatasetRows, task: Task, training: bool) -> Iterator[Example | str]:
    dataset = rows.dataset
    columns = dataset.columns["options"].split()
    blank = [""] * len(rows)
    contexts, questions = (rows.column(role) if role in dataset.columns else blank for role in ("context", "question"))
    option_columns = [rows.table[column][:] for column in columns]
    feature = rows.column_type("label")
    for i, value in enumerate(rows.column("label")):
        values = [column[i] for column in option_columns]
        if dataset.label_format == "letters":
            names, options = field_of(values[0], "label"), field_of(values[0], "text")
        else:
            options = values if len(columns) > 1 else values[0] or []
            names = [str(dataset.first_option + index) for index in range(len(options))]
        if value in WITHHELD_LABELS:
            yield NO_LABEL
        elif not options:
            yield "no options"
        elif len(names) != len(options):
            yield "different numbers of letters and options"
        elif training and not all((option or "").strip() for option in options):
            yield EMPTY_TEXT
        else:
            label = find_option(value, feature, columns, names)
            question = _word_question(questions[i] or "", dataset)
            yield ChoiceExample(contexts[i] or "", question, tuple(option or "" for option in options), label)


def _word_question(question: str, dataset: DatasetSpec) -> str:
    """Return the question in words, where the data have a code word for it."""
    if dataset.question_wording and question not in dataset.question_wording:
        raise UsageError(f"unknown question {question!r}; there are: {', '.join(dataset.question_wording)}.")
    return dataset.question_wording.get(question, question)


_CONVERTERS: dict[str, Callable[[DatasetRows, Task, bool], Iterator[Example | str]]] = {
    "pair": iter_pairs,
    "text": _iter_texts,
    "tagging": _iter_tagging,
    "span": _iter_spans,
    "choice": _iter_choices,
    "mlm": _iter_passages,
}
