"""The data of a task, from the miniature's generator or from files in the hub's layout, behind the same functions.

Each side is imported in the functions that use it: a worker on the miniature never imports `datasets`.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spaces.benchmark import BENCHMARKS
from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.probe_columns import GENERATED
from spaces.task import Split, Task
from trainables.data.pool_limit import limit_pairs
from trainables.features.examples import Example, Pool, ProbeSentences

if TYPE_CHECKING:
    from trainables.data.data_check import DataProblem
    from trainables.data.data_report import DataReport
    from trainables.data.split_files import Origin
    from trainables.repositories.hub import Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """A source of data: a folder laid out like the hub, the hub itself, or the miniature, which has neither."""

    benchmark: str
    world_seed: int = 0
    null_world: bool = False
    data: str | None = None  # the folder
    hub: "Hub | None" = None
    limit: int | None = None  # training examples
    test_limit: int | None = None  # dev and test examples per language of a trained task
    pool_limit: int | None = None  # queries, and candidates, of a retrieval pool
    probe_limit: int | None = None  # sentences of each kind and language that alignment probes read

    @property
    def is_miniature(self) -> bool:
        """True if the miniature generates the data."""
        return self.benchmark == "miniature"

    @property
    def origin(self) -> "Origin":
        """The data folder, or the hub."""
        if self.data is not None:
            return Path(self.data)
        if self.hub is None:
            raise UsageError("neither a data folder nor the hub is given.")
        return self.hub


def load_examples(
    source: DataSource, task: Task, split: Split, language: str = "en"
) -> tuple[list[Example], Mapping[str, int]]:
    """Return the examples of a trained task, and the number of rows of the whole split that gave none, by reason.

    A training set is whole: the rows that a run is limited to depend on its seed. In a translated training set the same
    index holds the same item in every language. Raises UsageError if the rows are missing or not as the table of
    datasets says.
    """
    left_out: Mapping[str, int] = {}
    if source.is_miniature:
        from trainables.miniature import world

        own_world = world.build_world(source.world_seed, source.null_world)
        examples = world.generate_examples(own_world, task, split, language)
    else:
        from trainables.data import real_data

        converted = real_data.load_split(task, split, language, origin=source.origin)
        examples, left_out = converted.examples, converted.left_out
    return examples if split == "train" else _limit_examples(task, examples, source.test_limit), left_out


def _limit_examples(task: Task, examples: list[Example], limit: int | None) -> list[Example]:
    """Return at most `limit` dev or test examples: the first ones, or single texts from all over the split.

    SIB-200's test rows are sorted by topic: its first rows have one or two of the seven.
    """
    if task.kind != "text" or limit is None or len(examples) <= limit:
        return examples[:limit]
    return [examples[number * len(examples) // limit] for number in range(limit)]


def load_pool(source: DataSource, task: Task, split: Split, language: str) -> Pool:
    """Return a retrieval pool in one language. Pools that share their candidates hold the same tuple of them.

    Raises ValueError if the data have no such pool, and UsageError if they cannot be read.
    """
    pool = _find_pool(source, task, split, language)
    if pool is None:
        raise ValueError(f"{task.name} has no {split} pool in {language!r}.")
    return pool


def load_dev_pool(source: DataSource, task: Task, language: str) -> Pool | None:
    """Return the pool on which a mining task chooses its threshold; None if the data have none in the language."""
    return _find_pool(source, task, "dev", language)


@functools.lru_cache(maxsize=64)  # every encoder is evaluated on the same pools
def _find_pool(source: DataSource, task: Task, split: Split, language: str) -> Pool | None:
    if source.is_miniature:
        from trainables.miniature import world

        own_world = world.build_world(source.world_seed, source.null_world)
        return limit_pairs(world.generate_pool(own_world, task, split, language), source.pool_limit)
    from trainables.data import real_data

    return real_data.load_pool(task, split, language, origin=source.origin, limit=source.pool_limit)


def resolve_labels(source: DataSource, task: Task) -> Task:
    """Return the task with its labels, where only the data name them."""
    if source.is_miniature:
        return task
    from trainables.data import real_data

    return real_data.resolve_labels(task, source.origin)


def find_languages(source: DataSource, task: Task) -> tuple[str, ...]:
    """Return the languages in which the task can be evaluated: those of its table that have test rows."""
    if source.is_miniature:
        return task.languages
    from trainables.data import real_data

    return real_data.find_languages(task, source.origin)


def load_probe_sentences(source: DataSource) -> ProbeSentences | None:
    """Return translated sentences that are no target's; None if the data have none.

    Raises UsageError if they cannot be read.
    """
    if source.is_miniature:
        from trainables.miniature import probe_sentences, world

        own_world = world.build_world(source.world_seed, source.null_world)
        languages = [name for name in BENCHMARKS.find(source.benchmark).languages if name != ENGLISH]
        pairs = {name: probe_sentences.generate_probe_sentences(own_world, name) for name in languages}
        return ProbeSentences(GENERATED, pairs)
    from trainables.data import sib200

    return sib200.load_sentences(BENCHMARKS.find(source.benchmark).languages, source.origin)


def collect_probe_notes(source: DataSource) -> list[str]:
    """Return a note if alignment probes cannot read sentences that are no target's; asks the hub for them."""
    if source.is_miniature:
        return []
    from trainables.data import sib200

    benchmark = BENCHMARKS.find(source.benchmark)
    found = sib200.find_sentence_languages(benchmark.languages, source.origin)
    if not found:
        return [sib200.describe_missing(benchmark.parallel_targets)]
    without = [name for name in benchmark.languages if name not in found]
    names = ", ".join(without)
    return [f"--probes alignment: no sentences of SIB-200 for {names}: not measured there."] if without else []


# From here on `language` is that of the training rows; None is the task's own.


def compute_fingerprint(source: DataSource, task: Task, language: str | None = None) -> str:
    """Return a hash of all data that the task reads: equal fingerprints mean equal examples."""
    if source.is_miniature:
        from trainables.miniature import world

        return world.compute_fingerprint(world.build_world(source.world_seed, source.null_world), task)
    from trainables.data import fingerprint

    return fingerprint.compute_fingerprint(task, source.origin, language)


def describe_locations(source: DataSource, task: Task, language: str | None = None) -> list[str]:
    """Return a line for each location that the task reads, with the hash of its files."""
    if source.is_miniature:
        return []
    from trainables.data import fingerprint

    return fingerprint.describe_locations(task, source.origin, language)


def list_problems(source: DataSource, task: Task, language: str | None = None) -> list["DataProblem"]:
    """Return each thing that the task needs and the data lack."""
    if source.is_miniature:
        return []
    from trainables.data import data_check

    return data_check.list_problems(task, source.origin, language)


def collect_notes(source: DataSource, task: Task, language: str | None = None) -> list[str]:
    """Return what a reader of the task's scores must know of its data, a line each."""
    if source.is_miniature:
        return []
    from trainables.data import data_notes

    return data_notes.collect_notes(task, source.origin, language)


def inspect(source: DataSource, task: Task, language: str | None = None) -> "DataReport":
    """Check all data that the task reads, and convert the first row of each location to an example."""
    from trainables.data import data_report

    return data_report.inspect(task, source.origin, language)
