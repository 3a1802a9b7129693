"""The Parquet files of one split. Files that are unreadable, missing or of different versions raise UsageError."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet

from spaces.errors import UsageError, first_line_of
from trainables.repositories.snapshot import is_pointer

Files = tuple[Path, ...]

_SHARD = re.compile(r"-(\d+)-of-(\d+)(-[0-9a-f]+)?$")  # train-00000-of-00002, in older repositories with a hash


def read_stamps(files: Files) -> tuple[tuple[int, int], ...]:
    """Return size (bytes) and modification time (ns) of files: keys of caches, so that changed files are read again.

    Raises UsageError for a broken link.
    """
    try:
        return tuple((file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be opened ({error.strerror}): get the file again.") from error


def read_column_names(files: Files) -> list[str]:
    """Return the names of all columns; raises UsageError for a file that cannot be read."""
    return list(_read_schema(files[0]).names)


def read_column(files: Files, column: str) -> list[Any]:
    """Return one column as Python values; raises UsageError for a file that cannot be read."""
    return [value for file in files for value in read_table(file, [column])[column].to_pylist()]


def read_table(file: Path, columns: list[str]) -> Any:
    """Return these columns of a file as an Arrow table; raises UsageError for a file that cannot be read."""
    return _read_guarded(file, lambda: pyarrow.parquet.read_table(file, columns=columns))


def read_column_types(files: Files, columns: tuple[str, ...], *, is_cut: bool = False) -> datasets.Features:
    """Return the types of those columns that exist.

    Raises UsageError for files that cannot be read, that differ in these columns, or of which some are missing; with
    `is_cut`, only the first ones need be there.
    """
    read_stamps(files)  # first, so that a broken link is named as one
    fault = None if is_cut else find_shard_fault(files)
    if fault is not None:
        raise UsageError(f"{files[0].parent}: {fault}; keep all files of one version, and no others.")
    return merge_column_types([(str(file), _read_schema(file)) for file in files], columns)


def merge_column_types(schemas: Sequence[tuple[str, Any]], columns: tuple[str, ...]) -> datasets.Features:
    """Return the types that these columns have in all files; `schemas` are the files' names and Arrow schemas.

    Raises UsageError if files differ in these columns.
    """
    first, *others = (_find_types(file, schema, columns) for file, schema in schemas)
    for (file, _), other in zip(schemas[1:], others, strict=True):
        for name in columns:
            if first.get(name) != other.get(name):
                first_type, other_type = (types.get(name, "no such column") for types in (first, other))
                raise UsageError(
                    f"{schemas[0][0]} and {Path(file).name} differ in the column {name}: "
                    f"{first_type} and {other_type}; get all files of one version."
                )
    return first


def find_shard_fault(files: Files) -> str | None:
    """Say what is wrong with the numbers of files such as `train-00001-of-00003.parquet`; None if nothing is."""
    shards = [match for match in (_SHARD.search(file.stem) for file in files) if match is not None]
    totals = {int(match[2]) for match in shards}
    names = ", ".join(file.name for file in files[:4])
    if len(totals) > 1 or 0 < len(shards) < len(files) or (totals and len(shards) > max(totals)):
        return f"files of several versions are mixed ({names})"
    if totals and len(shards) != max(totals):
        return f"only {len(shards)} of {max(totals)} files exist ({names})"
    return None


def _find_types(file: str, schema: Any, columns: tuple[str, ...]) -> datasets.Features:
    existing = pyarrow.schema([schema.field(name) for name in columns if name in schema.names], schema.metadata)
    try:
        return datasets.Features.from_arrow_schema(existing)
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:
        raise UsageError(f"{file} has columns of an unknown type: {first_line_of(error)}") from error


def _read_schema(file: Path) -> Any:
    return _read_guarded(file, lambda: pyarrow.parquet.read_schema(file))


def _read_guarded(file: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (OSError, ValueError, RuntimeError, pyarrow.ArrowException) as error:
        raise UsageError(f"{file} is not a readable Parquet file: {_describe_content(file, error)}") from error


def _describe_content(file: Path, error: Exception) -> str:
    """Say what a file is that is no Parquet file."""
    try:
        if is_pointer(file):
            return "it is a git-lfs pointer. Run `git lfs pull` there, or download the file itself."
    except OSError:
        return first_line_of(error)  # what the reader said tells more
    return first_line_of(error)
