"""Which English words mean the same: planted in the miniature, a file in the data folder for real text.

The file is `local/synonyms/en/train-*.parquet` with two columns of text, `word` and `synonym`, one pair in a row. Huang
et al. 2021 take the nearest neighbours in counter-fitted word vectors (Mrksic et al. 2016; Alzantot et al. 2018); such
lists can be put there as they are. A synonym need not have the word as its own.
"""

from collections.abc import Mapping
from pathlib import Path

import datasets

from spaces.checksum import hash_files
from spaces.errors import UsageError
from trainables.data import parquet_files
from trainables.data.task_data import DataSource

FOLDER = Path("local/synonyms/en")
COLUMNS = ("word", "synonym")


def read_synonyms(source: DataSource) -> Mapping[str, tuple[str, ...]]:
    """The synonyms of each word, each once, without the word itself; raises UsageError where there are none."""
    if source.benchmark == "miniature":
        from trainables.miniature.meaning import SYNONYM_OF

        return {word: (twin,) for word, twin in SYNONYM_OF.items()}
    found: dict[str, dict[str, None]] = {}
    for word, synonym in zip(
        *(parquet_files.read_column(_find_files(source), column) for column in COLUMNS), strict=True
    ):
        if word and synonym and word != synonym:
            found.setdefault(word, {})[synonym] = None
    if not found:
        raise UsageError(
            f"{source.data_dir}/{FOLDER}: no row has a word and another word as its synonym; fill the file."
        )
    return {word: tuple(others) for word, others in found.items()}


def compute_fingerprint(source: DataSource) -> str | None:
    """A hash of the file's bytes; None for the miniature, whose code says which words mean the same."""
    if source.benchmark == "miniature":
        return None
    return hash_files(_find_files(source))[:16]


def _find_files(source: DataSource) -> tuple[Path, ...]:
    wanted = f"{FOLDER}/train-*.parquet with the columns {' and '.join(COLUMNS)}, a pair in each row"
    if source.data_dir is None:
        raise UsageError(f"synonyms are read from a data folder, and the hub has none: give --data with {wanted}.")
    files = tuple(sorted((source.data_dir / FOLDER).glob("train-*.parquet")))
    if not files:
        raise UsageError(f"{source.data_dir / FOLDER} has no synonyms: put them into {wanted}.")
    held = parquet_files.read_column_types(files, COLUMNS)
    if any(held.get(column) != datasets.Value("string") for column in COLUMNS):
        raise UsageError(f"{files[0]} does not have the two columns of text that it needs: write {wanted}.")
    return files
