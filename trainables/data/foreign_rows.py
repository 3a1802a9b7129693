"""Rows of a target in languages other than English: for ceilings, which train on them, and target-language dev sets.

Test rows are never among them. A machine translation of the training set is no shot: a few-shot row is one that
somebody could have labelled.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spaces.ceilings import RowSplits
from spaces.language import ENGLISH
from spaces.task import Split, Task
from trainables.data import task_data
from trainables.data.task_data import DataSource
from trainables.features.examples import Example, SpanExample

if TYPE_CHECKING:
    from trainables.data.data_check import DataProblem

_SHOTS = 3  # tells the draw of shots from the other draws of a seed


def find_translations(source: DataSource, task: Task) -> dict[str, Split]:
    """Return `train` for each language with translated training rows; empty if the task has none."""
    return _find_rows(source, task, ("train",), with_translations=True) if task.is_translated else {}


def find_shot_splits(source: DataSource, task: Task) -> dict[str, Split]:
    """Return the split that gives each language its shots: its training rows, or else its dev rows."""
    return _find_rows(source, task, ("train", "dev"))


def find_dev_languages(source: DataSource, task: Task) -> tuple[str, ...]:
    """Return the languages other than English that have dev rows; none for a target that is trained as another one."""
    is_own = task.trained_as == task.name and task.kind != "retrieval"
    return tuple(_find_rows(source, task, ("dev",))) if is_own else ()


def _find_rows(
    source: DataSource, task: Task, splits: tuple[Split, ...], *, with_translations: bool = False
) -> dict[str, Split]:
    """Return the first of `splits` that has rows, for each evaluation language other than English that has any."""
    languages = [language for language in task.test_languages if language != ENGLISH]
    if source.is_miniature:
        return dict.fromkeys(languages, splits[0])
    from trainables.data import load_rows, locate

    found: dict[str, Split] = {}
    for language in languages:
        for split in splits:
            if locate.is_translated(task, split, language) and not with_translations:
                continue
            locations = locate.locate_split(task, split, language, source.origin)
            if locations and all(load_rows.count_rows(location) for location in locations):
                found[language] = split
                break
    return found


def list_problems(source: DataSource, task: Task, rows: RowSplits) -> list["DataProblem"]:
    """Return what is wrong with rows that are there: unreadable, or of other columns or labels."""
    if source.is_miniature:
        return []
    from trainables.data import data_check

    return data_check.list_row_problems(task, source.origin, rows)


def compute_fingerprint(source: DataSource, task: Task, rows: RowSplits) -> str:
    """Return a hash of the rows: equal fingerprints mean equal rows."""
    if source.is_miniature:
        return task_data.compute_fingerprint(source, task)
    from trainables.data import fingerprint

    return fingerprint.hash_lines(describe_locations(source, task, rows))


def describe_locations(source: DataSource, task: Task, rows: RowSplits) -> list[str]:
    """Return a line for each location of the rows, with the hash of its files."""
    if source.is_miniature:
        return []
    from trainables.data import fingerprint

    return [
        line for language, split in rows.items() for line in fingerprint.describe(task, split, language, source.origin)
    ]


@functools.lru_cache(maxsize=256)  # the arms of a stratum train on the same shots
def draw_shots(
    source: DataSource, task: Task, split: Split, language: str, *, count: int, seed: int
) -> tuple[Example, ...]:
    """Return `count` rows of a language, drawn by the seed, in the order of the split; all of them if it has fewer.

    Limits on training and dev rows do not narrow the draw. Raises ValueError for the test split.
    """
    if split == "test":
        raise ValueError(f"{task.name}: test rows are never trained on.")
    everything = dataclasses.replace(source, limit=None, test_limit=None)
    examples, _ = task_data.load_examples(everything, task, split, language)
    usable = [example for example in examples if not (isinstance(example, SpanExample) and -1 in example.starts)]
    rng = np.random.default_rng((seed, _SHOTS, int.from_bytes(language.encode())))
    chosen = rng.permutation(len(usable))[:count]
    return tuple(usable[i] for i in sorted(chosen.tolist()))


def list_absent_languages(source: DataSource, task: Task, rows: Mapping[str, Split]) -> tuple[str, ...]:
    """Return the evaluation languages other than English without such rows."""
    evaluated = task_data.find_languages(source, task)
    return tuple(language for language in evaluated if language not in (ENGLISH, *rows))
