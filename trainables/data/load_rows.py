"""The rows at a location, read straight from Parquet files: all of one language, or the first one.

Functions raise UsageError for files or a card that cannot be read, for columns that are missing or of another type than
the table says, and if the hub cannot be asked.
"""

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet

from spaces.dataset import DatasetSpec
from spaces.errors import UsageError, first_line_of
from trainables.data import dataset_card, parquet_files, remote_rows, row_languages
from trainables.data.column_shapes import find_column_faults, item_type_of
from trainables.data.dataset_rows import DatasetRows
from trainables.data.detokenise import SAMPLE_ROWS, TokenisedTexts, find_tokenised
from trainables.data.parquet_files import read_stamps
from trainables.data.split_files import SplitLocation

MAX_HELD_OUT_ROWS = 2_000  # English dev is a tenth of a training set without dev split, but no more rows than this


def count_rows(location: SplitLocation) -> int:
    """Return the number of rows at a location, all languages together."""
    if location.is_remote:
        return sum(look.row_count for look in _look_at_files(location))
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in location.files)


def read_column_types(location: SplitLocation) -> datasets.Features:
    """Return the columns and their types. Names of class labels come from the files, or else from the dataset card."""
    types = _read_file_types(location)
    card = _read_card(location) if _lacks_label_names(location, types) else {}
    return datasets.Features({name: card[name] if _has_class_names(card.get(name)) else types[name] for name in types})


def _read_file_types(location: SplitLocation) -> datasets.Features:
    columns = location.spec.column_names
    if not location.is_remote:
        return parquet_files.read_column_types(location.files, columns, is_cut=location.spec.max_rows is not None)
    looks = zip(location.files, _look_at_files(location), strict=True)
    return parquet_files.merge_column_types([(str(file), look.schema) for file, look in looks], columns)


def _look_at_files(location: SplitLocation) -> list[remote_rows.FileLook]:
    assert location.snapshot is not None
    return [remote_rows.look_at(location.snapshot, file.name) for file in location.remote_files]


def _lacks_label_names(location: SplitLocation, types: datasets.Features) -> bool:
    """Return True if labels that should have names are integers without names."""
    dataset = location.spec
    labels = [types[dataset.columns[role]] for role in ("label", "tags") if dataset.columns.get(role) in types]
    return dataset.label_format in ("names", "own names") and any(
        "int" in str(getattr(item_type_of(label), "dtype", "")) and not _has_class_names(label) for label in labels
    )


def _has_class_names(feature: Any) -> bool:
    return isinstance(item_type_of(feature), datasets.ClassLabel)


def read_card_labels(location: SplitLocation) -> tuple[str, ...]:
    """Return the names of the labels in the order of their numbers, if the dataset card alone tells them."""
    if not _lacks_label_names(location, _read_file_types(location)):
        return ()
    label = _read_card(location).get(location.spec.label_column)
    return tuple(item_type_of(label).names) if _has_class_names(label) else ()


def _read_card(location: SplitLocation) -> datasets.Features:
    """Return the columns of the config as the repository's dataset card describes them."""
    card = dataset_card.find_card(location.folder, location.snapshot)
    try:
        return datasets.Features() if card is None else dataset_card.read_features(card, location.config)
    except UsageError as error:
        raise UsageError(f"{location}: the files do not name the labels, and {error}") from error


def load(location: SplitLocation, language: str) -> DatasetRows:
    """Return the rows of a location in one language."""
    dataset = location.spec
    rows = _load_cached(replace(location, portion="all"), read_stamps(location.files))
    check_columns(location, rows.features)
    column = row_languages.language_column_of(dataset)
    if column is not None:
        matches = row_languages.match_language(dataset, rows[column][:], language)
        rows = rows.select([i for i, is_match in enumerate(matches) if is_match])
    tokenised = _find_tokenised(dataset, rows, language)
    if location.portion == "all":
        return DatasetRows(dataset, rows, tokenised)
    held_out = _count_held_out(len(rows))
    if location.portion == "head":
        return DatasetRows(dataset, rows.select(range(len(rows) - held_out)), tokenised)
    if not held_out:
        raise UsageError(
            f"{location} has {len(rows)} rows, too few to hold out a tenth for dev: give files of a dev split."
        )
    return DatasetRows(dataset, rows.select(range(len(rows) - held_out, len(rows))), tokenised)


def _find_tokenised(dataset: DatasetSpec, rows: datasets.Dataset, language: str) -> TokenisedTexts | None:
    """Judge the second texts of pairs: MultiNLI's hypotheses are sentences, its premises also bits of speech."""
    if not dataset.may_be_tokenised:
        return None
    return find_tokenised(rows[dataset.columns["second"]][:SAMPLE_ROWS], language)


def _count_held_out(rows: int) -> int:
    return min(rows // 10, MAX_HELD_OUT_ROWS)


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


def find_row(location: SplitLocation, column: str, value: Any) -> tuple[Path, int]:
    """Return the file and the number, from 1 on, of the first row that has a value, alone or in a list.

    Raises ValueError if no row of the location has it.
    """
    for file in location.files:
        for number, found in enumerate(parquet_files.read_table(file, [column])[column].to_pylist(), start=1):
            if value in (found if isinstance(found, list) else [found]):
                return file, number
    raise ValueError(f"{location}: no row has {value!r} in the column {column}.")


def check_columns(location: SplitLocation, types: datasets.Features) -> None:
    """Raise UsageError for columns that are missing or of another type than the table says."""
    dataset = location.spec
    faults = find_column_faults(dataset, types)
    if faults:
        names = ", ".join(types if location.is_remote else parquet_files.read_column_names(location.files))
        advice = f" {dataset.how_to_obtain[0].upper()}{dataset.how_to_obtain[1:]}." if dataset.how_to_obtain else ""
        raise UsageError(f"{location} {', and '.join(faults)}; its columns are {names}.{advice}")


def preview(location: SplitLocation, language: str) -> tuple[int | None, DatasetRows]:
    """Return the number of rows and the first row, without downloading others.

    The number is None where each row of a file that is not here names its own language.
    """
    if not location.is_remote:
        rows = load(location, language)
        return len(rows), replace(rows, table=rows.table.select(range(min(1, len(rows)))))
    types = read_column_types(location)
    check_columns(location, types)
    try:
        table = _look_at_files(location)[0].read_first_row(tuple(types))
        first = datasets.Dataset(table)
        first = first if first.features == types else first.cast(types)
    except UsageError:
        raise
    except (ValueError, OSError, TypeError, pyarrow.ArrowException) as error:
        raise UsageError(f"cannot read {location}: {first_line_of(error)}") from error
    return _count_portion(location), DatasetRows(location.spec, first)


def _count_portion(location: SplitLocation) -> int | None:
    if row_languages.language_column_of(location.spec) is not None:
        return None
    rows = count_rows(location) if location.spec.max_rows is None else min(count_rows(location), location.spec.max_rows)
    held_out = _count_held_out(rows)
    return {"all": rows, "head": rows - held_out, "tail": held_out}[location.portion]


@functools.lru_cache(maxsize=8)  # one config may hold all languages: it is opened once
def _load_cached(location: SplitLocation, stamps: tuple[tuple[int, int], ...]) -> datasets.Dataset:
    datasets.disable_progress_bars()
    types, max_rows = read_column_types(location), location.spec.max_rows
    try:
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
