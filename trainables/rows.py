"""Rows of a dataset to examples: labels by name, answers at their place, and a count of what had to be left out.

Only training rows are left out for their text: what is scored keeps every row that has a label, as the official
scorers do.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import datasets

from spaces.dataset import Dataset
from spaces.errors import UsageError
from spaces.task import Task
from trainables.examples import Choice, Example, Pair, Span, Tagged

NO_LABEL, EMPTY = "no label", "empty text"
BLIND = ("", "-", None, -1, "-1")  # what stands where a label was withheld, or where annotators did not agree


@dataclass(frozen=True, slots=True)
class Read:
    """Examples, and how many rows were left out for which reason."""

    examples: list[Example]
    left_out: Mapping[str, int] = field(default_factory=dict)


def convert(rows: datasets.Dataset, dataset: Dataset, task: Task, *, training: bool) -> Read:
    """The rows as examples of the task; raises UsageError for columns or labels that the table does not know."""
    absent = missing_columns(dataset, rows.features)
    if absent:
        raise UsageError(f"{task.name}: {dataset.hub} has no column {', '.join(absent)}.")
    left_out: Counter[str] = Counter()
    makers = {"pair": _pairs, "tagging": _sentences, "span": _spans, "choice": _choices}
    examples: list[Example] = []
    for example in makers[task.kind](rows, dataset, task, training):
        if isinstance(example, str):
            left_out[example] += 1
        else:
            examples.append(example)
    return Read(examples, dict(left_out))


def missing_columns(dataset: Dataset, found: Mapping[str, Any]) -> list[str]:
    """The columns that the table names and the rows lack."""
    return [column for names in dataset.columns.values() for column in names.split() if column not in found]


def _columns(rows: datasets.Dataset, dataset: Dataset, *roles: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(rows[dataset.columns[role]][:] for role in roles), strict=True)


def label_ids(task: Task, dataset: Dataset, feature: Any) -> Callable[[Any], int | None]:
    """The function from a value of the label column to the id in `task.labels`; None for a withheld label.

    Class labels are mapped by name, since their order differs between datasets. Raises UsageError for a name that the
    task does not have and for bare numbers, whose meaning would be a guess.
    """
    if dataset.labels == "digits":
        names: Sequence[str] | None = dataset.digits
    elif isinstance(feature, datasets.ClassLabel):
        names = feature.names
    elif is_text(feature):
        names = None
    else:
        raise UsageError(
            f"{task.name}: the labels of {dataset.hub} are bare numbers ({feature}) and their order is not said. "
            "Give the column class labels (the dataset card or the Parquet schema holds their names)."
        )

    def by_name(name: str) -> int:
        name = dataset.renamed.get(name, name)
        if name not in task.labels:
            known = ", ".join(task.labels)
            raise UsageError(f"{task.name}: unknown label {name!r} in {dataset.hub}; there are: {known}.")
        return task.labels.index(name)

    if names is None:
        return lambda value: None if value in BLIND else by_name(value)
    ids = [by_name(name) for name in names]

    def by_number(value: Any) -> int | None:
        if value in BLIND:
            return None
        if not str(value).isdecimal() or int(value) >= len(ids):
            raise UsageError(f"{task.name}: unknown label {value!r} in {dataset.hub}; 0 to {len(ids) - 1} are known.")
        return ids[int(value)]

    return by_number


def element(feature: Any) -> Any:
    """The type of the items of a list column, or the type of a plain column itself."""
    return getattr(feature, "feature", feature)


def is_text(feature: Any) -> bool:
    """Whether a column holds text, and so the names of labels themselves."""
    return isinstance(feature, datasets.Value) and feature.dtype in ("string", "large_string")


def _pairs(rows: datasets.Dataset, dataset: Dataset, task: Task, training: bool) -> Iterator[Example | str]:
    identify = label_ids(task, dataset, rows.features[dataset.columns["label"]])
    for first, second, value in _columns(rows, dataset, "first", "second", "label"):
        label = identify(value)
        if label is None:
            yield NO_LABEL
        elif training and not (_text(first).strip() and _text(second).strip()):
            yield EMPTY
        else:
            yield Pair(_text(first), _text(second), label)


def _sentences(rows: datasets.Dataset, dataset: Dataset, task: Task, training: bool) -> Iterator[Example | str]:
    identify = label_ids(task, dataset, element(rows.features[dataset.columns["tags"]]))
    for words, values in _columns(rows, dataset, "words", "tags"):
        tags = [identify(value) for value in values]
        if not words:
            yield "no words"
        elif len(words) != len(tags):
            yield "as many words as tags are needed"
        elif None in tags:
            yield NO_LABEL
        else:
            yield Tagged(_clean([word or "" for word in words]), tuple(tag for tag in tags if tag is not None))


def _clean(words: Sequence[str]) -> tuple[str, ...]:
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


def _spans(rows: datasets.Dataset, dataset: Dataset, task: Task, training: bool) -> Iterator[Example | str]:
    seen: Counter[str] = Counter()
    for name, question, context, answers in _columns(rows, dataset, "id", "question", "context", "answers"):
        question, context = _text(question), _text(context)
        if training and not (question.strip() and context.strip()):
            yield EMPTY
            continue
        texts = answers["text"]
        starts = [nearest(context, text, at) for text, at in zip(texts, answers["answer_start"], strict=True)]
        if training:  # only what can be pointed at can be learnt; for scoring the text alone counts
            pairs = [(text, start) for text, start in zip(texts, starts, strict=True) if start >= 0]
            if not pairs and texts:
                yield "answer not found in the context"
                continue
            if not pairs and not task.unanswerable:
                yield "no answer"
                continue
            texts, starts = [text for text, _ in pairs], [start for _, start in pairs]
        seen[name] += 1
        unique = name if seen[name] == 1 else f"{name}#{seen[name]}"
        yield Span(unique, question, context, tuple(texts), tuple(starts))


def nearest(context: str, text: str, at: int) -> int:
    """Where `text` begins in `context`, as near to `at` as possible; -1 if it does not occur.

    The hub strips contexts and answers but leaves the offsets, so that these may point beside the answer.
    """
    if text and context.startswith(text, at) and at >= 0:
        return at
    found, place = [], context.find(text)
    while text and place >= 0:
        found.append(place)
        place = context.find(text, place + 1)
    return min(found, key=lambda start: abs(start - at), default=-1)


def _choices(rows: datasets.Dataset, dataset: Dataset, task: Task, training: bool) -> Iterator[Example | str]:
    columns = dataset.columns["options"].split()
    blank = [""] * len(rows)
    contexts, questions = (rows[dataset.columns[role]][:] if role in dataset.columns else blank for role in _TEXTS)
    option_columns = [rows[column][:] for column in columns]
    for i, value in enumerate(rows[dataset.columns["label"]][:]):
        values = [column[i] for column in option_columns]
        letters: Sequence[str] = ()
        if dataset.labels == "letters":
            letters, options = values[0]["label"], values[0]["text"]
        else:
            options = values if len(columns) > 1 else values[0]
        question = _text(questions[i])
        if value in BLIND:
            yield NO_LABEL
        elif training and not all(_text(option).strip() for option in options):
            yield EMPTY
        else:
            label = _place(value, letters, options, dataset, task)
            asked = dataset.wording.get(question, question)
            yield Choice(_text(contexts[i]), asked, tuple(_text(option) for option in options), label)


_TEXTS = ("context", "question")


def _text(value: str | None) -> str:
    """A missing text is an empty one."""
    return value or ""


def _place(value: Any, letters: Sequence[str], options: Sequence[str], dataset: Dataset, task: Task) -> int:
    """The index of the right option, from its letter or from a number as text or integer."""
    known = letters or [str(dataset.first_place + place) for place in range(len(options))]
    if str(value) not in known:
        raise UsageError(f"{task.name}: unknown label {value!r} in {dataset.hub}; there are: {', '.join(known)}.")
    return known.index(str(value))
