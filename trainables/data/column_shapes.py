"""What the columns of a dataset must hold, by the role they play: a wrong one is named before any row is read."""

from collections.abc import Mapping
from typing import Any

import datasets
from datasets import ClassLabel, LargeList, List, Value

from spaces.dataset import DatasetSpec

# A shape is a kind of value, a list of one shape, or fields with their shapes. Fields may be a list of records as well
# as a record of lists: both mean the same, and repositories differ in it.
TEXT, NUMBER, LABEL = "text", "whole numbers", "classes, text or whole numbers"
ColumnShape = str | list[Any] | dict[str, Any]

_SHAPES: dict[str, ColumnShape] = {
    "words": [TEXT],
    "tags": [LABEL],
    "label": LABEL,
    "answers": {"text": [TEXT], "answer_start": [NUMBER]},
    "sentences": [[NUMBER]],
    "gold": [[NUMBER]],
}


def find_column_faults(dataset: DatasetSpec, found: Mapping[str, Any]) -> list[str]:
    """What is wrong with the columns that the table names, a clause for each kind of fault; `found` has their types."""
    absent = [column for column in dataset.column_names if column not in found]
    faults = [f"has no column {', '.join(absent)}"] if absent else []
    for role, columns in dataset.columns.items():
        shape = _shape_of(dataset, role)
        faults += [
            f"has {found[column]} in the column {column} (needed: {describe_shape(shape)})"
            for column in columns.split()
            if column in found and not fits(found[column], shape)
        ]
    return faults


def _shape_of(dataset: DatasetSpec, role: str) -> ColumnShape:
    if role == "options" and dataset.label_format == "letters":
        return {"label": [TEXT], "text": [TEXT]}
    mined = "gold" in dataset.columns and role in ("query", "candidate")
    if mined or (role == "options" and " " not in dataset.columns[role]):
        return [TEXT]
    return _SHAPES.get(role, TEXT)


def fits(feature: Any, shape: ColumnShape) -> bool:
    """Whether a column of this type holds values of that shape. A column that is missing throughout fits a text."""
    if isinstance(shape, dict):
        if isinstance(feature, List | LargeList) and isinstance(feature.feature, dict):
            feature = {name: List(one) for name, one in feature.feature.items()}
        return isinstance(feature, dict) and all(name in feature and fits(feature[name], shape[name]) for name in shape)
    if isinstance(shape, list):
        return isinstance(feature, List | LargeList) and fits(feature.feature, shape[0])
    if isinstance(feature, ClassLabel):
        return shape == LABEL
    return isinstance(feature, Value) and (
        feature.dtype == "null"
        or (shape != NUMBER and is_text(feature))
        or (shape != TEXT and feature.dtype.startswith(("int", "uint")))
    )


def describe_shape(shape: ColumnShape) -> str:
    """A shape in words."""
    if isinstance(shape, dict):
        return "record of " + " and ".join(f"{name} ({describe_shape(one)})" for name, one in shape.items())
    return f"list of {describe_shape(shape[0])}" if isinstance(shape, list) else shape


def is_text(feature: Any) -> bool:
    """Whether a column holds text, and so the names of labels themselves."""
    return isinstance(feature, datasets.Value) and feature.dtype in ("string", "large_string", "string_view")


def item_type_of(feature: Any) -> Any:
    """The type of the items of a list column, or the type of a plain column itself."""
    return getattr(feature, "feature", feature)


def field_of(value: Any, name: str) -> list[Any]:
    """A field of a record of lists, or of each record of a list; empty where there is none."""
    if value is None:
        return []
    return [one[name] for one in value if one] if isinstance(value, list) else list(value[name] or ())
