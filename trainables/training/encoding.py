"""Encoded data sets: every set is tokenised once, and all trials of a machine read the same memory-mapped table.

    <results>/encoded/<key>/       a table (trainables/features/feature_table.py)
                      <key>.lock   held by the worker that builds it; the others wait and then open it

The key is a hash of all that can change the table, so that a table is never out of date and may be removed at any time
when no sweep is running. The miniature is small and stays in the memory of each worker.
"""

import dataclasses
import hashlib
import json
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.data.task_data import DataSource, Split, compute_fingerprint, load_examples
from trainables.features.examples import Example
from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature
from trainables.features.shared_table import open_or_build_table
from trainables.kinds import KINDS
from trainables.training.evaluation import EvalSet
from trainables.worker.heartbeat import beat

VERSION = 2  # raise it when a kind of task encodes its examples in another way
EXAMPLES_PER_CALL = (
    10_000  # examples that are tokenised at once: what the tokenizer returns is much larger than the table
)
# What one process keeps; the least recently used sets go first.
MAX_FEATURES = 300_000  # of sets with features or examples in its own memory
MAX_SETS = 64  # an open table holds up to eight files open, of 1,024 that a process may have on many systems


@dataclass(frozen=True, slots=True)
class _CachedSet:
    table: FeatureTable
    examples: Sequence[Example] | None  # None where only the features were asked for
    owned_features: int  # features that lie in the memory of this process, or whose examples do


_cache: OrderedDict[tuple[object, ...], _CachedSet] = OrderedDict()
_tokenizer_hashes: weakref.WeakKeyDictionary[PreTrainedTokenizerBase, str] = weakref.WeakKeyDictionary()


def hash_tokenizer(tokenizer: PreTrainedTokenizerBase) -> str:
    """A hash of all that the tokenizer does; raises ValueError for one without the fast implementation.

    It is computed once per object: the vocabulary of XLM-R has 250,000 entries.
    """
    if not tokenizer.is_fast:
        raise ValueError("this tokenizer has no fast implementation, which tagging and answers need for their offsets.")
    if tokenizer not in _tokenizer_hashes:
        rules = json.loads(tokenizer.backend_tokenizer.to_str())
        del rules["truncation"], rules["padding"]  # left there by the last call; every call sets its own
        wrapper = [tokenizer.model_input_names, tokenizer.truncation_side, tokenizer.unk_token_id]
        _tokenizer_hashes[tokenizer] = hashlib.sha256(json.dumps([rules, wrapper], sort_keys=True).encode()).hexdigest()
    return _tokenizer_hashes[tokenizer]


def encode_split(
    source: DataSource,
    task: Task,
    split: Split,
    language: str,
    tokenizer: PreTrainedTokenizerBase,
    recipe: Recipe,
    profile: EncoderProfile,
    shared: Path | None = None,
) -> EvalSet:
    """The task's examples in one split and language, with their features: what scoring needs.

    `shared` is the folder of the tables that all workers share; None keeps the table in the memory of this process.
    """
    kept = _load_or_build((source, task, split, language), (tokenizer, recipe, profile), shared, with_examples=True)
    return EvalSet(task=task, language=language, examples=kept.examples or (), features=kept.table)


def encode_training_table(
    source: DataSource,
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    recipe: Recipe,
    profile: EncoderProfile,
    shared: Path | None = None,
    language: str | None = None,
) -> FeatureTable:
    """The features of the task's training set, in its own language if none is given.

    Where a table is shared already, no example is read.
    """
    return _load_or_build(
        (source, task, "train", language or task.own_language),
        (tokenizer, recipe, profile),
        shared,
        with_examples=False,
    ).table


def _load_or_build(
    what: tuple[DataSource, Task, Split, str],
    how: tuple[PreTrainedTokenizerBase, Recipe, EncoderProfile],
    shared: Path | None,
    *,
    with_examples: bool,
) -> _CachedSet:
    """The set as this process keeps it: opened, or built, if it is not there yet."""
    source, task, *_ = what
    tokenizer, recipe, profile = how
    shared = None if source.benchmark == "miniature" else shared
    settings = (hash_tokenizer(tokenizer), recipe.max_length, recipe.stride, profile.pooling)
    place = (*what, *settings, shared, with_examples)
    if place not in _cache:
        read = load_examples(*what) if with_examples else None

        def build() -> FeatureTable:
            found, left_out = read or load_examples(*what)
            per_position = KINDS[task.kind].per_position
            return build_table(_encode_chunks(task, found, *how), per_position=per_position, left_out=left_out)

        table = build() if shared is None else open_or_build_table(shared / _compute_key(what, settings), build)
        own = len(table) if shared is None or with_examples else 0
        _cache[place] = _CachedSet(table, None if read is None else read[0], own)
    _cache.move_to_end(place)
    while len(_cache) > 1 and (
        len(_cache) > MAX_SETS or sum(kept.owned_features for kept in _cache.values()) > MAX_FEATURES
    ):
        _cache.popitem(last=False)
    return _cache[place]


def _encode_chunks(
    task: Task, found: Sequence[Example], tokenizer: PreTrainedTokenizerBase, recipe: Recipe, profile: EncoderProfile
) -> Iterator[list[Feature]]:
    for start in range(0, len(found), EXAMPLES_PER_CALL):
        features = KINDS[task.kind].encode(tokenizer, found[start : start + EXAMPLES_PER_CALL], recipe, profile)
        beat()
        yield [dataclasses.replace(feature, example=start + feature.example) for feature in features]


def _compute_key(what: tuple[DataSource, Task, Split, str], settings: tuple[object, ...]) -> str:
    """32 hex digits that change with anything that the table depends on."""
    source, task, split, language = what
    limit = source.limit if split == "train" else source.test_limit
    problem = (task.name, task.kind, task.labels, task.has_unanswerable)  # ids of labels, and which rows are left out
    read = compute_fingerprint(source, task, language if split == "train" else None)
    parts = (VERSION, read, problem, split, language, limit, settings)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
