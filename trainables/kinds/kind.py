"""The interface of a kind of task, a module of functions, so that one training loop serves all kinds."""

from collections.abc import Sequence
from typing import Any, Protocol

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


class KindOfTask(Protocol):
    """The functions that differ between kinds of task."""

    per_position: bool  # targets have one id per position, not one label or span per feature

    def encode(
        self, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Any], recipe: Recipe, profile: EncoderProfile, /
    ) -> list[Feature]:
        """Return examples as features."""

    def build_head(self, encoder: Encoder, task: Task, profile: EncoderProfile, /) -> nn.Module:
        """Return a module from hidden states and batch to logits: fresh, but for masked words the encoder's own."""

    def compute_loss(self, logits: torch.Tensor, batch: Tensors, /) -> torch.Tensor:
        """Return a scalar."""

    def flatten_logits(self, logits: torch.Tensor, batch: Tensors, /) -> torch.Tensor:
        """Return the logits (distributions, outcomes) of all that the loss is a mean over (see trainables/methods)."""

    def decode(self, logits: torch.Tensor, batch: Tensors, features: Sequence[Feature], /) -> list[Any]:
        """Return one guess per feature of the batch."""

    def merge(
        self, task: Task, features: Sequence[Feature], guesses: Sequence[Any], examples: Sequence[Any], /
    ) -> list[Any]:
        """Return one prediction per example from the guesses of the features."""

    def score(
        self, task: Task, examples: Sequence[Any], predictions: Sequence[Any], language: str, /
    ) -> dict[str, float]:
        """Return metrics (0 to 1)."""

    def compute_parts(
        self, task: Task, examples: Sequence[Any], predictions: Sequence[Any], language: str, /
    ) -> ScoreParts:
        """Return what each example adds to numerator and denominator of the task score, their ratio (0 / 0 is 0)."""


def token_types_of(coded: BatchEncoding, row: int) -> tuple[Ids, ...] | None:
    """Return the token types of one row, as a one-row feature holds them; None if the tokenizer has none."""
    types = coded.get("token_type_ids")
    return None if types is None else (np.array(types[row], dtype=np.int32),)
