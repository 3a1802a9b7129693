"""The shapes that columns must have, by the role that they play: faults are named before any row is read."""

from collections.abc import Mapping
from typing import Any

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
    "item": NUMBER,
}


def find_column_faults(dataset: DatasetSpec, types: Mapping[str, Any]) -> list[str]:
    """Return a clause for each fault of the columns that the dataset's table names; `types` maps columns to types."""
    absent = [column for column in dataset.column_names if column not in types]
    faults = [f"has no column {', '.join(absent)}"] if absent else []
    for role, columns in dataset.columns.items():
        shape = _shape_of(dataset, role)
        faults += [
            f"has {types[column]} in the column {column} (needed: {_describe_shape(shape)})"
            for column in columns.split()
            if column in types and not _fits(types[column], shape)
        ]
    return faults


def _shape_of(dataset: DatasetSpec, role: str) -> ColumnShape:
    if role == "options" and dataset.label_format == "letters":
        return {"label": [TEXT], "text": [TEXT]}
    is_mined = "gold" in dataset.columns and role in ("query", "candidate")
    if is_mined or (role == "options" and " " not in dataset.columns[role]):
        return [TEXT]
    return _SHAPES.get(role, TEXT)


def _fits(feature: Any, shape: ColumnShape) -> bool:
    """Return True if a column of this type holds values of this shape; a column of nulls fits every single value."""
    if isinstance(shape, dict):
        if isinstance(feature, List | LargeList) and isinstance(feature.feature, dict):
            feature = {name: List(inner) for name, inner in feature.feature.items()}
        return isinstance(feature, dict) and all(
            name in feature and _fits(feature[name], inner) for name, inner in shape.items()
        )
    if isinstance(shape, list):
        return isinstance(feature, List | LargeList) and _fits(feature.feature, shape[0])
    if isinstance(feature, ClassLabel):
        return shape == LABEL
    return isinstance(feature, Value) and (
        feature.dtype == "null"
        or (shape != NUMBER and is_text(feature))
        or (shape != TEXT and feature.dtype.startswith(("int", "uint")))
    )


def _describe_shape(shape: ColumnShape) -> str:
    if isinstance(shape, dict):
        return "record of " + " and ".join(f"{name} ({_describe_shape(inner)})" for name, inner in shape.items())
    return f"list of {_describe_shape(shape[0])}" if isinstance(shape, list) else shape


def is_text(feature: Any) -> bool:
    """Return True if a column holds text."""
    return isinstance(feature, Value) and feature.dtype in ("string", "large_string", "string_view")


def item_type_of(feature: Any) -> Any:
    """Return the type of the items of a list column, or the type of any other column itself."""
    return getattr(feature, "feature", feature)


def field_of(value: Any, name: str) -> list[Any]:
    """Return a field of a record of lists, or of each record of a list; empty where the value is missing."""
    if value is None:
        return []
    return [record[name] for record in value if record] if isinstance(value, list) else list(value[name] or ())
