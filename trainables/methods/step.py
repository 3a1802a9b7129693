"""A training step, as methods see it: a batch, and the passes that they may make with it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from trainables.features.features import Tensors
from trainables.kinds.kind import KindOfTask
from trainables.models.encoder import Encoder


@dataclass(frozen=True, kw_only=True)
class TrainingStep:
    """A batch, or a part of one where memory is short.

    `compute_logits(batch, words)` is a pass through encoder and head. `words`, if given, replace the word embeddings of
    the ids: (rows, length, width) in 32 bits, before positions are added and before the first normalisation.
    `embedding_table` maps ids to word embeddings. `special_ids` are the ids that are not words. `share` is the share of
    the batch in this part: the gradients of the parts of a batch add up.
    """

    batch: Tensors
    compute_logits: Callable[[Tensors, torch.Tensor | None], torch.Tensor]
    embedding_table: nn.Module
    special_ids: tuple[int, ...]
    kind: KindOfTask
    share: float

    @property
    def device(self) -> torch.device:
        """The device of the batch."""
        return self.batch["input_ids"].device

    @cached_property
    def word_mask(self) -> torch.Tensor:
        """The mask (rows, length) of tokens that are words or pieces of words: neither padding nor special tokens."""
        ordinary = self.batch["attention_mask"] == 1
        for token in self.special_ids:
            ordinary = ordinary & (self.batch["input_ids"] != token)
        return ordinary

    def embed_words(self) -> torch.Tensor:
        """Return the batch's word embeddings (rows, length, width). Gradients reach the table unless it is frozen."""
        words: torch.Tensor = self.embedding_table(self.batch["input_ids"])
        return words

    def compute_loss(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the task's loss, weighted by the share of the batch."""
        return self.kind.compute_loss(logits, self.batch) * self.share


GradientRule = Callable[[TrainingStep], torch.Tensor]  # adds gradients to the parameters and returns the loss, detached


def build_step(encoder: Encoder, head: nn.Module, kind: KindOfTask, batch: Tensors, share: float) -> TrainingStep:
    """Return the step of an encoder and a head on a batch of `trainables.features.features.collate`."""
    tokenizer = encoder.tokenizer
    return TrainingStep(
        batch=batch,
        compute_logits=lambda batch, words: encoder.compute_logits(head, batch, words),
        embedding_table=encoder.model.get_input_embeddings(),
        special_ids=tuple(token for token in tokenizer.all_special_ids if token != tokenizer.unk_token_id),
        kind=kind,
        share=share,
    )
