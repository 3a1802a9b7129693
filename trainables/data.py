"""Where examples come from: the miniature's generator or the hub layout, behind the same few functions.

Each side is imported only where it is used: a worker on the miniature has no use for `datasets`.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from spaces.task import Task
from trainables.examples import Example, Parallel, Pool, Ranking

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


def examples(source: Source, task: Task, split: Split, language: str = "en") -> list[Example]:
    """Examples of a trained task. Cut training sets are the first of a fixed shuffle, so that all labels are in."""
    found = _read(source, task, split, language)
    if isinstance(found, Parallel | Ranking):
        raise ValueError(f"{task.name} is retrieval: read its pools with `pool`.")
    if split == "train" and source.limit is not None and len(found) > source.limit:
        chosen = np.random.default_rng(0).permutation(len(found))[: source.limit]
        return [found[i] for i in sorted(chosen)]
    return found if split == "train" else found[: source.test_limit]


def pool(source: Source, task: Task, split: Split, language: str) -> Pool:
    """A retrieval pool in one language."""
    found = _read(source, task, split, language)
    if not isinstance(found, Parallel | Ranking):
        raise ValueError(f"{task.name} is no retrieval task.")
    return found


def dev_pool(source: Source, task: Task, language: str) -> Pool | None:
    """The pool on which a mining task chooses its threshold; None where the data have no dev part in the language."""
    if source.benchmark != "miniature":
        from trainables import shelf

        if shelf.find(task, "dev", language, source.folder) is None:
            return None
    return pool(source, task, "dev", language)


@functools.lru_cache(maxsize=64)
def _read(source: Source, task: Task, split: Split, language: str) -> list[Example] | Pool:
    if source.benchmark == "miniature":
        from trainables.miniature import world

        return world.examples(world.world(source.world_seed, source.null_world), task, split, language)
    from trainables import hub

    return hub.examples(task, split, language, data=source.folder)


def fingerprint(source: Source, task: Task) -> str:
    """A hash of all that the task reads: equal fingerprints mean equal examples."""
    if source.benchmark == "miniature":
        from trainables.miniature import world

        return world.world(source.world_seed, source.null_world).fingerprint
    from trainables import hub

    return hub.fingerprint(task, source.folder)


def languages(source: Source, task: Task) -> tuple[str, ...]:
    """The languages in which the task can be evaluated: those of its table that the data hold."""
    if source.benchmark == "miniature":
        return task.languages
    from trainables import hub

    return hub.languages(task, source.folder)


def missing(source: Source, tasks: list[Task]) -> list[str]:
    """One line for each thing that the tasks need and the data lack."""
    if source.benchmark == "miniature":
        return []
    from trainables import hub

    return hub.check(tasks, source.folder)


def text_fingerprint(folder: Path, languages: tuple[str, ...]) -> str:
    """A hash of the aligned text that the small encoder is pretrained on; raises UsageError where there is none."""
    from trainables import parallel_text

    parallel_text.read(folder, languages, sentences=0)
    return parallel_text.fingerprint(folder)


def notes(source: Source, tasks: list[Task]) -> list[str]:
    """What a reader of the scores must know of the data, a line each."""
    if source.benchmark == "miniature":
        return []
    from trainables import hub

    return [line for task in tasks for line in hub.notes(task, source.folder)]
