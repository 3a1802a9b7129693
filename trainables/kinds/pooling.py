"""One vector per input row and a small classifier on it: the head of sentence pairs and of multiple choice."""

import torch
from torch import nn

from spaces.encoders import EncoderProfile
from trainables.features.features import Tensors


class PooledHead(nn.Module):
    """Linear, tanh, linear on the first token (as in RoBERTa) or on the two segments' means.

    The second form, [u, v, |u - v|, u * v] of the segment means u and v, suits small encoders whose first token was
    never trained to sum a sentence up.
    """

    def __init__(self, width: int, outputs: int, dropout: float, profile: EncoderProfile) -> None:
        super().__init__()
        self.segments = profile.pooling == "segments"
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(4 * width if self.segments else width, width)
        self.out = nn.Linear(width, outputs)

    def forward(self, hidden: torch.Tensor, batch: Tensors) -> torch.Tensor:
        """Hidden states (rows, length, width) to logits (rows, outputs)."""
        pooled = pool_states(hidden, batch, segments=self.segments)
        logits: torch.Tensor = self.out(self.dropout(torch.tanh(self.dense(self.dropout(pooled)))))
        return logits


def pool_states(hidden: torch.Tensor, batch: Tensors, *, segments: bool) -> torch.Tensor:
    """What the head reads of each row: (rows, length, width) to (rows, width), or (rows, 4 width) with `segments`."""
    if not segments:
        return hidden[:, 0]
    first = average_segment(hidden, batch["marks"] == 0)
    second = average_segment(hidden, batch["marks"] == 1)
    return torch.cat([first, second, (first - second).abs(), first * second], dim=-1)


def average_segment(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over the masked positions: (rows, length, width) and (rows, length) to (rows, width); 0 where none."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
