"""Rows of a dataset to examples: labels by name, answers at their place, and a count of what had to be left out.

Only training rows are left out for their text: what is scored keeps every row that has a label, as the official
scorers do.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import datasets

from spaces.dataset import DatasetSpec
from spaces.errors import UsageError
from spaces.task import Task
from trainables.data.column_shapes import field_of, is_text, item_type_of
from trainables.features.examples import (
    ChoiceExample,
    Example,
    PairExample,
    PassageExample,
    SpanExample,
    TaggingExample,
)

LONGEST_PASSAGE = 2_000  # characters: more than any encoder reads of a text
# Chinese and Japanese are written without blanks, yet some editions put one between characters or words.
CJK_BLANKS = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef]) +(?=[\u3000-\u9fff\uff00-\uffef])")
NO_LABEL, EMPTY_TEXT = "no label", "empty text"
WITHHELD_LABELS = ("", "-", None, -1, "-1")  # what stands where a label was withheld, or where annotators did not agree


@dataclass(frozen=True, slots=True)
class ConvertedRows:
    """Examples, and how many rows were left out for which reason."""

    examples: list[Example]
    left_out: Mapping[str, int] = field(default_factory=dict)


def convert_rows(rows: datasets.Dataset, dataset: DatasetSpec, task: Task, *, training: bool) -> ConvertedRows:
    """The rows as examples of the task; raises UsageError for labels that the table does not know."""
    left_out: Counter[str] = Counter()
    makers = {
        "pair": iter_pairs,
        "tagging": _iter_tagging,
        "span": _iter_spans,
        "choice": _iter_choices,
        "mlm": _iter_passages,
    }
    examples: list[Example] = []
    for example in makers[task.kind](rows, dataset, task, training):
        if isinstance(example, str):
            left_out[example] += 1
        else:
            examples.append(example)
    return ConvertedRows(examples, dict(left_out))


def iter_columns(rows: datasets.Dataset, dataset: DatasetSpec, *roles: str) -> Iterator[tuple[Any, ...]]:
    """The values of the columns that fill these roles, row by row."""
    return zip(*(rows[dataset.columns[role]][:] for role in roles), strict=True)


def make_label_mapper(task: Task, dataset: DatasetSpec, feature: Any) -> Callable[[Any], int | None]:
    """The function from a value of the label column to the id in `task.labels`; None for a withheld label.

    Class labels are mapped by name, since their order differs between datasets. Raises UsageError for a name that the
    task does not have and for bare numbers, whose meaning would be a guess.
    """
    if isinstance(feature, datasets.ClassLabel):  # its names may be the digits themselves, in any order
        digits = {str(i): name for i, name in enumerate(dataset.digit_labels)}
        names: Sequence[str] | None = [digits.get(name, name) for name in feature.names]
    elif dataset.label_format == "digits":
        names = dataset.digit_labels
    elif is_text(feature):
        names = None
    else:
        raise UsageError(
            f"the labels are bare numbers ({feature}) and their order is not said. "
            "Give the column class labels (the dataset card or the Parquet schema holds their names)."
        )

    def by_name(name: str) -> int:
        name = dataset.label_aliases.get(name, name)
        if name not in task.labels:
            known = ", ".join(task.labels)
            raise UsageError(f"unknown label {name!r}; there are: {known}.")
        return task.labels.index(name)

    if names is None:
        return lambda value: None if value in WITHHELD_LABELS else by_name(value)
    ids = [by_name(name) for name in names]

    def by_number(value: Any) -> int | None:
        if value in WITHHELD_LABELS:
            return None
        if not str(value).isdecimal() or int(value) >= len(ids):
            raise UsageError(f"unknown label {value!r}; 0 to {len(ids) - 1} are known.")
        return ids[int(value)]

    return by_number


def iter_pairs(rows: datasets.Dataset, dataset: DatasetSpec, task: Task, training: bool) -> Iterator[Example | str]:
    """Row by row a pair, or why there is none."""
    identify = make_label_mapper(task, dataset, rows.features[dataset.columns["label"]])
    for first, second, value in iter_columns(rows, dataset, "first", "second", "label"):
        label = identify(value)
        if label is None:
            yield NO_LABEL
        elif training and not (text_of(first).strip() and text_of(second).strip()):
            yield EMPTY_TEXT
        else:
            yield PairExample(text_of(first), text_of(second), label)


def _iter_tagging(rows: datasets.Dataset, dataset: DatasetSpec, task: Task, training: bool) -> Iterator[Example | str]:
    identify = make_label_mapper(task, dataset, item_type_of(rows.features[dataset.columns["tags"]]))
    for words, values in iter_columns(rows, dataset, "words", "tags"):
        tags = [identify(value) for value in values or ()]
        if not words:
            yield "no words"
        elif values is None or None in tags:
            yield NO_LABEL
        elif len(words) != len(tags):
            yield "as many words as tags are needed"
        elif None in words:
            yield "a word is missing"
        else:
            yield TaggingExample(_strip_language_prefix(words), tuple(tag for tag in tags if tag is not None))


def _iter_passages(rows: datasets.Dataset, dataset: DatasetSpec, task: Task, training: bool) -> Iterator[Example | str]:
    for (text,) in iter_columns(rows, dataset, "text"):
        beginning = CJK_BLANKS.sub("", text_of(text)[:LONGEST_PASSAGE].strip())
        yield PassageExample(beginning) if beginning else EMPTY_TEXT


def _strip_language_prefix(words: Sequence[str]) -> tuple[str, ...]:
    """Words without the language prefix of WikiANN's own files (`en:Rome`)."""
    prefix = words[0][:3]
    if (
        len(prefix) == 3
        and prefix[2] == ":"
        and prefix[:2].islower()
        and all(word.startswith(prefix) for word in words)
    ):
        return tuple(word[3:] for word in words)
    return tuple(words)


