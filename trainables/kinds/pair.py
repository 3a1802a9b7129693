"""Sentence pairs: one label for two sentences (NLI, paraphrase).

Single texts and multiple choice are predicted and scored alike, so their files take what they share from here.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from transformers import BatchEncoding, PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.features.examples import ChoiceExample, PairExample, TextExample
from trainables.features.features import Feature, Ids, Tensors
from trainables.kinds.kind import ScoreParts, token_types_of
from trainables.kinds.pooling import PooledHead, count_segments
from trainables.models.encoder import Encoder
from trainables.scoring.metrics import accuracy, mark_hits

Labelled = PairExample | TextExample | ChoiceExample

per_position = False


def segments_of(sequence_ids: Sequence[int | None]) -> Ids:
    """Return, per position, 0 or 1 for the first or second text, and -1 for special tokens."""
    return np.array([-1 if segment is None else segment for segment in sequence_ids], dtype=np.int32)


def encode(
    tokenizer: PreTrainedTokenizerBase, examples: Sequence[PairExample], recipe: Recipe, profile: EncoderProfile
) -> list[Feature]:
    """Return one feature per pair. The longer sentence is cut first."""
    coded = tokenizer(
        [example.first for example in examples],
        [example.second for example in examples],
        truncation="longest_first",
        max_length=recipe.max_length,
    )
    return build_features(coded, examples, profile)


def build_features(
    coded: BatchEncoding, examples: Sequence[PairExample | TextExample], profile: EncoderProfile
) -> list[Feature]:
    """Return one feature per example, each of one row: what the tokenizer made of it, and its label."""
    return [
        Feature(
            example=i,
            rows=(np.array(coded["input_ids"][i], dtype=np.int32),),
            types=token_types_of(coded, i),
            target=np.array(example.label, dtype=np.int32),
            marks=(segments_of(coded.sequence_ids(i)),) if profile.pooling == "segments" else None,
        )
        for i, example in enumerate(examples)
    ]


def build_head(encoder: Encoder, task: Task, profile: EncoderProfile) -> nn.Module:
    """Return a head with one output per label."""
    return PooledHead(encoder.width, len(task.labels), encoder.dropout, count_segments("pair", profile))


def compute_loss(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Return the cross-entropy of logits (batch, labels) against label ids."""
    return nn.functional.cross_entropy(logits, batch["target"])


def flatten_logits(logits: torch.Tensor, batch: Tensors) -> torch.Tensor:
    """Return the logits as they are: one distribution per example, over the labels."""
    return logits


def decode(logits: torch.Tensor, batch: Tensors, features: Sequence[Feature]) -> list[int]:
    """Return the likeliest label id of each feature."""
    guesses: list[int] = logits.argmax(-1).tolist()
    return guesses


def merge(task: Task, features: Sequence[Feature], guesses: Sequence[int], examples: Sequence[Labelled]) -> list[int]:
    """Return the guesses in the order of the examples; -1, never a label, for an example without a feature."""
    ordered = [-1] * len(examples)
    for feature, guess in zip(features, guesses, strict=True):
        ordered[feature.example] = guess
    return ordered


def score(task: Task, examples: Sequence[Labelled], predictions: Sequence[int], language: str) -> dict[str, float]:
    """Return the accuracy."""
    return {"accuracy": accuracy([example.label for example in examples], predictions)}


def compute_parts(task: Task, examples: Sequence[Labelled], predictions: Sequence[int], language: str) -> ScoreParts:
    """Return 1 or 0 of 1 for each example, right or wrong."""
    return mark_hits([example.label for example in examples], predictions), [1] * len(examples)
