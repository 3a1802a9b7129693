"""The files of an XTREME submission, in the formats that the official script reads.

The layout follows the README of google-research/xtreme, the formats its evaluate.py. Every file is plain ASCII with one
line feed per line.
"""

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

import polars as pl

from spaces.xtreme import TARGETS
from spaces.xtreme_data import DATASETS

LineFormatter = Callable[[pl.DataFrame, str], list[str]]


class PredictionGapError(ValueError):
    """Predictions that do not cover a test set exactly once, as the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialTask:
    """One task of XTREME. `target` is its name in a sweep, `folder` its name in a submission."""

    target: str
    folder: str
    languages: tuple[str, ...]
    suffix: str = "tsv"
    is_mined: bool = False  # its rows are pairs: any number of them, none included


@dataclass(frozen=True, slots=True)
class SubmissionFile:
    """One file of a submission. `repeated_ids` counts questions that share their id with an earlier one."""

    name: str  # below the submission's folder
    text: str
    row_count: int
    repeated_ids: int = 0


def _make_task(target: str, suffix: str = "tsv") -> OfficialTask:
    return OfficialTask(target=target, folder=target, languages=TARGETS[target].languages, suffix=suffix)


# The order of the columns in XTREME's tables.
OFFICIAL_TASKS = (
    *map(_make_task, ("xnli", "pawsx", "udpos", "panx")),
    *(_make_task(name, "json") for name in ("xquad", "mlqa", "tydiqa")),
    OfficialTask(target="bucc", folder="bucc2018", languages=("de", "fr", "ru", "zh"), is_mined=True),
    _make_task("tatoeba"),
)


def build_file(official: OfficialTask, language: str, rows: pl.DataFrame) -> SubmissionFile:
    """Return the file of a task and language from its predictions; raise PredictionGapError for missing or repeated."""
    rows = rows.sort("example")
    if not official.is_mined and rows["example"].to_list() != list(range(rows.height)):
        raise PredictionGapError(
            f"{rows.height} predictions, but not exactly one for each example from 0 to {rows.height - 1}"
        )
    name = f"{official.folder}/test-{language}.{official.suffix}"
    if official.suffix == "json":
        answers = collect_answers(rows)
        return SubmissionFile(
            name, json.dumps(answers, indent=1), len(answers), repeated_ids=rows.height - len(answers)
        )
    formatter = LINE_FORMATTERS[official.target]
    items = formatter(rows, language)
    separator = "\n\n" if formatter is _format_tags else "\n"
    return SubmissionFile(name, separator.join(items) + "\n" if items else "", len(items))


def collect_answers(rows: pl.DataFrame) -> Mapping[str, str]:
    """Return question id -> answer, with the ids of the published files.

    An id that occurs several times in a test set got a suffix `#2`, `#3` when it was read (trainables/data/rows.py).
    The official script takes one answer per id, so the first question's answer is submitted.
    """
    answers = dict(zip(rows["id"], rows["prediction"].list.first(), strict=True))
    return {name: answer for name, answer in answers.items() if not _is_repeated(name, answers)}


def _is_repeated(name: str, names: Container[str]) -> bool:
    stem, mark, number = name.rpartition("#")
    return bool(mark) and number.isdecimal() and int(number) > 1 and stem in names


def _format_labels(rows: pl.DataFrame, language: str) -> list[str]:
    """Return one label name per line."""
    return rows["prediction"].list.first().to_list()


def _format_digits(rows: pl.DataFrame, language: str) -> list[str]:
    """Return one label per line, as its digit in the published files (PAWS-X: 1 is a paraphrase)."""
    return [str(DATASETS["pawsx"].digit_labels.index(label)) for label in _format_labels(rows, language)]


def _format_tags(rows: pl.DataFrame, language: str) -> list[str]:
    """Return the tags of each sentence, one per line; a blank line separates sentences."""
    return ["\n".join(tags) for tags in rows["prediction"]]


def _format_pairs(rows: pl.DataFrame, language: str) -> list[str]:
    """Return the ids of one mined pair per line. BUCC numbers the sentences of a file from 1, with nine digits."""
    candidates = rows["prediction"].list.first().cast(pl.Int64)
    return [f"{language}-{i + 1:09}\ten-{j + 1:09}" for i, j in zip(rows["example"], candidates, strict=True)]


def _format_neighbours(rows: pl.DataFrame, language: str) -> list[str]:
    """Return, for each line of XTREME's sorted English file, the line of the foreign sentence found, from 0."""
    return rows.sort(pl.col("id").cast(pl.Int64))["prediction"].list.first().to_list()


LINE_FORMATTERS: Mapping[str, LineFormatter] = {
    "xnli": _format_labels,
    "pawsx": _format_digits,
    "udpos": _format_tags,
    "panx": _format_tags,
    "bucc": _format_pairs,
    "tatoeba": _format_neighbours,
}
