"""Encoded data sets: every set is tokenised once, and all trials of a machine read the same memory-mapped table.

    <results>/encoded/<key>/       a table (trainables/features/feature_table.py)
                      <key>.lock   held by the worker that builds the table; the others wait and then open it

The key is a hash of everything that can change the table. So a table is never out of date, and may be removed at any
time when no sweep is running. The miniature is small and stays in the memory of each worker.
"""

import dataclasses
import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import INPUT_FIELDS, Recipe, Split, Task, list_key_fields
from trainables.data.task_data import DataSource, compute_fingerprint, load_examples
from trainables.features.examples import Example
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature
from trainables.features.shared_table import open_or_build_table
from trainables.features.tokenizer_rules import hash_tokenizer
from trainables.features.words import find_word_style
from trainables.kinds import KINDS
from trainables.training.evaluation import EvalSet
from trainables.worker.heartbeat import beat
from trainables.worker.stage_clock import count, spend

SplitKey = tuple[DataSource, Task, Split, str]  # the last one is the language

VERSION = 2  # raise it when a kind of task encodes its examples in another way
# Examples per call of the tokenizer: its output is much larger than the table.
EXAMPLES_PER_CALL = 10_000
# Limits on what one process keeps; the least recently used sets are dropped first.
MAX_FEATURES = 300_000  # of sets with features or examples in the process's own memory
MAX_TABLES = 64  # a mapped table holds up to eight files open, of 1,024 that a process may have on many systems


@dataclass(frozen=True, slots=True)
class Encoding:
    """A way of turning examples into features: tokenizer, lengths (recipe), pooling (profile).

    `folder` holds the tables that all workers share. None keeps tables in the memory of this process.
    """

    tokenizer: PreTrainedTokenizerBase
    recipe: Recipe
    profile: EncoderProfile
    folder: Path | None = None

    @property
    def settings(self) -> tuple[object, ...]:
        """The settings that features depend on. Tables of former versions lack those of other recipes than `ours`."""
        lengths = (self.recipe.max_length, self.recipe.stride)
        return hash_tokenizer(self.tokenizer), *lengths, self.profile.pooling, *self._other_settings

    @property
    def _other_settings(self) -> tuple[object, ...]:
        chosen = list_key_fields(self.recipe)
        return tuple((name, chosen[name]) for name in INPUT_FIELDS if name in chosen)


@dataclass(frozen=True, slots=True)
class _CachedSet:
    table: FeatureTable
    examples: Sequence[Example] | None  # None if only the features were asked for
    owned_features: int  # features that are in the memory of this process, or whose examples are
    is_mapped: bool  # the table is in files that stay open


_cache: OrderedDict[tuple[object, ...], _CachedSet] = OrderedDict()


def encode_split(source: DataSource, task: Task, split: Split, language: str, encoding: Encoding) -> EvalSet:
    """Return the task's examples in one split and language with their features: everything that scoring needs."""
    cached = _load_or_build((source, task, split, language), encoding, with_examples=True)
    return EvalSet(task=task, language=language, examples=cached.examples or (), features=cached.table)


def encode_training_table(
    source: DataSource, task: Task, encoding: Encoding, language: str | None = None
) -> FeatureTable:
    """Return the features of the training set, by default in the task's own language; a shared table is only opened.

    The table is whole, whatever the source's limit: which rows a run is limited to depends on its seed (mixing.py).
    """
    whole = dataclasses.replace(source, limit=None)
    key: SplitKey = (whole, task, "train", language or task.own_language)
    return _load_or_build(key, encoding, with_examples=False).table


def encode_examples(task: Task, examples: Sequence[Example], encoding: Encoding) -> FeatureTable:
    """Return the features of a few examples, in the memory of this process."""
    features = _encode_chunks(task, examples, encoding)
    return build_table(features, per_position=KINDS[task.kind].per_position, left_out={})


def _load_or_build(key: SplitKey, encoding: Encoding, *, with_examples: bool) -> _CachedSet:
    """Return the set from this process's cache, from the shared folder, or newly built."""
    source, task, _, _ = key
    folder = None if source.is_miniature else encoding.folder
    cache_key = (*key, *encoding.settings, *_list_own_settings(task, encoding.tokenizer), folder, with_examples)
    if cache_key not in _cache:
        with spend("tokenising"):
            _cache[cache_key] = _load(key, encoding, folder, with_examples=with_examples)
    _cache.move_to_end(cache_key)
    while len(_cache) > 1 and (
        sum(cached.is_mapped for cached in _cache.values()) > MAX_TABLES
        or sum(cached.owned_features for cached in _cache.values()) > MAX_FEATURES
    ):
        _cache.popitem(last=False)
    return _cache[cache_key]


def _load(key: SplitKey, encoding: Encoding, folder: Path | None, *, with_examples: bool) -> _CachedSet:
    """Return the set from the shared folder, or newly built if there is no folder or no table in it."""
    _, task, _, _ = key
    loaded = load_examples(*key) if with_examples else None

    def build() -> FeatureTable:
        examples, left_out = loaded or load_examples(*key)
        features = _encode_chunks(task, examples, encoding)
        return build_table(features, per_position=KINDS[task.kind].per_position, left_out=left_out)

    table = build() if folder is None else open_or_build_table(folder / _hash_settings(key, encoding), build)
    owned = len(table) if folder is None or with_examples else 0
    return _CachedSet(table, None if loaded is None else loaded[0], owned, is_mapped=folder is not None)


def _encode_chunks(task: Task, examples: Sequence[Example], encoding: Encoding) -> Iterator[list[Feature]]:
    for start in range(0, len(examples), EXAMPLES_PER_CALL):
        count(start, len(examples))
        chunk = examples[start : start + EXAMPLES_PER_CALL]
        features = KINDS[task.kind].encode(encoding.tokenizer, chunk, encoding.recipe, encoding.profile)
        beat()
        yield [dataclasses.replace(feature, example=start + feature.example) for feature in features]


def _hash_settings(key: SplitKey, encoding: Encoding) -> str:
    """Return 32 hex digits that change with everything that the table depends on."""
    source, task, split, language = key
    limit = None if split == "train" else source.test_limit
    # Labels decide the ids, and with unanswerable questions the rows that are left out.
    task_fields = (task.name, task.kind, task.labels, task.has_unanswerable)
    fingerprint = compute_fingerprint(source, task, language if split == "train" else None)
    fields = (*task_fields, *_list_own_settings(task, encoding.tokenizer))
    parts = (VERSION, fingerprint, fields, split, language, limit, encoding.settings)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _list_own_settings(task: Task, tokenizer: PreTrainedTokenizerBase) -> tuple[object, ...]:
    """Return what one kind of task reads of the tokenizer beside its rules. Tables of former versions lack it."""
    if task.kind == "mlm":
        return ("windows", tokenizer.mask_token_id, *sorted(tokenizer.all_special_ids))
    return ("blanks",) if task.kind == "tagging" and find_word_style(tokenizer).with_blanks else ()
