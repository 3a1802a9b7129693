"""What a kind of task is to the rest: a record of functions, so that one training loop serves them all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from spaces.encoders import EncoderProfile
from spaces.task import Recipe, Task
from trainables.features.features import Feature, Tensors
from trainables.models.encoder import Encoder

ScoreParts = tuple[Sequence[float | None], Sequence[float | None]]  # numerators and denominators of a ratio of sums
EncodeFunction = Callable[[PreTrainedTokenizerBase, Sequence[Any], Recipe, EncoderProfile], list[Feature]]


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfTask:
    """The things that differ between kinds.

    encode: examples to features. head(encoder, task, profile): a module from hidden states and batch to logits, fresh
    but for masked words, whose head the encoder brings. loss: logits and batch to a scalar. outcomes: logits and batch
    to (distributions, outcomes), the logits of all that the loss is a mean over, so that two passes can be compared
    (trainables/methods). decode: logits, batch and its features to one guess per feature. merge: features, their
    guesses and the number of examples to one prediction per example. score: task, examples, predictions and language to
    metric values (shares 0 to 1). parts: the same to the numerator and the denominator that each example brings to the
    task score, the ratio of their sums (0 / 0 is 0).
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
