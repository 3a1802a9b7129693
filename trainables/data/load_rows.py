"""The rows of a place, as `datasets` holds them: all of them, or the first one, in one language."""

import functools
from dataclasses import replace
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
from datasets.info import DatasetInfosDict

from spaces.errors import UsageError, first_line_of
from spaces.xtreme_data import DATASETS
from trainables.data import locate, parquet_files
from trainables.data.column_shapes import find_column_faults, item_type_of
from trainables.data.locate import SplitLocation, resolve_commit
from trainables.data.parquet_files import read_stamps

MAX_HELD_OUT_ROWS = 2_000  # rows that are held out of a training set without a dev split, if a tenth of it is more


def count_rows(place: SplitLocation) -> int:
    """Rows of a place in a folder, all languages together."""
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in place.files)


def read_column_types(place: SplitLocation) -> datasets.Features:
    """The columns of a place and their types; the names of class labels are from the files or else from the card."""
    if place.folder is None:
        return _open_builder(place).info.features or _open_stream(place).features or datasets.Features()
    own = _read_file_types(place)
    card = _read_card(place) if _lacks_label_names(place, own) else {}
    return datasets.Features({name: card[name] if _has_class_names(card.get(name)) else own[name] for name in own})


def _read_file_types(place: SplitLocation) -> datasets.Features:
    return parquet_files.read_column_types(place.files, DATASETS[place.dataset].column_names)


def _lacks_label_names(place: SplitLocation, own: datasets.Features) -> bool:
    """Whether labels that should have names are integers without any."""
    dataset = DATASETS[place.dataset]
    labels = [own[dataset.columns[role]] for role in ("label", "tags") if dataset.columns.get(role) in own]
    named = dataset.label_format in ("names", "own names")
    return named and any(
        "int" in str(getattr(item_type_of(one), "dtype", "")) and not _has_class_names(one) for one in labels
    )


def _read_card(place: SplitLocation) -> datasets.Features:
    """What the card in the folder says of the config's columns; its list of files is not read."""
    assert place.folder is not None
    if not (place.folder / "README.md").is_file():
        return datasets.Features()
    try:
        told = DatasetInfosDict.from_directory(str(place.folder)).get(place.config)
    except Exception as error:  # YAML, encoding, permission, or types that are none
        raise UsageError(
            f"{place}: its files do not name its labels, and the card that may do so cannot be read (get it again): "
            f"{place.folder / 'README.md'}: {first_line_of(error)}"
        ) from error
    return datasets.Features() if told is None or told.features is None else told.features


def _has_class_names(feature: Any) -> bool:
    return isinstance(item_type_of(feature), datasets.ClassLabel)


def _open_builder(place: SplitLocation) -> datasets.DatasetBuilder:
    """What `datasets` knows of a config on the hub before it reads rows; raises UsageError if it cannot be reached."""
    try:
        return datasets.load_dataset_builder(place.repo_id, place.config, revision=_commit_of(place))
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"cannot open {place}: {first_line_of(error)}") from error


def _open_stream(place: SplitLocation) -> datasets.IterableDataset:
    """The rows of a place on the hub, of which only those that are asked for are downloaded."""
    try:
        return datasets.load_dataset(
            place.repo_id, place.config, split=place.split, revision=_commit_of(place), streaming=True
        )
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"cannot open {place}: {first_line_of(error)}") from error


def _commit_of(place: SplitLocation) -> str | None:
    return resolve_commit(place.repo_id, place.revision)


