"""Encoded data sets, kept in the worker: stages that follow each other mostly read the same ones."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from spaces.profile import Profile
from spaces.task import Recipe, Task
from trainables.data import Source, Split, examples
from trainables.evaluation import Evaluated
from trainables.examples import Example
from trainables.features import Feature
from trainables.kinds import KINDS

MOST_FEATURES = 300_000  # kept at once; the least recently used sets go first


@dataclass(frozen=True, slots=True)
class _Set:
    examples: Sequence[Example]
    features: Sequence[Feature]


_kept: OrderedDict[tuple[object, ...], _Set] = OrderedDict()


def tokenizer_id(tokenizer: PreTrainedTokenizerBase) -> str:
    """A hash of all that the tokenizer does; raises ValueError for one without the fast implementation."""
    if not tokenizer.is_fast:
        raise ValueError("this tokenizer has no fast implementation, which tagging and answers need for their offsets.")
    return hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()


def encoded(
    source: Source,
    task: Task,
    split: Split,
    language: str,
    tokenizer: PreTrainedTokenizerBase,
    recipe: Recipe,
    profile: Profile,
) -> Evaluated:
    """The task's examples in one split and language, with their features."""
    place = (source, task, split, language, tokenizer_id(tokenizer), recipe, profile)
    if place not in _kept:
        found = examples(source, task, split, language)
        _kept[place] = _Set(found, KINDS[task.kind].encode(tokenizer, found, recipe, profile))
    _kept.move_to_end(place)
    while len(_kept) > 1 and sum(len(kept.features) for kept in _kept.values()) > MOST_FEATURES:
        _kept.popitem(last=False)
    kept = _kept[place]
    return Evaluated(task=task, language=language, examples=kept.examples, features=kept.features)
