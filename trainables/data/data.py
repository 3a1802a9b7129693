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
from trainables.features.examples import Example, Parallel, Pool

if TYPE_CHECKING:
    from trainables.data.data_check import Inspection

Split = Literal["train", "dev", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place to read from. `data` is a folder laid out like the hub; None is the hub itself (or the miniature)."""

    benchmark: str
    world_seed: int = 0
    null_world: bool = False
    data: str | None = None
    limit: int | None = None  # training examples
    test_limit: int | None = None  # dev and test examples per language (never of a pool: a smaller one is easier)

    @property
    def folder(self) -> Path | None:
        """The data folder."""
        return None if self.data is None else Path(self.data)


def examples(source: Source, task: Task, split: Split, language: str = "en") -> tuple[list[Example], Mapping[str, int]]:
    """Examples of a trained task, and how many rows of the whole split gave none for which reason.

    Cut training sets are the first of a fixed shuffle, so that all labels are in. Of a training set that was translated
    the same place holds the same item in every language, cut or not.
    """
    found, left_out = _read(source, task, split, language)
    if split == "train" and source.limit is not None and len(found) > source.limit:
        chosen = np.random.default_rng(0).permutation(len(found))[: source.limit]
        return [found[i] for i in sorted(chosen)], left_out
    return found if split == "train" else found[: source.test_limit], left_out


def _read(source: Source, task: Task, split: Split, language: str) -> tuple[list[Example], Mapping[str, int]]:
    if source.benchmark == "miniature":
        from trainables.miniature import world

        found = world.examples(world.world(source.world_seed, source.null_world), task, split, language)
        assert isinstance(found, list)
        return found, {}
    from trainables.data import hub

    read = hub.read(task, split, language, data=source.folder)
    return read.examples, read.left_out


def pool(source: Source, task: Task, split: Split, language: str) -> Pool:
    """A retrieval pool in one language. Pools that share their candidates hold the same tuple of them."""
    found = _pool(source, task, split, language)
    if found is None:
        raise ValueError(f"{task.name} has no {split} pool in {language!r}.")
    return found


def dev_pool(source: Source, task: Task, language: str) -> Pool | None:
    """The pool on which a mining task chooses its threshold; None where the data have none in the language."""
    return _pool(source, task, "dev", language)


@functools.lru_cache(maxsize=64)  # every encoder is asked to search them
def _pool(source: Source, task: Task, split: Split, language: str) -> Pool | None:
    if source.benchmark == "miniature":
        from trainables.miniature import world

        found = world.examples(world.world(source.world_seed, source.null_world), task, split, language)
        assert isinstance(found, Parallel)
        return found
    from trainables.data import hub

    return hub.pool(task, split, language, data=source.folder)


def complete(source: Source, task: Task) -> Task:
    """The task with its labels, where only the data say which there are."""
    if source.benchmark == "miniature":
        return task
    from trainables.data import hub

    return hub.complete(task, source.folder)


def fingerprint(source: Source, task: Task, language: str | None = None) -> str:
    """A hash of all that the task reads: equal fingerprints mean equal examples.

    Here and below `language` is that of the training rows; None is the task's own.
    """
    if source.benchmark == "miniature":
        from trainables.miniature import world

        return world.world(source.world_seed, source.null_world).fingerprint
    from trainables.data import hub

    return hub.fingerprint(task, source.folder, language)


def sources(source: Source, task: Task, language: str | None = None) -> list[str]:
    """What the task reads, place by place, with the hash of its files or the hub's commit."""
    if source.benchmark == "miniature":
        return []
    from trainables.data import hub

    return hub.sources(task, source.folder, language)


def languages(source: Source, task: Task) -> tuple[str, ...]:
    """The languages in which the task can be evaluated: those of its table that the data hold."""
    if source.benchmark == "miniature":
        return task.languages
    from trainables.data import hub

    return hub.languages(task, source.folder)


def problems(source: Source, task: Task, language: str | None = None) -> list[str]:
    """One line for each thing that the task needs and the data lack."""
    if source.benchmark == "miniature":
        return []
    from trainables.data import data_check

    return data_check.problems(task, source.folder, language)


def notes(source: Source, task: Task, language: str | None = None) -> list[str]:
    """What a reader of the scores must know of the data, a line each."""
    if source.benchmark == "miniature":
        return []
    from trainables.data import data_check

    return data_check.notes(task, source.folder, language)


def inspect(source: Source, task: Task, language: str | None = None) -> "Inspection":
    """What the data of a task look like, with the first row of everything read."""
    from trainables.data import data_check

    return data_check.inspect(task, source.folder, language)
