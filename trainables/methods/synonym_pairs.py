"""Synonyms of English words: planted in the miniature, from a file in the data folder for real text.

The file is `local/synonyms/en/train-*.parquet` with two columns of text, `word` and `synonym`, one pair per row. Huang
et al. 2021 take the nearest neighbours in counter-fitted word vectors (Mrksic et al. 2016; Alzantot et al. 2018). Such
lists can be used as they are. A synonym need not have the word as its own synonym.
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
_EXPECTED_FILE = f"{FOLDER}/train-*.parquet with the columns {' and '.join(COLUMNS)}, one pair per row"


def read_synonyms(source: DataSource) -> Mapping[str, tuple[str, ...]]:
    """Return the synonyms of each word, each once, without the word itself. Raises UsageError if there are none."""
    if source.is_miniature:
        from trainables.miniature.meaning import SYNONYM_OF

        return {word: (synonym,) for word, synonym in SYNONYM_OF.items()}
    files = _find_files(source)
    synonyms: dict[str, dict[str, None]] = {}
    for word, synonym in zip(*(parquet_files.read_column(files, column) for column in COLUMNS), strict=True):
        if word and synonym and word != synonym:
            synonyms.setdefault(word, {})[synonym] = None
    if not synonyms:
        folder = f"{source.data}/{FOLDER}"
        raise UsageError(f"{folder}: no row has a word and another word as its synonym; add such rows.")
    return {word: tuple(others) for word, others in synonyms.items()}


def compute_fingerprint(source: DataSource) -> str | None:
    """Return a hash of the files; None for the miniature, whose synonyms are part of the code."""
    return None if source.is_miniature else hash_files(_find_files(source))[:16]


def _find_files(source: DataSource) -> tuple[Path, ...]:
    if source.data is None:
        raise UsageError(f"synonyms are read from a data folder, not from the hub: give --data with {_EXPECTED_FILE}.")
    folder = Path(source.data) / FOLDER
    files = tuple(sorted(folder.glob("train-*.parquet")))
    if not files:
        raise UsageError(f"{folder} has no synonyms: put them into {_EXPECTED_FILE}.")
    types = parquet_files.read_column_types(files, COLUMNS)
    if any(types.get(column) != datasets.Value("string") for column in COLUMNS):
        raise UsageError(f"{files[0]} lacks the two columns of text with synonyms: write {_EXPECTED_FILE}.")
    return files
