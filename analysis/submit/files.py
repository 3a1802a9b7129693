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

LineFormatter = Callable[[pl.DataFrame, str], list[str]]


class PredictionGapError(ValueError):
    """Predictions that do not cover a test set without a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialTask:
    """One task of XTREME. `target` is its name in a sweep, `folder` its name in a submission."""

    target: str
    folder: str
    languages: tuple[str, ...]
    suffix: str = "tsv"
    is_mined: bool = False  # its rows are pairs: any number of them, none included


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionFile:
    """One file of a submission. `repeated` counts questions that share their id with an earlier one."""

    name: str  # below the submission's folder
    text: str
    row_count: int
    repeated_ids: int = 0


def _make_task(target: str, suffix: str = "tsv") -> OfficialTask:
    return OfficialTask(target=target, folder=target, languages=TARGETS[target].languages, suffix=suffix)


# The order of the columns in XTREME's tables.
OFFICIAL_TASKS = (
    _make_task("xnli"),
    _make_task("pawsx"),
    _make_task("udpos"),
    _make_task("panx"),
    _make_task("xquad", "json"),
    _make_task("mlqa", "json"),
    _make_task("tydiqa", "json"),
    OfficialTask(target="bucc", folder="bucc2018", languages=("de", "fr", "ru", "zh"), is_mined=True),
    _make_task("tatoeba"),
)


def build_file(official: OfficialTask, language: str, rows: pl.DataFrame) -> SubmissionFile:
    """The file of one task and language from its kept predictions (`spaces/prediction_columns.py`), in any order.

    Raises:
        TornError: examples are missing between the first and the last, or stand twice.
    """
    rows = rows.sort("example")
    if not official.is_mined and rows["example"].to_list() != list(range(rows.height)):
        raise PredictionGapError(
            f"{rows.height} predictions that are not one for each example from 0 to {rows.height - 1}"
        )
    name = f"{official.folder}/test-{language}.{official.suffix}"
    if official.suffix == "json":
        found = collect_answers(rows)
        return SubmissionFile(
            name=name, text=json.dumps(found, indent=1), row_count=len(found), repeated_ids=rows.height - len(found)
        )
    form = LINE_FORMATTERS[official.target]
    items, gap = form(rows, language), "\n\n" if form is _format_tags else "\n"
    return SubmissionFile(name=name, text=gap.join(items) + "\n" if items else "", row_count=len(items))


def collect_answers(rows: pl.DataFrame) -> Mapping[str, str]:
    """Question id -> answer, under the ids of the published files.

    An id that stands several times in a test set got a suffix `#2`, `#3` when it was read (trainables/data/rows.py).
    The official script has one answer per id, so the first question's answer is the one submitted.
    """
    found = dict(zip(rows["id"], rows["prediction"].list.first(), strict=True))
    return {name: answer for name, answer in found.items() if not _is_repeated(name, found)}


def _is_repeated(name: str, known: Mapping[str, str]) -> bool:
    stem, mark, number = name.rpartition("#")
    return bool(mark) and number.isdecimal() and int(number) > 1 and stem in known


def _format_labels(rows: pl.DataFrame, language: str) -> list[str]:
    """One label name a line."""
    return rows["prediction"].list.first().to_list()


def _format_digits(rows: pl.DataFrame, language: str) -> list[str]:
    """One label a line, as the digit that the published files have for it (PAWS-X: 1 is a paraphrase)."""
    return [str(DATASETS["pawsx"].digit_labels.index(label)) for label in _format_labels(rows, language)]


def _format_tags(rows: pl.DataFrame, language: str) -> list[str]:
    """One tag a line, sentences apart by a blank line."""
    return ["\n".join(tags) for tags in rows["prediction"]]


def _format_pairs(rows: pl.DataFrame, language: str) -> list[str]:
    """The ids of a mined pair a line. BUCC numbers the sentences of a file from 1, with nine digits."""
    candidates = rows["prediction"].list.first().cast(pl.Int64)
    return [f"{language}-{i + 1:09}\ten-{j + 1:09}" for i, j in zip(rows["example"], candidates, strict=True)]


def _format_neighbours(rows: pl.DataFrame, language: str) -> list[str]:
    """For each line of XTREME's English file, which is sorted, the line of the foreign sentence found, from 0."""
    return rows.sort(pl.col("id").cast(pl.Int64))["prediction"].list.first().to_list()


LINE_FORMATTERS: Mapping[str, LineFormatter] = {
    "xnli": _format_labels,
    "pawsx": _format_digits,
    "udpos": _format_tags,
    "panx": _format_tags,
    "bucc": _format_pairs,
    "tatoeba": _format_neighbours,
}
