"""Aligned text for the small encoder: verses in many languages, and translated sentences, as lists in the same order.

It is read from the data folder: `local/bible-text` (a config per language with columns verse_id and text, the same
verse_ids in the same order) and, if wanted, the sentences of `facebook/xnli` train (row i is the same pair in every
language), whose labels are not read.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet

from spaces.errors import UsageError

VERSES = Path("local/bible-text")
SENTENCES = Path("facebook/xnli")
UNSPACED = ("zh",)  # written without blanks, yet these editions put one between characters or words


@dataclass(frozen=True, slots=True)
class ParallelText:
    """Text by language; item i of every list in `verses` says the same, and so in `sentences` (fewer languages)."""

    verses: Mapping[str, Sequence[str]]
    sentences: Mapping[str, Sequence[str]]


def read(data: Path, languages: Sequence[str], sentences: int) -> ParallelText:
    """Verses in these languages (all that are there, if none are named) and the first rows of translated sentences.

    Raises UsageError if the verses are not there, or not aligned.
    """
    found = tuple(sorted(path.parent.name for path in (data / VERSES).glob("*/train-*.parquet")))
    wanted = tuple(languages) or found
    missing = [name for name in wanted if name not in found]
    if missing or "en" not in wanted or len(wanted) < 2:
        raise UsageError(
            f"the small encoder needs verses in English and another language, in {data / VERSES}/<language>/"
            f"train-*.parquet; there are: {', '.join(found) or 'none'}; wanted: {', '.join(wanted) or 'any'}."
        )
    verses: dict[str, list[str]] = {}
    ids: list[str] = []
    for name in wanted:
        own, texts = _columns(data / VERSES / name, ("verse_id", "text"))
        if ids and own != ids:
            raise UsageError(f"the verses in {data / VERSES / name} are not those of {wanted[0]} in the same order.")
        ids, verses[name] = own, [_join(text, name) for text in texts]
    return ParallelText(verses, _sentences(data, wanted, sentences) if sentences else {})


def _sentences(data: Path, languages: Sequence[str], rows: int) -> dict[str, list[str]]:
    """First and second sentences of the first rows, in those languages that have a training set."""
    held = [name for name in languages if list((data / SENTENCES / name).glob("train-*.parquet"))]
    texts = {}
    for name in held if len(held) > 1 else ():
        first, second = _columns(data / SENTENCES / name, ("premise", "hypothesis"))
        texts[name] = [_join(text, name) for text in first[:rows] + second[:rows]]
    if len({len(text) for text in texts.values()}) > 1:
        raise UsageError(f"the training sets in {data / SENTENCES} are not of one length: they cannot be row-parallel.")
    return texts


def _columns(folder: Path, names: tuple[str, str]) -> tuple[list[str], list[str]]:
    files = sorted(folder.glob("train-*.parquet"))
    try:
        tables = [pyarrow.parquet.read_table(file, columns=list(names)) for file in files]
        first, second = ([text for table in tables for text in table[name].to_pylist()] for name in names)
    except (OSError, KeyError, pyarrow.ArrowException) as error:
        raise UsageError(f"cannot read {', '.join(names)} from {folder}: {error}") from error
    return first, second


def _join(text: str, language: str) -> str:
    return text.replace(" ", "") if language in UNSPACED else text


def fingerprint(data: Path) -> str:
    """16 hex digits that change with any file of aligned text."""
    digest = hashlib.sha256()
    for file in sorted([*(data / VERSES).glob("*/train-*.parquet"), *(data / SENTENCES).glob("*/train-*.parquet")]):
        digest.update(file.relative_to(data).as_posix().encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
