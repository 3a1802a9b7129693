"""Pooled heads: one vector per input row and a small classifier on it, for sentence pairs and multiple choice."""

import torch
from torch import nn

from spaces.encoders import EncoderProfile
from trainables.features.features import Tensors


class PooledHead(nn.Module):
    """Linear, tanh, linear on the first token (as in RoBERTa) or on the means of the two segments.

    The second form, [u, v, |u - v|, u * v] of the segment means u and v, suits small encoders, whose first token was
    never trained to represent a whole sentence.
    """

    def __init__(self, width: int, outputs: int, dropout: float, profile: EncoderProfile) -> None:
        super().__init__()
        self.segments = profile.pooling == "segments"
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(4 * width if self.segments else width, width)
        self.out = nn.Linear(width, outputs)

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Return logits (rows, outputs) from hidden states (rows, length, width)."""
        pooled = pool_states(hidden, batch, segments=self.segments)
        logits: torch.Tensor = self.out(self.dropout(torch.tanh(self.dense(self.dropout(pooled)))))
        return logits


def pool_states(hidden: torch.Tensor, batch: Tensors, *, segments: bool) -> torch.Tensor:
    """Return the head's input from states (rows, length, width): (rows, width), or (rows, 4 width) with `segments`."""
    if not segments:
        return hidden[:, 0]
    first = average_segment(hidden, batch["marks"] == 0)
    second = average_segment(hidden, batch["marks"] == 1)
    return torch.cat([first, second, (first - second).abs(), first * second], dim=-1)


def average_segment(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean (rows, width) of states (rows, length, width) over a mask (rows, length); 0 for an empty mask."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
