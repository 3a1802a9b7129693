"""Real data for the tasks of `xtreme` and its variants: examples, retrieval pools, languages, labels."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Mapping

import datasets
import numpy as np

from spaces.errors import UsageError
from spaces.language import ENGLISH
from spaces.task import Task
from trainables.data import load_rows, pools
from trainables.data.column_shapes import item_type_of
from trainables.data.dataset_rows import DatasetRows
from trainables.data.labels import WITHHELD_LABELS
from trainables.data.locate import TRAINING_SPLITS, DataSplit, is_translated, locate_split, prefix_errors
from trainables.data.missing_data import describe_missing
from trainables.data.misspelling import misspell
from trainables.data.parallel_rows import convert_mixed_languages, convert_translation
from trainables.data.pool_limit import limit_pairs, limit_rankings
from trainables.data.rows import ConvertedRows, convert_rows
from trainables.data.split_files import Origin, SplitLocation
from trainables.features.examples import Example, PairExample, Pool, RankingPool, format_left_out


def load_split(task: Task, split: DataSplit, language: str = ENGLISH, *, origin: Origin) -> ConvertedRows:
    """Return the examples of a trained task: `train` in a training language, `dev` in English, `test` in any language.

    `origin` is a folder laid out like the hub, or the hub itself. Raises UsageError if the rows are missing or
    not as the table of datasets says.
    """
    if is_translated(task, split, language):
        return _load_translated(task, language, origin)
    if split == "test" and task.shift == "mixed":
        return _load_mixed(task, language, origin)
    examples: list[Example] = []
    left_out: Counter[str] = Counter()
    locations = _require_locations(task, split, language, origin)
    for location in locations:
        rows = load_rows.load(location, language)
        with prefix_errors(task, location):
            converted = convert_rows(rows, task, training=split == "train")
        examples += converted.examples
        left_out.update(converted.left_out)
    if split == "test" and task.shift == "perturbed":
        examples = [_misspell_pair(example) for example in examples]
    if task.is_control and task.kind == "pair":
        examples = _randomize_labels(examples, len(task.labels))
    return _require_examples(ConvertedRows(examples, dict(left_out)), task, locations, language)


def _load_translated(task: Task, language: str, origin: Origin) -> ConvertedRows:
    """Return the training examples of the task's own language in another one."""
    (own_location,) = _require_locations(task, "train", task.own_language, origin)
    (location,) = _require_locations(task, "train", language, origin)
    own, translated = load_rows.load(own_location, task.own_language), load_rows.load(location, language)
    with prefix_errors(task, location):
        converted = convert_translation(own, translated, task)
    return _require_examples(converted, task, (location,), language)


def _load_mixed(task: Task, language: str, origin: Origin) -> ConvertedRows:
    """Return test pairs whose sentences are in two languages, given as `first-second`."""
    sides = task.split_language(language)
    (first,), (second,) = (_require_locations(task, "test", side, origin) for side in sides)
    rows = [load_rows.load(location, side) for location, side in zip((first, second), sides, strict=True)]
    with prefix_errors(task, second):
        return _require_examples(convert_mixed_languages(rows[0], rows[1], task), task, (first, second), language)


def _misspell_pair(example: Example) -> Example:
    if not isinstance(example, PairExample):  # no example may be lost
        raise TypeError(f"only pairs of sentences are perturbed, got {type(example).__name__}.")
    return PairExample(misspell(example.first), misspell(example.second), example.label)


def _randomize_labels(examples: list[Example], label_count: int) -> list[Example]:
    """Return the pairs of a negative control: each with a random label, the same in every run."""
    labels = np.random.default_rng(0).integers(label_count, size=len(examples)).tolist()
    return [
        dataclasses.replace(example, label=label)
        for example, label in zip(examples, labels, strict=True)
        if isinstance(example, PairExample)
    ]


def _require_examples(
    converted: ConvertedRows, task: Task, locations: tuple[SplitLocation, ...], language: str
) -> ConvertedRows:
    """Return the examples; raises UsageError if there are none."""
    if not converted.examples:
        names = ", ".join(map(str, locations))
        raise _no_rows_error(f"{task.name}: {names} has no usable row in {language!r}", converted.left_out)
    return converted