def load(place: SplitLocation, language: str) -> datasets.Dataset:
    """The rows of a place in one language, as `datasets` reads them.

    Raises UsageError if they cannot be read, or if a column that the table names is missing or of another type.
    """
    dataset = DATASETS[place.dataset]
    rows = _load_cached(replace(place, portion="all"), read_stamps(place.files))
    check_columns(place, rows.features)
    column = locate.language_column_of(dataset)
    if column is not None:
        code = dataset.code_of(language)
        values = rows[column][:]
        rows = rows.select([i for i, value in enumerate(values) if locate.language_code_of(dataset, value) == code])
    if place.portion == "all":
        return rows
    held_out = min(len(rows) // 10, MAX_HELD_OUT_ROWS)
    if place.portion == "head":
        return rows.select(range(len(rows) - held_out))
    if not held_out:
        raise UsageError(f"{place} has {len(rows)} rows, of which no tenth can be held out for dev: give a dev split.")
    return rows.select(range(len(rows) - held_out, len(rows)))


def read_distinct_values(place: SplitLocation, column: str, language: str) -> list[Any]:
    """The different values of a column, or in its lists, of a place in a folder in one language."""
    dataset = DATASETS[place.dataset]
    told_by = locate.language_column_of(dataset)
    found: dict[Any, None] = {}
    for file in place.files:
        table = parquet_files.read_table(file, list(dict.fromkeys([column, *([told_by] if told_by else [])])))
        if told_by:
            codes = [locate.language_code_of(dataset, value) for value in table[told_by].to_pylist()]
            table = table.filter(pyarrow.array([code == dataset.code_of(language) for code in codes], pyarrow.bool_()))
        values = table[column].combine_chunks()
        while hasattr(values, "flatten") and not pyarrow.types.is_struct(values.type):
            values = values.flatten()
        found |= dict.fromkeys(values.unique().to_pylist())
    return list(found)


def check_columns(place: SplitLocation, found: datasets.Features) -> None:
    """Raise UsageError for columns that are missing or of another type than the table says."""
    dataset = DATASETS[place.dataset]
    faults = find_column_faults(dataset, found)
    if faults:
        there = ", ".join(found if place.folder is None else parquet_files.read_column_names(place.files))
        how = f" {dataset.how_to_obtain[0].upper()}{dataset.how_to_obtain[1:]}." if dataset.how_to_obtain else ""
        raise UsageError(f"{place} {', and '.join(faults)}; its columns are {there}.{how}")


def preview(place: SplitLocation, language: str) -> tuple[int | None, datasets.Dataset]:
    """The number of rows (None where the hub does not say) and the first of them; the hub's are not downloaded."""
    if place.folder is not None:
        rows = load(place, language)
        return len(rows), rows.select(range(min(1, len(rows))))
    check_columns(place, read_column_types(place))
    try:
        first = datasets.Dataset.from_list(list(_open_stream(place).take(1)), features=read_column_types(place))
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"cannot read {place}: {first_line_of(error)}") from error
    split = (_open_builder(place).info.splits or {}).get(place.split)
    return None if split is None else split.num_examples, first


@functools.lru_cache(maxsize=8)  # one config may hold all languages: it is opened once
def _load_cached(place: SplitLocation, stamps: tuple[tuple[int, int], ...]) -> datasets.Dataset:
    datasets.disable_progress_bars()
    wanted, most = read_column_types(place), DATASETS[place.dataset].max_rows
    try:
        if place.folder is None and most is not None:
            return datasets.Dataset.from_list(list(_open_stream(place).take(most)), features=wanted)
        if place.folder is None:
            return datasets.load_dataset(place.repo_id, place.config, split=place.split, revision=_commit_of(place))
        # Straight from the files: `load_dataset` would copy them into its cache and take a second for each config.
        tables: list[pyarrow.Table] = []
        for file in place.files:
            if most is None or sum(len(table) for table in tables) < most:
                tables.append(parquet_files.read_table(file, list(wanted)))
        rows = datasets.concatenate_datasets([datasets.Dataset(table) for table in tables])
        rows = rows if most is None else rows.select(range(min(len(rows), most)))
        return rows if rows.features == wanted else rows.cast(wanted)
    except UsageError:
        raise
    except (ValueError, OSError, RuntimeError, TypeError, datasets.exceptions.DatasetGenerationError) as error:
        raise UsageError(f"cannot read {place}: {first_line_of(error)}") from error
