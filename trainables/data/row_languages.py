"""The language of each row, for datasets whose configs mix languages.

Such a dataset names the language of a row in a column of its own, or at the beginning of its id (`korean-1-2`). Files
that cannot be read raise UsageError.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from spaces.dataset import DatasetSpec
from spaces.language import ENGLISH
from spaces.xtreme_data import DATASETS
from trainables.data import parquet_files
from trainables.data.parquet_files import Files


def language_column_of(dataset: DatasetSpec) -> str | None:
    """Return the column that names the language of a row; None if every config holds one language."""
    return {"id": dataset.columns.get("id"), "column": dataset.columns.get("language")}.get(dataset.language_in)


def _language_code_of(dataset: DatasetSpec, value: Any) -> str | None:
    if value is None:
        return None
    return str(value).split("-")[0] if dataset.language_in == "id" else str(value)


def match_language(dataset: DatasetSpec, values: Iterable[Any], language: str) -> list[bool]:
    """Return for each value of the language column whether it names the language."""
    code = dataset.code_of(language)
    return [_language_code_of(dataset, value) == code for value in values]


def find_row_languages(dataset: DatasetSpec, files: Files) -> frozenset[str]:
    """Return the languages that files have rows of.

    Files without the language column count as English, so that the data check reads them and reports the column.
    """
    counts = count_rows_by_language(dataset, files)
    if not counts:
        return frozenset({ENGLISH})
    if not dataset.codes:
        return frozenset(counts)
    return frozenset(name for name, code in dataset.codes.items() if code in counts)


def count_rows_by_language(dataset: DatasetSpec, files: Files) -> Mapping[str, int]:
    """Return the number of rows of each language code ("" for none); empty if the files lack the language column."""
    return _count_rows(dataset.name, files, parquet_files.read_stamps(files))


@functools.lru_cache(maxsize=64)
def _count_rows(dataset_name: str, files: Files, stamps: tuple[tuple[int, int], ...]) -> Mapping[str, int]:
    dataset = DATASETS[dataset_name]
    column = language_column_of(dataset)
    if column is None or column not in parquet_files.read_column_names(files):
        return {}
    codes = (_language_code_of(dataset, value) for value in parquet_files.read_column(files, column))
    return dict(Counter(code or "" for code in codes))
