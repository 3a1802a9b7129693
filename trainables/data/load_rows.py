"""The rows at a location, read by `datasets` or straight from Parquet files: all of one language, or the first one.

Functions raise UsageError for files or a card that cannot be read, for columns that are missing or of another type than
the table says, and if the hub cannot be reached.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
from datasets.info import DatasetInfosDict

from spaces.errors import UsageError, first_line_of
from trainables.data import parquet_files, row_languages
from trainables.data.column_shapes import find_column_faults, item_type_of
from trainables.data.dataset_rows import DatasetRows
from trainables.data.locate import SplitLocation
from trainables.data.parquet_files import read_stamps

MAX_HELD_OUT_ROWS = 2_000  # English dev is a tenth of a training set without dev split, but no more rows than this


def count_rows(location: SplitLocation) -> int:
    """Return the number of rows at a location in a folder, all languages together."""
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in location.files)


def read_column_types(location: SplitLocation) -> datasets.Features:
    """Return the columns and their types. Names of class labels come from the files, or else from the dataset card."""
    if location.folder is None:
        return _open_builder(location).info.features or _open_stream(location).features or datasets.Features()
    types = parquet_files.read_column_types(location.files, location.spec.column_names)
    card = _read_card(location) if _lacks_label_names(location, types) else {}
    return datasets.Features({name: card[name] if _has_class_names(card.get(name)) else types[name] for name in types})


def _lacks_label_names(location: SplitLocation, types: datasets.Features) -> bool:
    """Return True if labels that should have names are integers without names."""
    dataset = location.spec
    labels = [types[dataset.columns[role]] for role in ("label", "tags") if dataset.columns.get(role) in types]
    return dataset.label_format in ("names", "own names") and any(
        "int" in str(getattr(item_type_of(label), "dtype", "")) and not _has_class_names(label) for label in labels
    )


def _has_class_names(feature: Any) -> bool:
    return isinstance(item_type_of(feature), datasets.ClassLabel)


def _read_card(location: SplitLocation) -> datasets.Features:
    """Return the columns of the config as the folder's dataset card describes them; its list of files is not read."""
    assert location.folder is not None
    card = location.folder / "README.md"
    if not card.is_file():
        return datasets.Features()
    try:
        info = DatasetInfosDict.from_directory(str(location.folder)).get(location.config)
    except Exception as error:  # YAML, encoding, permission, or unknown types
        raise UsageError(
            f"{location}: the files do not name the labels, and the dataset card that may name them cannot be read: "
            f"{card}: {first_line_of(error)}. Get the card again."
        ) from error
    return datasets.Features() if info is None or info.features is None else info.features


def _open_builder(location: SplitLocation) -> datasets.DatasetBuilder:
    return _open(location, datasets.load_dataset_builder)


def _open_stream(location: SplitLocation) -> datasets.IterableDataset:
    """Return the rows of a location on the hub; each is downloaded when it is read."""
    return _open(location, datasets.load_dataset, split=location.split, streaming=True)


def _open(location: SplitLocation, load: Callable[..., Any], **options: Any) -> Any:
    try:
        return load(location.repo_id, location.config, revision=location.commit, **options)
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"cannot open {location}: {first_line_of(error)}") from error


def load(location: SplitLocation, language: str) -> DatasetRows:
    """Return the rows of a location in one language."""
    dataset = location.spec
    rows = _load_cached(replace(location, portion="all"), read_stamps(location.files))
    check_columns(location, rows.features)
    column = row_languages.language_column_of(dataset)
    if column is not None:
        matches = row_languages.match_language(dataset, rows[column][:], language)
        rows = rows.select([i for i, is_match in enumerate(matches) if is_match])
    if location.portion == "all":
        return DatasetRows(dataset, rows)
    held_out = min(len(rows) // 10, MAX_HELD_OUT_ROWS)
    if location.portion == "head":
        return DatasetRows(dataset, rows.select(range(len(rows) - held_out)))
    if not held_out:
        raise UsageError(
            f"{location} has {len(rows)} rows, too few to hold out a tenth for dev: give files of a dev split."
        )
    return DatasetRows(dataset, rows.select(range(len(rows) - held_out, len(rows))))


def read_distinct_values(location: SplitLocation, column: str, language: str) -> list[Any]:
    """Return the distinct values of a column, or of the lists in it, in one language of a location in a folder."""
    dataset = location.spec
    language_column = row_languages.language_column_of(dataset)
    distinct: dict[Any, None] = {}
    for file in location.files:
        table = parquet_files.read_table(file, list(dict.fromkeys([column, language_column or column])))
        if language_column is not None:
            matches = row_languages.match_language(dataset, table[language_column].to_pylist(), language)
            table = table.filter(pyarrow.array(matches, pyarrow.bool_()))
        values = table[column].combine_chunks()
        while hasattr(values, "flatten") and not pyarrow.types.is_struct(values.type):
            values = values.flatten()
        distinct |= dict.fromkeys(values.unique().to_pylist())
    return list(distinct)


def check_columns(location: SplitLocation, types: datasets.Features) -> None:
    """Raise UsageError for columns that are missing or of another type than the table says."""
    dataset = location.spec
    faults = find_column_faults(dataset, types)
    if faults:
        names = ", ".join(types if location.folder is None else parquet_files.read_column_names(location.files))
        advice = f" {dataset.how_to_obtain[0].upper()}{dataset.how_to_obtain[1:]}." if dataset.how_to_obtain else ""
        raise UsageError(f"{location} {', and '.join(faults)}; its columns are {names}.{advice}")


def preview(location: SplitLocation, language: str) -> tuple[int | None, DatasetRows]:
    """Return the number of rows (None if the hub does not know it) and the first row, without downloading others."""
    if location.folder is not None:
        rows = load(location, language)
        return len(rows), DatasetRows(rows.dataset, rows.table.select(range(min(1, len(rows)))))
    check_columns(location, read_column_types(location))
    try:
        first = datasets.Dataset.from_list(list(_open_stream(location).take(1)), features=read_column_types(location))
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"cannot read {location}: {first_line_of(error)}") from error
    split = (_open_builder(location).info.splits or {}).get(location.split)
    return None if split is None else split.num_examples, DatasetRows(location.spec, first)


@functools.lru_cache(maxsize=8)  # one config may hold all languages: it is opened once
def _load_cached(location: SplitLocation, stamps: tuple[tuple[int, int], ...]) -> datasets.Dataset:
    datasets.disable_progress_bars()
    types, max_rows = read_column_types(location), location.spec.max_rows
    try:
        if location.folder is None and max_rows is not None:
            return datasets.Dataset.from_list(list(_open_stream(location).take(max_rows)), features=types)
        if location.folder is None:
            return datasets.load_dataset(
                location.repo_id, location.config, split=location.split, revision=location.commit
            )
        # Straight from the files: `load_dataset` would copy them into its cache and take a second for each config.
        tables: list[pyarrow.Table] = []
        for file in location.files:
            if max_rows is None or sum(len(table) for table in tables) < max_rows:
                tables.append(parquet_files.read_table(file, list(types)))
        rows = datasets.concatenate_datasets([datasets.Dataset(table) for table in tables])
        rows = rows if max_rows is None else rows.select(range(min(len(rows), max_rows)))
        return rows if rows.features == types else rows.cast(types)
    except UsageError:
        raise
    except (ValueError, OSError, RuntimeError, TypeError, datasets.exceptions.DatasetGenerationError) as error:
        raise UsageError(f"cannot read {location}: {first_line_of(error)}") from error
