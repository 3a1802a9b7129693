"""The interface of a kind of task: a record of functions, so that one training loop serves all kinds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import BatchEncoding, PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.features.features import Feature, Ids, Tensors
from trainables.models.encoder import Encoder

IMPOSSIBLE_LOGIT = -1e4  # finite, because differences of two minus infinities are not numbers

ScoreParts = tuple[Sequence[float | None], Sequence[float | None]]  # numerators and denominators of a ratio of sums
EncodeFunction = Callable[[PreTrainedTokenizerBase, Sequence[Any], Recipe, EncoderProfile], list[Feature]]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfTask:
    """The functions that differ between kinds of task.

    encode: examples to features.
    build_head(encoder, task, profile): a module from hidden states and batch to logits. It is fresh, except for masked
        words, whose head comes with the encoder.
    compute_loss: logits and batch to a scalar.
    flatten_logits: logits and batch to (distributions, outcomes), the logits of everything that the loss is a mean
        over, so that two passes can be compared (trainables/methods).
    decode: logits, batch and its features to one guess per feature.
    merge: task, features, their guesses and the examples to one prediction per example.
    score: task, examples, predictions and language to metrics (0 to 1).
    compute_parts: the same arguments to the numerator and denominator that each example adds to the task score, which
        is the ratio of their sums (0 / 0 is 0).
    per_position: targets have one id per position, not one label or span per feature.
    """

    encode: EncodeFunction
    build_head: Callable[[Encoder, Task, EncoderProfile], nn.Module]
    compute_loss: Callable[[torch.Tensor, Tensors], torch.Tensor]
    flatten_logits: Callable[[torch.Tensor, Tensors], torch.Tensor]
    decode: Callable[[torch.Tensor, Tensors, Sequence[Feature]], list[Any]]
    merge: Callable[[Task, Sequence[Feature], Sequence[Any], Sequence[Any]], list[Any]]
    score: Callable[[Task, Sequence[Any], Sequence[Any], str], dict[str, float]]
    compute_parts: Callable[[Task, Sequence[Any], Sequence[Any], str], ScoreParts]
    per_position: bool = False


def token_types_of(coded: BatchEncoding, row: int) -> tuple[Ids, ...] | None:
    """Return the token types of one row, as a one-row feature holds them; None if the tokenizer has none."""
    types = coded.get("token_type_ids")
    return None if types is None else (np.array(types[row], dtype=np.int32),)
