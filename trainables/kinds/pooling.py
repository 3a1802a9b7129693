"""Pooled heads: a vector per input row and a small classifier on it, for pairs, single texts and multiple choice."""

from collections.abc import Mapping

import torch
from torch import nn

from spaces.encoders import EncoderProfile
from spaces.task import TaskKind
from trainables.features.features import Tensors

TEXTS_OF_KIND: Mapping[TaskKind, int] = {"pair": 2, "text": 1, "choice": 2}  # texts in a row


class PooledHead(nn.Module):
    """Linear, tanh, linear on the first token (as in RoBERTa) or on the means of the segments, the texts of a row.

    The second form suits small encoders, whose first token was never trained to represent a whole sentence. Of two
    segments with the means u and v it reads [u, v, |u - v|, u * v], of one its mean.
    """

    def __init__(self, width: int, outputs: int, dropout: float, segments: int) -> None:
        super().__init__()
        self.segments = segments  # see `count_segments`
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(4 * width if segments == 2 else width, width)
        self.out = nn.Linear(width, outputs)

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Return logits (rows, outputs) from hidden states (rows, length, width)."""
        pooled = pool_states(hidden, batch, segments=self.segments)
        logits: torch.Tensor = self.out(self.dropout(torch.tanh(self.dense(self.dropout(pooled)))))
        return logits


def count_segments(kind: TaskKind, profile: EncoderProfile) -> int:
    """Return the number of segments whose means a head of this kind reads; 0 if it reads the first token."""
    return TEXTS_OF_KIND[kind] if profile.pooling == "segments" else 0


def pool_states(hidden: torch.Tensor, batch: Tensors, *, segments: int) -> torch.Tensor:
    """Return the head's input from states (rows, length, width): (rows, width), or (rows, 4 width) of two segments."""
    if segments == 0:
        return hidden[:, 0]
    first = average_segment(hidden, batch["marks"] == 0)
    if segments == 1:
        return first
    second = average_segment(hidden, batch["marks"] == 1)
    return torch.cat([first, second, (first - second).abs(), first * second], dim=-1)


def average_segment(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean (rows, width) of states (rows, length, width) over a mask (rows, length); 0 for an empty mask."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
