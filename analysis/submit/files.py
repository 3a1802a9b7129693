"""The files of an XTREME submission: which there are, and what stands in each so that the official script reads it.

The layout is that of the README of google-research/xtreme; the formats are what its evaluate.py reads. Every file is
plain ASCII with one line feed per line.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from spaces.xtreme import TARGETS
from spaces.xtreme_data import DATASETS

Texts = Callable[[pl.DataFrame, str], list[str]]


class TornError(ValueError):
    """Predictions that do not cover a test set without a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Official:
    """One task of XTREME. `target` is its name in a sweep, `folder` its name in a submission."""

    target: str
    folder: str
    languages: tuple[str, ...]
    suffix: str = "tsv"
    mined: bool = False  # its rows are pairs: any number of them, none included


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a submission. `repeated` counts questions that share their id with an earlier one."""

    name: str  # below the submission's folder
    text: str
    rows: int
    repeated: int = 0


def _official(target: str, suffix: str = "tsv") -> Official:
    return Official(target=target, folder=target, languages=TARGETS[target].languages, suffix=suffix)


# The order of the columns in XTREME's tables.
OFFICIAL = (
    _official("xnli"),
    _official("pawsx"),
    _official("udpos"),
    _official("panx"),
    _official("xquad", "json"),
    _official("mlqa", "json"),
    _official("tydiqa", "json"),
    Official(target="bucc", folder="bucc2018", languages=("de", "fr", "ru", "zh"), mined=True),
    _official("tatoeba"),
)


def file_of(official: Official, language: str, rows: pl.DataFrame) -> File:
    """The file of one task and language from its kept predictions (`spaces/prediction_columns.py`), in any order.

    Raises:
        TornError: examples are missing between the first and the last, or stand twice.
    """
    rows = rows.sort("example")
    if not official.mined and rows["example"].to_list() != list(range(rows.height)):
        raise TornError(f"{rows.height} predictions that are not one for each example from 0 to {rows.height - 1}")
    name = f"{official.folder}/test-{language}.{official.suffix}"
    if official.suffix == "json":
        found = answers(rows)
        return File(name=name, text=json.dumps(found, indent=1), rows=len(found), repeated=rows.height - len(found))
    form = LINES[official.target]
    items, gap = form(rows, language), "\n\n" if form is _tags else "\n"
    return File(name=name, text=gap.join(items) + "\n" if items else "", rows=len(items))


def answers(rows: pl.DataFrame) -> Mapping[str, str]:
    """Question id -> answer, under the ids of the published files.

    An id that stands several times in a test set got a suffix `#2`, `#3` when it was read (trainables/data/rows.py).
    The official script has one answer per id, so the first question's answer is the one submitted.
    """
    found = dict(zip(rows["id"], rows["prediction"].list.first(), strict=True))
    return {name: answer for name, answer in found.items() if not _repeats(name, found)}


def _repeats(name: str, known: Mapping[str, str]) -> bool:
    stem, mark, number = name.rpartition("#")
    return bool(mark) and number.isdecimal() and int(number) > 1 and stem in known


def _labels(rows: pl.DataFrame, language: str) -> list[str]:
    """One label name a line."""
    return rows["prediction"].list.first().to_list()


def _digits(rows: pl.DataFrame, language: str) -> list[str]:
    """One label a line, as the digit that the published files have for it (PAWS-X: 1 is a paraphrase)."""
    return [str(DATASETS["pawsx"].digits.index(label)) for label in _labels(rows, language)]


def _tags(rows: pl.DataFrame, language: str) -> list[str]:
    """One tag a line, sentences apart by a blank line."""
    return ["\n".join(tags) for tags in rows["prediction"]]


def _pairs(rows: pl.DataFrame, language: str) -> list[str]:
    """The ids of a mined pair a line. BUCC numbers the sentences of a file from 1, with nine digits."""
    candidates = rows["prediction"].list.first().cast(pl.Int64)
    return [f"{language}-{i + 1:09}\ten-{j + 1:09}" for i, j in zip(rows["example"], candidates, strict=True)]


def _places(rows: pl.DataFrame, language: str) -> list[str]:
    """For each line of XTREME's English file, which is sorted, the line of the foreign sentence found, from 0."""
    return rows.sort(pl.col("id").cast(pl.Int64))["prediction"].list.first().to_list()


LINES: Mapping[str, Texts] = {
    "xnli": _labels,
    "pawsx": _digits,
    "udpos": _tags,
    "panx": _tags,
    "bucc": _pairs,
    "tatoeba": _places,
}
