"""Labels of rows, read by name: the order of class labels differs between datasets."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import datasets

from spaces.dataset import DatasetSpec
from spaces.errors import UsageError
from spaces.task import Task
from trainables.data.column_shapes import is_text, item_type_of
from trainables.data.dataset_rows import DatasetRows

WITHHELD_LABELS = ("", "-", None, -1, "-1")  # label withheld by the publisher, or annotators who did not agree
OUTSIDE, ENTITY_START = "O", "B-"  # tags of words: of no entity, and before the type of one that begins


def make_label_mapper(task: Task, dataset: DatasetSpec, feature: Any) -> Callable[[Any], int | None]:
    """Return the function from a value of the label column to its id in `task.labels`; None for a withheld label.

    So is one of the dataset's unused labels. Words of its dropped entities get the id of OUTSIDE. `feature` is the type
    of the label column. Raises UsageError for a class whose name the task does not have, and for
    numbers without names. The returned function raises UsageError for a value that it does not know.
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
            f"the labels are bare numbers ({feature}) without names. "
            "Name the classes in the Parquet schema or on the dataset card."
        )

    def id_of_name(name: str) -> int | None:
        if name in dataset.unused_labels:
            return None
        name = OUTSIDE if name[2:] in dataset.dropped_entities else dataset.label_aliases.get(name, name)
        if name not in task.labels:
            raise UsageError(f"unknown label {name!r}; there are: {', '.join(task.labels)}.")
        return task.labels.index(name)

    if names is None:
        return lambda value: None if value in WITHHELD_LABELS else id_of_name(value)
    ids = [id_of_name(name) for name in names]

    def id_of_number(value: Any) -> int | None:
        if value in WITHHELD_LABELS:
            return None
        if not str(value).isdecimal() or int(value) >= len(ids):
            raise UsageError(f"unknown label {value!r}; 0 to {len(ids) - 1} are known.")
        return ids[int(value)]

    return id_of_number


def count_dropped_entities(rows: DatasetRows) -> dict[str, int]:
    """Return the number of entities of each type that the dataset drops; empty without such types."""
    starts: dict[Any, str] = {ENTITY_START + name: name for name in rows.dataset.dropped_entities}
    if not starts:
        return {}
    feature = item_type_of(rows.column_type("tags"))
    if isinstance(feature, datasets.ClassLabel):
        starts = {feature.str2int(tag): name for tag, name in starts.items() if tag in feature.names}
    return dict(Counter(starts[tag] for tags in rows.column("tags") for tag in tags or () if tag in starts))


def find_option(value: Any, feature: Any, columns: Sequence[str], options: Sequence[str]) -> int:
    """Return the index of the right option of a choice.

    A class label counts by its name, never by its number. `columns` are the columns of the options, whose names some
    datasets (COPA) use as class names; `options` are the letters or numbers of the options. Raises UsageError for a
    label that is none of `options`.
    """
    name = str(value)
    if isinstance(feature, datasets.ClassLabel):
        name = feature.names[value] if 0 <= value < len(feature.names) else name
        name = options[columns.index(name)] if name in columns else name
    if name not in options:
        raise UsageError(f"unknown label {name!r}; there are: {', '.join(options)}.")
    return options.index(name)
