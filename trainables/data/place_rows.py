"""The rows of a place, as `datasets` holds them: all of them, or the first one, in one language."""

import functools
from dataclasses import replace
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
from datasets.info import DatasetInfosDict

from spaces.errors import UsageError
from spaces.xtreme_data import DATASETS
from trainables.data import parquet_files, shelf
from trainables.data.column_shapes import column_faults, element
from trainables.data.parquet_files import first_line, stamp
from trainables.data.shelf import Place, resolve

HELD_OUT_MOST = 2_000  # rows that are held out of a training set without a dev split, if a tenth of it is more


def row_count(place: Place) -> int:
    """Rows of a place in a folder, all languages together."""
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in place.files)


def features(place: Place) -> datasets.Features:
    """The columns of a place and their types; the names of class labels are from the files or else from the card."""
    if place.folder is None:
        return _builder(place).info.features or _stream(place).features or datasets.Features()
    own = _own_features(place)
    card = _card(place) if _bare(place, own) else {}
    return datasets.Features({name: card[name] if _named(card.get(name)) else own[name] for name in own})


def _own_features(place: Place) -> datasets.Features:
    return parquet_files.features(place.files, DATASETS[place.dataset].column_names)


def _bare(place: Place, own: datasets.Features) -> bool:
    """Whether labels that should have names are integers without any."""
    dataset = DATASETS[place.dataset]
    labels = [own[dataset.columns[role]] for role in ("label", "tags") if dataset.columns.get(role) in own]
    named = dataset.labels in ("names", "own names")
    return named and any("int" in str(getattr(element(one), "dtype", "")) and not _named(one) for one in labels)


def _card(place: Place) -> datasets.Features:
    """What the card in the folder says of the config's columns; its list of files is not read."""
    assert place.folder is not None
    if not (place.folder / "README.md").is_file():
        return datasets.Features()
    try:
        told = DatasetInfosDict.from_directory(str(place.folder)).get(place.config)
    except Exception as error:  # YAML, encoding, permission, or types that are none
        raise UsageError(
            f"{place}: its files do not name its labels, and the card that may do so cannot be read (get it again): "
            f"{place.folder / 'README.md'}: {first_line(error)}"
        ) from error
    return datasets.Features() if told is None or told.features is None else told.features


def _named(feature: Any) -> bool:
    return isinstance(element(feature), datasets.ClassLabel)


def _builder(place: Place) -> datasets.DatasetBuilder:
    """What `datasets` knows of a config on the hub before it reads rows; raises UsageError if it cannot be reached."""
    try:
        return datasets.load_dataset_builder(place.hub, place.config, revision=_commit(place))
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"cannot open {place}: {first_line(error)}") from error


def _stream(place: Place) -> datasets.IterableDataset:
    """The rows of a place on the hub, of which only those that are asked for are downloaded."""
    try:
        return datasets.load_dataset(
            place.hub, place.config, split=place.split, revision=_commit(place), streaming=True
        )
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"cannot open {place}: {first_line(error)}") from error


def _commit(place: Place) -> str | None:
    return resolve(place.hub, place.revision)


def load(place: Place, language: str) -> datasets.Dataset:
    """The rows of a place in one language, as `datasets` reads them.

    Raises UsageError if they cannot be read, or if a column that the table names is missing or of another type.
    """
    dataset = DATASETS[place.dataset]
    rows = _load(replace(place, share="all"), stamp(place.files))
    check_columns(place, rows.features)
    column = shelf.language_column(dataset)
    if column is not None:
        code = dataset.code(language)
        values = rows[column][:]
        rows = rows.select([i for i, value in enumerate(values) if shelf.code_in(dataset, value) == code])
    if place.share == "all":
        return rows
    held_out = min(len(rows) // 10, HELD_OUT_MOST)
    if place.share == "head":
        return rows.select(range(len(rows) - held_out))
    if not held_out:
        raise UsageError(f"{place} has {len(rows)} rows, of which no tenth can be held out for dev: give a dev split.")
    return rows.select(range(len(rows) - held_out, len(rows)))


def distinct(place: Place, column: str, language: str) -> list[Any]:
    """The different values of a column, or in its lists, of a place in a folder in one language."""
    dataset = DATASETS[place.dataset]
    told_by = shelf.language_column(dataset)
    found: dict[Any, None] = {}
    for file in place.files:
        table = parquet_files.read_table(file, list(dict.fromkeys([column, *([told_by] if told_by else [])])))
        if told_by:
            codes = [shelf.code_in(dataset, value) for value in table[told_by].to_pylist()]
            table = table.filter(pyarrow.array([code == dataset.code(language) for code in codes], pyarrow.bool_()))
        values = table[column].combine_chunks()
        while hasattr(values, "flatten") and not pyarrow.types.is_struct(values.type):
            values = values.flatten()
        found |= dict.fromkeys(values.unique().to_pylist())
    return list(found)


def check_columns(place: Place, found: datasets.Features) -> None:
    """Raise UsageError for columns that are missing or of another type than the table says."""
    dataset = DATASETS[place.dataset]
    faults = column_faults(dataset, found)
    if faults:
        there = ", ".join(found if place.folder is None else parquet_files.names(place.files))
        how = f" {dataset.obtain[0].upper()}{dataset.obtain[1:]}." if dataset.obtain else ""
        raise UsageError(f"{place} {', and '.join(faults)}; its columns are {there}.{how}")


def head(place: Place, language: str) -> tuple[int | None, datasets.Dataset]:
    """The number of rows (None where the hub does not say) and the first of them; the hub's are not downloaded."""
    if place.folder is not None:
        rows = load(place, language)
        return len(rows), rows.select(range(min(1, len(rows))))
    check_columns(place, features(place))
    try:
        first = datasets.Dataset.from_list(list(_stream(place).take(1)), features=features(place))
    except (ValueError, OSError, RuntimeError) as error:
        raise UsageError(f"cannot read {place}: {first_line(error)}") from error
    split = (_builder(place).info.splits or {}).get(place.split)
    return None if split is None else split.num_examples, first


@functools.lru_cache(maxsize=8)  # one config may hold all languages: it is opened once
def _load(place: Place, stamps: tuple[tuple[int, int], ...]) -> datasets.Dataset:
    datasets.disable_progress_bars()
    wanted, most = features(place), DATASETS[place.dataset].most
    try:
        if place.folder is None and most is not None:
            return datasets.Dataset.from_list(list(_stream(place).take(most)), features=wanted)
        if place.folder is None:
            return datasets.load_dataset(place.hub, place.config, split=place.split, revision=_commit(place))
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
        raise UsageError(f"cannot read {place}: {first_line(error)}") from error