def _no_rows_error(message: str, left_out: Mapping[str, int]) -> UsageError:
    return UsageError(f"{message}: {format_left_out(left_out) or 'there are no rows'}.")


def load_pool(task: Task, split: DataSplit, language: str, *, origin: Origin, limit: int | None = None) -> Pool | None:
    """Return a retrieval pool: `test`, or the `dev` on which a mining threshold is chosen (None if it is missing).

    It has at most `limit` queries, see `pool_limit.py`. Raises UsageError if test rows are missing or not as the table
    of datasets says.
    """
    if task.retrieval_mode == "rank":
        _require_locations(task, split, language, origin)
        ranking = _load_ranking_pools(task, origin, limit)[language]
        if not ranking.queries:
            raise _no_rows_error(f"{task.name}: no usable row in {language!r}", ranking.left_out)
        return ranking
    if split == "dev" and not locate_split(task, split, language, origin):
        return None
    (location,) = _require_locations(task, split, language, origin)
    rows = load_rows.load(location, language)
    build = pools.build_mining_pool if task.retrieval_mode == "mine" else pools.build_parallel_pool
    with prefix_errors(task, location):
        pool = build(rows)
    if not pool.queries:
        raise UsageError(f"{task.name}: {location} has no rows in {language!r}.")
    return limit_pairs(pool, limit)


@functools.lru_cache(maxsize=2)
def _load_ranking_pools(task: Task, origin: Origin, limit: int | None) -> dict[str, RankingPool]:
    """Return the pool of every language. They share one tuple of candidates, which is embedded once."""
    rows: dict[str, DatasetRows] = {}
    for language in find_languages(task, origin):
        (location,) = _require_locations(task, "test", language, origin)
        rows[language] = load_rows.load(location, language)
    if "sentences" in location.spec.columns:
        with prefix_errors(task, location):
            return limit_rankings(pools.build_answer_pools(rows), limit)
    (location,) = _require_locations(task, "pool", ENGLISH, origin)
    index = load_rows.load(location, ENGLISH)
    with prefix_errors(task, location):
        return limit_rankings(pools.build_entity_pools(rows, index), limit)


def _require_locations(task: Task, split: DataSplit, language: str, origin: Origin) -> tuple[SplitLocation, ...]:
    locations = locate_split(task, split, language, origin)
    if not locations:
        raise UsageError("\n".join(describe_missing(task, split, language, origin)))
    return locations


def find_languages(task: Task, origin: Origin) -> tuple[str, ...]:
    """Return the languages in which the task can be evaluated: those of its table that have test rows."""
    with_rows = {*find_test_languages(task, origin)}
    return tuple(name for name in task.languages if {*task.split_language(name)} <= with_rows)


def find_test_languages(task: Task, origin: Origin) -> tuple[str, ...]:
    """Return the languages that have test rows: languages of the task, or of the sides of its mixed pairs."""
    return tuple(name for name in task.test_languages if locate_split(task, "test", name, origin))


def resolve_labels(task: Task, origin: Origin) -> Task:
    """Return the task with its labels, where only the data name them (supertags)."""
    if task.labels or task.kind not in ("tagging", "pair", "text"):
        return task
    return dataclasses.replace(task, labels=_read_labels(task, origin))


@functools.lru_cache(maxsize=8)
def _read_labels(task: Task, origin: Origin) -> tuple[str, ...]:
    names: set[str] = set()
    for split in TRAINING_SPLITS:
        language = task.own_language if split == "train" else ENGLISH
        for location in _require_locations(task, split, language, origin):
            rows = load_rows.load(location, language).table
            column = location.spec.label_column
            feature = item_type_of(rows.features[column])
            if isinstance(feature, datasets.ClassLabel):
                names.update(feature.names)
            else:
                values = (value for row in rows[column][:] for value in (row if isinstance(row, list) else [row]))
                names.update(value for value in values if value not in WITHHELD_LABELS)
    return tuple(sorted(names))
