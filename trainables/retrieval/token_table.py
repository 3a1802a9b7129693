"""Sentences as sub-tokens: the pools of a language are tokenised once, and all workers of a machine read one table."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from trainables.features.feature_table import FeatureTable, build_table
from trainables.features.features import Feature
from trainables.features.shared_table import open_or_build_table
from trainables.features.tokenizer_rules import hash_tokenizer
from trainables.worker.heartbeat import beat

VERSION = 1  # raise it when sentences are tokenised in another way
SENTENCES_PER_CALL = 8_192  # of the tokenizer: the ids of a million sentences would take gigabytes
NO_TARGET = np.array(0, dtype=np.int32)


def tokenise(
    tokenizer: PreTrainedTokenizerBase, sentences: Sequence[str], max_length: int, folder: Path | None
) -> FeatureTable:
    """Return a feature of one row for each sentence, cut at `max_length` sub-tokens.

    The table is shared through `folder` under a hash of everything that it depends on; None keeps it in this process.
    """

    def build() -> FeatureTable:
        return build_table(_iter_chunks(tokenizer, sentences, max_length), per_position=False)

    if folder is None:
        return build()
    settings = json.dumps([VERSION, hash_tokenizer(tokenizer), max_length, sentences])
    return open_or_build_table(folder / hashlib.sha256(settings.encode()).hexdigest()[:32], build)


def _iter_chunks(
    tokenizer: PreTrainedTokenizerBase, sentences: Sequence[str], max_length: int
) -> Iterator[list[Feature]]:
    for start in range(0, len(sentences), SENTENCES_PER_CALL):
        chunk = list(sentences[start : start + SENTENCES_PER_CALL])
        coded = tokenizer(chunk, truncation=True, max_length=max_length)["input_ids"]
        beat()
        yield [
            Feature(example=number, rows=(np.array(ids, dtype=np.int32),), types=None, target=NO_TARGET)
            for number, ids in enumerate(coded, start)
        ]
