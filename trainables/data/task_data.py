"""Where examples come from: the miniature's generator or the hub layout, behind the same few functions.

Each side is imported only where it is used: a worker on the miniature has no use for `datasets`.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from spaces.task import Task
from trainables.features.examples import Example, Pool

if TYPE_CHECKING:
    from trainables.data.data_check import DataReport

Split = Literal["train", "dev", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """One place to read from. `data` is a folder laid out like the hub; None is the hub itself (or the miniature)."""

    benchmark: str
    world_seed: int = 0
    null_world: bool = False
    data: str | None = None
    limit: int | None = None  # training examples
    test_limit: int | None = None  # dev and test examples per language (never of a pool: a smaller one is easier)

    @property
    def data_dir(self) -> Path | None:
        """The data folder."""
        return None if self.data is None else Path(self.data)


def load_examples(
    source: DataSource, task: Task, split: Split, language: str = "en"
) -> tuple[list[Example], Mapping[str, int]]:
    """Examples of a trained task, and how many rows of the whole split gave none for which reason.

    Cut training sets are the first of a fixed shuffle, so that all labels are in. Of a training set that was translated
    the same place holds the same item in every language, cut or not.
    """
    found, left_out = _load_whole_split(source, task, split, language)
    if split == "train" and source.limit is not None and len(found) > source.limit:
        chosen = np.random.default_rng(0).permutation(len(found))[: source.limit]
        return [found[i] for i in sorted(chosen)], left_out
    return found if split == "train" else found[: source.test_limit], left_out


def _load_whole_split(
    source: DataSource, task: Task, split: Split, language: str
) -> tuple[list[Example], Mapping[str, int]]:
    if source.benchmark == "miniature":
        from trainables.miniature import world

        found = world.generate_examples(world.build_world(source.world_seed, source.null_world), task, split, language)
        return found, {}
    from trainables.data import hub

    read = hub.load_split(task, split, language, data_dir=source.data_dir)
    return read.examples, read.left_out


def load_pool(source: DataSource, task: Task, split: Split, language: str) -> Pool:
    """A retrieval pool in one language. Pools that share their candidates hold the same tuple of them."""
    found = _find_pool(source, task, split, language)
    if found is None:
        raise ValueError(f"{task.name} has no {split} pool in {language!r}.")
    return found


def load_dev_pool(source: DataSource, task: Task, language: str) -> Pool | None:
    """The pool on which a mining task chooses its threshold; None where the data have none in the language."""
    return _find_pool(source, task, "dev", language)


@functools.lru_cache(maxsize=64)  # every encoder is asked to search them
def _find_pool(source: DataSource, task: Task, split: Split, language: str) -> Pool | None:
    if source.benchmark == "miniature":
        from trainables.miniature import world

        return world.generate_pool(world.build_world(source.world_seed, source.null_world), task, split, language)
    from trainables.data import hub

    return hub.load_pool(task, split, language, data_dir=source.data_dir)


def resolve_labels(source: DataSource, task: Task) -> Task:
    """The task with its labels, where only the data say which there are."""
    if source.benchmark == "miniature":
        return task
    from trainables.data import hub

    return hub.resolve_labels(task, source.data_dir)


def compute_fingerprint(source: DataSource, task: Task, language: str | None = None) -> str:
    """A hash of all that the task reads: equal fingerprints mean equal examples.

    Here and below `language` is that of the training rows; None is the task's own.
    """
    if source.benchmark == "miniature":
        from trainables.miniature import world

        return world.build_world(source.world_seed, source.null_world).fingerprint
    from trainables.data import hub

    return hub.compute_fingerprint(task, source.data_dir, language)


def describe_locations(source: DataSource, task: Task, language: str | None = None) -> list[str]:
    """What the task reads, place by place, with the hash of its files or the hub's commit."""
    if source.benchmark == "miniature":
        return []
    from trainables.data import hub

    return hub.describe_locations(task, source.data_dir, language)


def find_languages(source: DataSource, task: Task) -> tuple[str, ...]:
    """The languages in which the task can be evaluated: those of its table that the data hold."""
    if source.benchmark == "miniature":
        return task.languages
    from trainables.data import hub

    return hub.find_languages(task, source.data_dir)


def find_problems(source: DataSource, task: Task, language: str | None = None) -> list[str]:
    """One line for each thing that the task needs and the data lack."""
    if source.benchmark == "miniature":
        return []
    from trainables.data import data_check

    return data_check.find_problems(task, source.data_dir, language)


def collect_notes(source: DataSource, task: Task, language: str | None = None) -> list[str]:
    """What a reader of the scores must know of the data, a line each."""
    if source.benchmark == "miniature":
        return []
    from trainables.data import data_check

    return data_check.collect_notes(task, source.data_dir, language)


def inspect(source: DataSource, task: Task, language: str | None = None) -> "DataReport":
    """What the data of a task look like, with the first row of everything read."""
    from trainables.data import data_check

    return data_check.inspect(task, source.data_dir, language)