def _iter_spans(rows: datasets.Dataset, dataset: DatasetSpec, task: Task, training: bool) -> Iterator[Example | str]:
    seen: Counter[str] = Counter()
    for name, question, context, answers in iter_columns(rows, dataset, "id", "question", "context", "answers"):
        question, context = text_of(question), text_of(context)
        if training and not (question.strip() and context.strip()):
            yield EMPTY_TEXT
            continue
        texts, offsets = field_of(answers, "text"), field_of(answers, "answer_start")
        if answers is None or (texts and not any(texts)):
            yield NO_LABEL
            continue
        if len(texts) != len(offsets):
            yield "as many answers as offsets are needed"
            continue
        pairs = [(text, find_nearest(context, text, at)) for text, at in zip(texts, offsets, strict=True) if text]
        if not pairs and not task.has_unanswerable:
            yield "no answer"
            continue
        if training:  # only what can be pointed at can be learnt; for scoring the text alone counts
            pointed = [pair for pair in pairs if pair[1] >= 0]
            if pairs and not pointed:
                yield "answer not found in the context"
                continue
            pairs = pointed
        if name is None:
            yield "no id"
            continue
        seen[name] += 1
        unique = name if seen[name] == 1 else f"{name}#{seen[name]}"
        yield SpanExample(
            unique, question, context, tuple(text for text, _ in pairs), tuple(start for _, start in pairs)
        )


def find_nearest(context: str, text: str, at: int | None) -> int:
    """Where `text` begins in `context`, as near to `at` as possible; -1 if it does not occur or `at` is missing.

    The hub strips contexts and answers but leaves the offsets, so that these may point beside the answer.
    """
    if at is None:
        return -1
    if text and context.startswith(text, at) and at >= 0:
        return at
    found, place = [], context.find(text)
    while text and place >= 0:
        found.append(place)
        place = context.find(text, place + 1)
    return min(found, key=lambda start: abs(start - at), default=-1)


def _iter_choices(rows: datasets.Dataset, dataset: DatasetSpec, task: Task, training: bool) -> Iterator[Example | str]:
    columns = dataset.columns["options"].split()
    blank = [""] * len(rows)
    contexts, questions = (rows[dataset.columns[role]][:] if role in dataset.columns else blank for role in _TEXT_ROLES)
    option_columns = [rows[column][:] for column in columns]
    feature = rows.features[dataset.columns["label"]]
    for i, value in enumerate(rows[dataset.columns["label"]][:]):
        values = [column[i] for column in option_columns]
        if dataset.label_format == "letters":
            known, options = field_of(values[0], "label"), field_of(values[0], "text")
        else:
            options = values if len(columns) > 1 else values[0] or []
            known = [str(dataset.first_option + place) for place in range(len(options))]
        if value in WITHHELD_LABELS:
            yield NO_LABEL
        elif not options:
            yield "no options"
        elif len(known) != len(options):
            yield "as many letters as options are needed"
        elif training and not all(text_of(option).strip() for option in options):
            yield EMPTY_TEXT
        else:
            label = _option_index_of(_label_name_of(value, feature, columns, known), known)
            asked = _word_question(text_of(questions[i]), dataset)
            yield ChoiceExample(text_of(contexts[i]), asked, tuple(text_of(option) for option in options), label)


_TEXT_ROLES = ("context", "question")


def text_of(value: str | None) -> str:
    """A missing text is an empty one."""
    return value or ""


def _label_name_of(value: Any, feature: Any, columns: Sequence[str], known: Sequence[str]) -> str:
    """What a label says: the name of its class, where it is one, and never the number of that class."""
    if not isinstance(feature, datasets.ClassLabel):
        return str(value)
    name = feature.names[value] if 0 <= value < len(feature.names) else str(value)
    return known[columns.index(name)] if name in columns else name  # COPA's classes are the names of its columns


def _option_index_of(name: str, known: Sequence[str]) -> int:
    """The index of the right option, from its letter or number."""
    if name not in known:
        raise UsageError(f"unknown label {name!r}; there are: {', '.join(known)}.")
    return known.index(name)


def _word_question(question: str, dataset: DatasetSpec) -> str:
    """The question in words, where the data have a word for it."""
    if dataset.question_wording and question not in dataset.question_wording:
        there = ", ".join(dataset.question_wording)
        raise UsageError(f"unknown question {question!r}; there are: {there}.")
    return dataset.question_wording.get(question, question)
