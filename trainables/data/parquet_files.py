"""The Parquet files of one split: whole, readable, of one version, or a clear error."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet

from spaces.errors import UsageError, first_line_of

Files = tuple[Path, ...]

_SHARD = re.compile(r"-(\d+)-of-(\d+)(-[0-9a-f]+)?$")  # train-00000-of-00002, in older repositories with a hash


def read_stamps(files: Files) -> tuple[tuple[int, int], ...]:
    """Size and time of change of files: what is kept of them in memory is read again when this changes.

    Raises UsageError for a link that leads nowhere.
    """
    try:
        return tuple((file.stat().st_size, file.stat().st_mtime_ns) for file in files)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be opened ({error.strerror}): get the file again.") from error


def read_column_names(files: Files) -> list[str]:
    """All columns; raises UsageError for a file that cannot be read."""
    return list(_read_schema(files[0]).names)


def read_column(files: Files, column: str) -> list[Any]:
    """One column as Python values; raises UsageError for a file that cannot be read."""
    return [value for file in files for value in read_table(file, [column])[column].to_pylist()]


def read_table(file: Path, columns: list[str]) -> Any:
    """These columns of a file as an Arrow table; raises UsageError for a file that cannot be read."""
    return _read_guarded(file, lambda: pyarrow.parquet.read_table(file, columns=columns))


def read_column_types(files: Files, wanted: tuple[str, ...]) -> datasets.Features:
    """Those of the wanted columns that are there, with their types.

    Raises UsageError for files that cannot be read, that differ in these columns, or of which some are missing.
    """
    read_stamps(files)  # a link that leads nowhere is named as one
    fault = _find_shard_fault(files)
    if fault is not None:
        raise UsageError(f"{files[0].parent}: {fault}; get all files of one version, and no others.")
    first, *others = (_read_file_types(file, wanted) for file in files)
    for file, other in zip(files[1:], others, strict=True):
        for name in wanted:
            if first.get(name) != other.get(name):
                here, there = (one.get(name, "no such column") for one in (first, other))
                raise UsageError(
                    f"{files[0]} and {file.name} differ in the column {name}: {here} and {there}; get all files of one "
                    "version."
                )
    return first


def _find_shard_fault(files: Files) -> str | None:
    """What is wrong with the numbers of files such as `train-00001-of-00003.parquet`, or None."""
    numbered = [match for match in (_SHARD.search(file.stem) for file in files) if match is not None]
    totals = {int(match[2]) for match in numbered}
    if len(totals) > 1 or 0 < len(numbered) < len(files) or (totals and len(numbered) > max(totals)):
        return f"files of several versions lie side by side ({', '.join(file.name for file in files[:4])})"
    if totals and len(numbered) != max(totals):
        return f"{len(numbered)} of {max(totals)} files are there ({', '.join(file.name for file in files[:4])})"
    return None


def _read_file_types(file: Path, wanted: tuple[str, ...]) -> datasets.Features:
    footer = _read_schema(file)
    held = pyarrow.schema([footer.field(name) for name in wanted if name in footer.names], footer.metadata)
    try:
        return datasets.Features.from_arrow_schema(held)
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:
        raise UsageError(f"{file} has columns of an unknown type: {first_line_of(error)}") from error


def _read_schema(file: Path) -> Any:
    return _read_guarded(file, lambda: pyarrow.parquet.read_schema(file))


def _read_guarded(file: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (OSError, ValueError, RuntimeError, pyarrow.ArrowException) as error:
        raise UsageError(f"{file} is no readable Parquet file: {first_line_of(error)}") from error
